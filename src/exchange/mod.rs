//! Files in and out.

mod cells;
mod csv_out;
mod fatalities;
pub mod ledger;
mod prosecutions;
mod reference;
mod xlsx_out;

#[cfg(fuzzing)]
pub use fatalities::fuzzing;

pub use cells::NoTable;
pub use csv_out::CsvTable;
pub use fatalities::{FATALITIES, ImportReport, Unreadable, import_fatalities};
pub use prosecutions::{PublicProceeding, public_proceedings};
pub use reference::{missions, states};
pub use xlsx_out::{NotWritten, SHEET_ROWS, XlsxTable};
