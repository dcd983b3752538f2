//! The command line's entry.

use std::process::ExitCode;

/// A page allocates a few thousand small strings: the system's allocator takes a fifth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    casque::cli::run()
}
