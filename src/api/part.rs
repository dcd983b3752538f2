//! Which part of a list is asked for, and in which format.

use std::collections::HashSet;

use crate::policy::Viewer;
use crate::store::{Cursor, Id, Read, Result as StoreResult};

/// Formats that lists have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json`, by the page.
    Json,
    /// A file of the whole list, or of a page.
    File(File),
}

/// Kinds of files that lists have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// `text/csv` (RFC 4180).
    Csv,
    /// Office Open XML.
    Xlsx,
}

/// Which part of a list is read.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// After which row.
    pub after: Option<&'a Cursor>,
    /// Rows, at most.
    pub limit: i64,
    /// Whether it is part of a whole list, which tells nobody what is held: that is for pages.
    pub whole: bool,
}

impl Part<'_> {
    /// What of these holders is held, for viewers whom lists tell.
    ///
    /// # Errors
    /// The database's.
    pub fn held(&self, viewer: &Viewer, r: &mut Read<'_>, holders: &[Id]) -> StoreResult<Option<HashSet<(Id, u16)>>> {
        if viewer.is_inside() && !self.whole { r.held(holders).map(Some) } else { Ok(None) }
    }
}
