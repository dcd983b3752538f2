use seal::{Confidential, Plain, Sealed};

fn answer<T: serde::Serialize>(_: &T) {}

fn leak(value: &Sealed<Plain, Confidential>) {
    answer(value);
}

fn main() {}
