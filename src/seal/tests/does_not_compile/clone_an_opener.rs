fn second(opener: &seal::Opener) -> seal::Opener {
    opener.clone()
}

fn main() {}
