//! What a command prints. A reader that goes away ends the command quietly; a full disk ends it with one sentence. Neither
//! panics, as `println!` would.

use std::fmt::Arguments;
use std::io::{self, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

/// Standard output that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the output cannot be written: {0}")]
pub struct Unwritten(#[from] io::Error);

impl Unwritten {
    /// Whether whoever read the output went away, as `head` does: nothing is wrong then.
    pub fn is_closed(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Prints text to standard output.
///
/// # Errors
/// [`Unwritten`].
pub fn print(text: Arguments<'_>) -> Result<(), Unwritten> {
    Ok(io::stdout().lock().write_fmt(text)?)
}

/// Writes out what is still held back.
///
/// # Errors
/// [`Unwritten`].
pub fn flush() -> Result<(), Unwritten> {
    Ok(io::stdout().lock().flush()?)
}

/// Prints text to standard error. There is nobody to tell when that fails.
pub fn tell(text: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a line to standard output, as `println!` does; gives an error where that panics.
macro_rules! say {
    () => { $crate::cli::output::print(format_args!("\n")) };
    ($($text:tt)*) => { $crate::cli::output::print(format_args!("{}\n", format_args!($($text)*))) };
}
pub(crate) use say;

/// A progress bar on standard error.
pub fn bar(what: &'static str) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{msg:28} {bar:40} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_message(what)
}
