fn twice(opener: &seal::Opener, permit: seal::Permit) {
    let _ = opener.open(permit);
    let _ = opener.open(permit);
}

fn main() {}
