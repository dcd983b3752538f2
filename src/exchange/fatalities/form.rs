//! What kind of file was sent. A file that is not CSV in UTF-8 is refused with the name of its kind, so that the sender knows what to do.

/// The text of a file, or what it is instead.
pub(super) fn text_of(file: &[u8]) -> Result<&str, String> {
    if file.iter().all(u8::is_ascii_whitespace) {
        return Err("the file is empty".into());
    }
    let kinds: [(&[u8], &str); 6] = [
        (b"PK\x03\x04", "the file is an Excel workbook or a ZIP archive: save the sheet as CSV (UTF-8)"),
        (b"\xd0\xcf\x11\xe0", "the file is an old Excel workbook: save the sheet as CSV (UTF-8)"),
        (b"\x1f\x8b", "the file is compressed (gzip): unpack it first"),
        (b"\xff\xfe", "the file is UTF-16: save it as CSV in UTF-8"),
        (b"\xfe\xff", "the file is UTF-16: save it as CSV in UTF-8"),
        (b"%PDF", "the file is a PDF document: take the dataset's CSV"),
    ];
    if let Some((_, what)) = kinds.iter().find(|(begin, _)| file.starts_with(begin)) {
        return Err((*what).into());
    }
    let text = std::str::from_utf8(file).map_err(|error| {
        let known = &file[..error.valid_up_to()];
        let line = known.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("the file is not UTF-8: line {line} has a byte of another encoding; save it as CSV in UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['[', '{']) {
        return Err("the file is JSON: take the dataset's CSV".into());
    }
    let header = text.lines().next().unwrap_or_default();
    for (separator, name) in [(';', "a semicolon"), ('\t', "a tab")] {
        if header.contains(separator) && !header.contains(',') {
            return Err(format!("the file's columns are separated by {name}: save it with commas"));
        }
    }
    match unclosed(text) {
        Some(line) => Err(format!("the quotation mark at line {line} is not closed")),
        None => Ok(text),
    }
}

/// The line at which a quotation mark opens a cell that nothing closes (RFC 4180).
fn unclosed(text: &str) -> Option<usize> {
    let (mut line, mut opened, mut begins) = (1, None, true);
    let mut rest = text.bytes().peekable();
    while let Some(byte) = rest.next() {
        line += usize::from(byte == b'\n');
        match (byte, opened) {
            (b'"', Some(_)) if rest.peek() == Some(&b'"') => {
                rest.next();
            }
            (b'"', Some(_)) => opened = None,
            (b'"', None) if begins => opened = Some(line),
            _ => {}
        }
        begins = opened.is_none() && matches!(byte, b',' | b'\n' | b'\r');
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_something_else_is_called_by_its_name() {
        for (file, says) in [
            (&b" \r\n"[..], "the file is empty"),
            (b"PK\x03\x04rest", "an Excel workbook"),
            (b"\x1f\x8b\x08", "compressed"),
            (b"\xff\xfei\0d\0", "UTF-16"),
            (b"id;incident_date\n1;2\n", "separated by a semicolon"),
            (b"id\tincident_date\n", "separated by a tab"),
            (b"id,name\n1,C\xf4te\n", "line 2"),
            (b"[{\"incident_date\": -678153600000}]", "JSON"),
            (b"a,b\n1,\"x\n2,y\n", "at line 2 is not closed"),
        ] {
            let told = text_of(file).unwrap_err();
            assert!(told.contains(says), "{told}");
        }
    }

    #[test]
    fn quotation_marks_that_are_closed_or_within_a_cell_are_no_fault() {
        for text in ["a,b\n\"x, \"\"y\"\"\",2\n", "a\n\"two\nlines\"\n", "a,b\n5\" gun,x\n", "\u{feff}a,b\n1,2\n"] {
            assert!(text_of(text.as_bytes()).is_ok(), "{text}");
        }
    }
}
