fn leak(value: &seal::Plain) -> String {
    format!("{value}")
}

fn main() {}
