fn open(value: &seal::Sealed<seal::Plain, seal::Confidential>) -> &str {
    value.open()
}

fn main() {}
