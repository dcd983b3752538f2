//! Reading the file: every quirk of it, and a reason for every row that is refused.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::form::text_of;
use super::report::{ImportReport, RefusedRow};
use super::{COLUMNS, LARGEST, Unreadable};
use crate::domain::{Harm, PartialDate, Personnel, Precision, Sex, VictimFacts};

/// So many rows of a file are refused one by one; with more of them the file is another one, and refused whole.
const MOST_REFUSED: usize = 10_000;

pub(super) struct Row {
    pub(super) line: i32,
    pub(super) key: String,
    pub(super) raw: Map<String, Value>,
    pub(super) mission: String,
    pub(super) on: NaiveDate,
    pub(super) malicious: bool,
    pub(super) victim: VictimFacts,
}

/// Reads States by what the file may call them.
pub(super) struct Names {
    pub(super) by_code: HashMap<String, String>,
    pub(super) by_name: HashMap<String, String>,
    pub(super) missions: HashMap<String, Vec<String>>,
    /// Acronyms of missions as the file may write them: `UN Secretariat` is `UNSecretariat`.
    pub(super) acronyms: HashMap<String, String>,
    pub(super) now: NaiveDateTime,
}

pub(super) fn read(file: &[u8], names: &Names) -> Result<(ImportReport, Vec<Row>), Unreadable> {
    let refuse = |why: String| Err(Unreadable::File(why));
    if file.len() > LARGEST {
        return refuse(format!("the file is longer than {} MiB", LARGEST >> 20));
    }
    let text = text_of(file).map_err(Unreadable::File)?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        // Some vintages write `Type_Of_Incident`, some all in capitals.
        Ok(header) => header.iter().map(|name| name.trim().to_ascii_lowercase()).collect(),
        Err(_) => return refuse("the file has no header".into()),
    };
    let missing: Vec<&str> = COLUMNS.into_iter().filter(|name| !header.iter().any(|known| known == name)).collect();
    if !missing.is_empty() {
        let expected = COLUMNS.join(", ");
        return refuse(format!("columns are missing: {}. The dataset's CSV has {expected}", missing.join(", ")));
    }
    let mut report = ImportReport {
        sha256: hex::encode(Sha256::digest(file)),
        rule: "The malicious acts of one mission on one date are one incident, and each row is one victim. Split or merge incidents where that is wrong.",
        ..ImportReport::default()
    };
    let mut seen: HashMap<String, i32> = HashMap::new();
    let mut rows = Vec::new();
    for record in reader.records() {
        report.rows += 1;
        if let (true, Some(first)) = (report.refused.len() > MOST_REFUSED, report.refused.first()) {
            return refuse(format!(
                "more than {MOST_REFUSED} rows cannot be taken; the first, at line {}: {}",
                first.line, first.reason
            ));
        }
        let Ok(record) = record else {
            report.refused.push(RefusedRow { line: 0, reason: "the row cannot be read".into() });
            continue;
        };
        let line = record.position().and_then(|at| i32::try_from(at.line()).ok()).unwrap_or(0);
        if record.len() != header.len() {
            let reason = format!("{} fields instead of {}", record.len(), header.len());
            report.refused.push(RefusedRow { line, reason });
            continue;
        }
        let raw: Map<String, Value> =
            header.iter().cloned().zip(record.iter().map(|cell| Value::from(cell.trim()))).collect();
        match row(line, raw, names) {
            Err(reason) => report.refused.push(RefusedRow { line, reason }),
            Ok((row, update)) => {
                report.vintage = report.vintage.max(Some(update));
                if row.malicious {
                    report.malicious_acts += 1;
                } else {
                    let kind = row.raw.get("type_of_incident").and_then(Value::as_str).unwrap_or("").to_owned();
                    *report.out_of_scope.entry(kind).or_default() += 1;
                }
                match seen.get(&row.key) {
                    Some(first) => {
                        report.duplicates.push(RefusedRow { line, reason: format!("the casualty id of line {first}") })
                    }
                    None => {
                        seen.insert(row.key.clone(), line);
                        rows.push(row);
                    }
                }
            }
        }
    }
    Ok((report, rows))
}

fn row(line: i32, raw: Map<String, Value>, names: &Names) -> Result<(Row, NaiveDate), String> {
    let text = |name: &str| raw.get(name).and_then(Value::as_str).unwrap_or("");
    let date = |name: &str| text(name).parse::<NaiveDate>().map_err(|_| format!("{name} is not a date, YYYY-MM-DD"));
    let (on, update) = (date("incident_date")?, date("last_update")?);
    if PartialDate::new(update, Precision::Day).is_future(names.now) {
        return Err("last_update is in the future".into());
    }
    if on > update {
        return Err("incident_date is later than last_update".into());
    }
    let key = text("casualty_id");
    if key.is_empty() || key.len() > 60 || !key.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Err("casualty_id must have 1 to 60 letters, digits and signs".into());
    }
    let mission = names.acronyms.get(&plain(text("mission_acronym")));
    let Some(mission) = mission else { return Err("the value of mission_acronym is not a mission".into()) };
    let kind = text("type_of_incident");
    const KINDS: [&str; 6] = ["Illness", "Accident", "Malicious Act", "Self-Inflicted", "To Be Determined", "Unknown"];
    if !KINDS.contains(&kind) {
        return Err("type_of_incident is not one of the dataset's".into());
    }
    let category = match text("casualty_personnel_type") {
        "Military" => Personnel::Military,
        "Police" => Personnel::Police,
        "Military Observer" => Personnel::MilitaryObserver,
        "International Civilian" => Personnel::IntlCivilian,
        "Local" => Personnel::NationalCivilian,
        "Other" => Personnel::NotStated,
        _ => return Err("casualty_personnel_type is not one of the dataset's".into()),
    };
    let sex_of_dead = match text("gender") {
        "M" => Some(Sex::Male),
        "F" => Some(Sex::Female),
        "" => None,
        _ => return Err("gender is not M, F or empty".into()),
    };
    let states = nationality(text("isocode3"), text("m49_code"), text("casualty_nationality"), names)?;
    let victim = VictimFacts {
        sex_of_dead,
        noticas_id: Some(key.to_owned()),
        // Publication counts as notification: the file is updated only once next of kin and State know.
        kin_notified_on: Some(update),
        state_notified_on: Some(update),
        ..VictimFacts::of(category, states, Harm::Killed)
    };
    let (key, mission, malicious) = (key.to_owned(), mission.clone(), kind == "Malicious Act");
    Ok((Row { line, key, mission, on, malicious, victim, raw }, update))
}

/// The State of a row: by code, checked against M49 (served as `250.0`); by name where the codes are blank.
fn nationality(code: &str, m49: &str, name: &str, names: &Names) -> Result<Vec<String>, String> {
    if code.is_empty() {
        if name.is_empty() || name.starts_with("ZZ") {
            return Ok(Vec::new());
        }
        return match names.by_name.get(&plain(name)) {
            Some(code) => Ok(vec![code.clone()]),
            None => Err("the value of casualty_nationality is not the name of a State".into()),
        };
    }
    let known = names.by_code.get(code).ok_or("the value of isocode3 is not the code of a State")?;
    let number: String = m49.split('.').next().unwrap_or("").to_owned();
    if !number.is_empty() && format!("{number:0>3}") != *known {
        return Err("m49_code and isocode3 name two different States".into());
    }
    Ok(vec![code.to_owned()])
}

/// A name without case, apostrophes and blanks, so that `Côte dIvoire` is `Côte d'Ivoire`.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
