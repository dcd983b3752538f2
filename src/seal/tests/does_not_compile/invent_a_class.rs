enum Unclassified {}

impl seal::Class for Unclassified {
    const CODE: seal::ClassCode = seal::ClassCode::Confidential;
}

fn main() {}
