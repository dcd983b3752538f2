//! Lists as XLSX, with the cells of the CSV: numbers as numbers, the header frozen and filterable.

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use serde::Serialize;

use super::cells::{Cell, NoTable, Row, cells_of};

/// Records that a sheet takes: Excel's 1,048,576 rows, less the header.
pub const SHEET_ROWS: u32 = 1_048_575;

/// Writes records as one sheet, with memory that does not grow with their number: rows go to a temporary file, which holds no
/// sealed value.
pub struct XlsxTable {
    book: Workbook,
    names: Vec<String>,
    rows: u32,
}

impl std::fmt::Debug for XlsxTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "XlsxTable({} rows)", self.rows)
    }
}

/// Why a sheet could not be written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// More records than a sheet takes.
    #[error("a sheet takes {SHEET_ROWS} rows")]
    TooMany,
    /// A record is none.
    #[error(transparent)]
    NoTable(#[from] NoTable),
    /// The file could not be written.
    #[error(transparent)]
    Xlsx(#[from] XlsxError),
}

impl XlsxTable {
    /// An empty sheet of that name.
    ///
    /// # Errors
    /// When a sheet cannot have the name.
    pub fn new(name: &str) -> Result<Self, NotWritten> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        Ok(Self { book, names: Vec::new(), rows: 0 })
    }

    /// As [`XlsxTable::new`], with no row on any disk meanwhile: for what is opened.
    ///
    /// # Errors
    /// As [`XlsxTable::new`].
    pub fn in_memory(name: &str) -> Result<Self, NotWritten> {
        let mut book = Workbook::new();
        book.add_worksheet().set_name(name)?.set_freeze_panes(1, 0)?;
        Ok(Self { book, names: Vec::new(), rows: 0 })
    }

    /// The file, in memory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn bytes(mut self) -> Result<Vec<u8>, NotWritten> {
        self.filter()?;
        Ok(self.book.save_to_buffer()?)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// When it is one too many, or no record.
    pub fn add<T: Serialize>(&mut self, item: &T) -> Result<(), NotWritten> {
        if self.rows == SHEET_ROWS {
            return Err(NotWritten::TooMany);
        }
        let first = self.names.is_empty();
        if first {
            let mut names = Names(Vec::new());
            cells_of(item, &mut names)?;
            self.names = names.0;
        }
        let sheet = self.book.worksheet_from_index(0)?;
        if first {
            let bold = Format::new().set_bold();
            for (column, name) in (0..).zip(&self.names) {
                sheet.write_string_with_format(0, column, name, &bold)?;
            }
        }
        self.rows += 1;
        let mut line = Line { sheet, row: self.rows, column: 0, failed: None };
        cells_of(item, &mut line)?;
        match line.failed {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(mut self, file: std::fs::File) -> Result<(), NotWritten> {
        self.filter()?;
        Ok(self.book.save_to_writer(file)?)
    }

    fn filter(&mut self) -> Result<(), NotWritten> {
        if let (Some(last), false) =
            (u16::try_from(self.names.len()).ok().and_then(|n| n.checked_sub(1)), self.rows == 0)
        {
            self.book.worksheet_from_index(0)?.autofilter(0, 0, self.rows, last)?;
        }
        Ok(())
    }
}

struct Names(Vec<String>);

impl Row for Names {
    fn cell(&mut self, name: &str, _: Cell<'_>) {
        self.0.push(name.to_owned());
    }
}

struct Line<'a> {
    sheet: &'a mut Worksheet,
    row: u32,
    column: u16,
    failed: Option<XlsxError>,
}

impl Row for Line<'_> {
    fn cell(&mut self, _: &str, cell: Cell<'_>) {
        let written = match cell {
            Cell::Empty => Ok(()),
            Cell::Number(number) => self.sheet.write_number(self.row, self.column, number).map(|_| ()),
            #[expect(clippy::cast_precision_loss, reason = "a spreadsheet's numbers are doubles")]
            Cell::Whole(number) => self.sheet.write_number(self.row, self.column, number as f64).map(|_| ()),
            // As a string: what a spreadsheet would run as a formula is not run.
            Cell::Text(text) => {
                let text: String = text.chars().take(32_767).collect();
                self.sheet.write_string(self.row, self.column, text).map(|_| ())
            }
        };
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
        self.column += 1;
    }
}
