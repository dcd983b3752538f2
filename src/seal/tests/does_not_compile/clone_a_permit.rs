fn twice(permit: &seal::Permit) -> seal::Permit {
    permit.clone()
}

fn main() {}
