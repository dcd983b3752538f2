//! Files in and out.

mod csv_out;
mod fatalities;
mod prosecutions;
mod reference;

pub use csv_out::csv_of;
pub use fatalities::{FATALITIES, ImportReport, Unreadable, import_fatalities};
pub use prosecutions::{PublicProceeding, public_proceedings};
pub use reference::{missions, states};
