use seal::{Confidential, Plain, Sealed, StrictlyConfidential};

fn lower(value: Sealed<Plain, StrictlyConfidential>) -> Sealed<Plain, Confidential> {
    value
}

fn main() {}
