//! Lists as CSV (RFC 4180), equal to the JSON cell by cell.

use serde::Serialize;

use super::cells::{Cell, NoTable, Row, cells_of};

/// Writes records as CSV, a column for each member of the first. A list in a cell is parted by `; `; a sealed field shows its
/// marker. Text that a spreadsheet would run as a formula gets an apostrophe before it.
#[derive(Debug, Default)]
pub struct CsvTable {
    names: Vec<String>,
    /// Whether the names are all there, and written.
    headed: bool,
    line: Vec<u8>,
    out: Vec<u8>,
    /// Cells of this record so far.
    at: usize,
    /// Whether a record had another member than the first.
    uneven: bool,
}

impl CsvTable {
    /// Adds a record.
    ///
    /// # Errors
    /// When it is no record, or has other members than the first.
    pub fn add<T: Serialize>(&mut self, item: &T) -> Result<(), NoTable> {
        self.at = 0;
        cells_of(item, self)?;
        if !std::mem::replace(&mut self.headed, true) {
            self.out.extend_from_slice(self.names.join(",").as_bytes());
            self.out.push(b'\n');
        }
        if self.uneven || self.at != self.names.len() {
            return Err(serde::ser::Error::custom("records of one list have the same members"));
        }
        self.line.push(b'\n');
        self.out.append(&mut self.line);
        Ok(())
    }

    /// What was written since it was last taken.
    pub fn take(&mut self) -> Vec<u8> {
        let size = self.out.len();
        std::mem::replace(&mut self.out, Vec::with_capacity(size))
    }
}

impl Row for CsvTable {
    fn cell(&mut self, name: &str, cell: Cell<'_>) {
        if !self.headed {
            self.names.push(name.to_owned());
        }
        self.uneven |= self.names.get(self.at).is_none_or(|known| known != name);
        if self.at > 0 {
            self.line.push(b',');
        }
        self.at += 1;
        match cell {
            Cell::Empty => {}
            Cell::Whole(number) => self.line.extend_from_slice(number.to_string().as_bytes()),
            Cell::Number(number) => self.line.extend_from_slice(number.to_string().as_bytes()),
            Cell::Text(text) => quote(text, &mut self.line),
        }
    }
}

/// Writes text so that no spreadsheet runs it, whatever it takes for the separator: an apostrophe stands before what begins a formula, at the
/// beginning and after each `;`, tab, `|` and line break, where another separator would begin a cell.
fn quote(text: &str, line: &mut Vec<u8>) {
    let quoted = text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r' | b';' | b'\t' | b'|'));
    if quoted {
        line.push(b'"');
    }
    let (mut begins, mut bytes) = (true, [0; 4]);
    for c in text.chars() {
        let runs = matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠');
        if begins && runs {
            line.push(b'\'');
        }
        begins = match c {
            ';' | '\t' | '|' | '\n' | '\r' => true,
            // What may stand between a separator and the formula.
            ' ' | '"' | '\'' | '\u{a0}' => begins,
            _ => false,
        };
        if c == '"' {
            line.push(b'"');
        }
        line.extend_from_slice(c.encode_utf8(&mut bytes).as_bytes());
    }
    if quoted {
        line.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Serialize)]
    struct Marker {
        withheld: &'static str,
        held: bool,
    }

    #[derive(Serialize)]
    struct Item<'a> {
        text: &'a str,
        list: Vec<&'a str>,
        nothing: Option<i32>,
        number: i32,
        sealed: Marker,
    }

    fn item(text: &str) -> Item<'_> {
        let sealed = Marker { withheld: "strictly_confidential", held: true };
        Item { text, list: vec!["a", "b"], nothing: None, number: -5, sealed }
    }

    fn csv_of(texts: &[&str]) -> String {
        let mut table = CsvTable::default();
        for text in texts {
            table.add(&item(text)).unwrap();
        }
        String::from_utf8(table.take()).unwrap()
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_escaped_and_a_marker_stays_a_marker() {
        assert_eq!(
            csv_of(&["=1+1", "plain, \"said\""]),
            "text,list,nothing,number,sealed\n'=1+1,\"a; b\",,-5,[withheld: strictly_confidential]\n\
             \"plain, \"\"said\"\"\",\"a; b\",,-5,[withheld: strictly_confidential]\n"
        );
    }

    #[test]
    fn what_was_taken_is_not_given_again() {
        let mut table = CsvTable::default();
        table.add(&item("one")).unwrap();
        assert!(table.take().starts_with(b"text,"));
        table.add(&item("two")).unwrap();
        assert!(table.take().starts_with(b"two,"));
    }

    proptest! {
        #[test]
        fn whatever_separates_cells_none_begins_a_formula(text in "[=+@a1;|\t\n\"', -]{0,12}") {
            let written = csv_of(&[&text]);
            let row = written.split_once('\n').unwrap().1;
            for separator in [';', '\t', '|', '\n'] {
                for cell in row.split(separator) {
                    let begins = cell.trim_start_matches(['"', ' ']);
                    prop_assert!(!begins.starts_with(['=', '+', '@']), "{separator:?}: {row}");
                }
            }
        }

        #[test]
        fn any_text_is_read_back_by_a_csv_reader(text in any::<String>()) {
            let written = csv_of(&[&text]);
            let mut reader = csv::Reader::from_reader(written.as_bytes());
            let row = reader.records().next().unwrap().unwrap();
            let bare = |text: &str| text.replace('\'', "");
            prop_assert_eq!(bare(row.get(0).unwrap()), bare(&text));
            prop_assert_eq!(row.len(), 5);
        }
    }
}
