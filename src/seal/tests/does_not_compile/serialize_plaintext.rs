fn answer<T: serde::Serialize>(_: &T) {}

fn leak(value: &seal::Plain) {
    answer(value);
}

fn main() {}
