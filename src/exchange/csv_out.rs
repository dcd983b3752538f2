//! Lists as CSV (RFC 4180), equal to the JSON cell by cell.

use serde::Serialize;
use serde_json::Value;

/// Writes items as CSV, a column for each member of the first. A list in a cell is parted by `; `; a sealed field shows its
/// marker. Text that a spreadsheet would run as a formula gets an apostrophe before it.
pub fn csv_of<T: Serialize>(items: &[T]) -> Option<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header: Vec<String> = Vec::new();
    for item in items {
        let Value::Object(object) = serde_json::to_value(item).ok()? else { return None };
        if header.is_empty() {
            header = object.keys().cloned().collect();
            writer.write_record(&header).ok()?;
        }
        writer.write_record(header.iter().map(|name| object.get(name).map(cell).unwrap_or_default())).ok()?;
    }
    String::from_utf8(writer.into_inner().ok()?).ok()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => harmless(text),
        Value::Array(items) => harmless(&items.iter().map(cell).collect::<Vec<_>>().join("; ")),
        Value::Object(object) => match object.get("withheld").and_then(Value::as_str) {
            Some(class) => format!("[withheld: {class}]"),
            None => harmless(&value.to_string()),
        },
    }
}

fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_escaped() {
        let rows = [json!({"a": "=1+1", "b": "+x", "c": "plain", "d": ["-1", "@y"], "e": null, "n": -5})];
        assert_eq!(csv_of(&rows).unwrap(), "a,b,c,d,e,n\n'=1+1,'+x,plain,'-1; '@y,,-5\n");
    }

    #[test]
    fn a_marker_stays_a_marker() {
        let rows = [json!({"name": {"withheld": "strictly_confidential"}})];
        assert_eq!(csv_of(&rows).unwrap(), "name\n[withheld: strictly_confidential]\n");
    }
}
