//! The United Nations' public file of fatalities (dataset DPPADPOSS-FATALITIES of the Peace and Security Data Hub).
//!
//! A malicious act becomes a killing with one victim; rows of one mission and date are one incident, which a person may
//! split or merge. Everything else is counted. A row is known again by its casualty id: the file's own `id` changes between
//! vintages. What a newer vintage says otherwise is listed, not applied: a person amends.

mod form;
mod read;
mod report;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use read::{Names, Row, plain, read};
pub use report::ImportReport;
use report::{ChangedRow, GoneRow, RefusedRow};

use crate::domain::{Act, Activity, IncidentFacts, Means, PartialDate, Perpetrator, Precision};
use crate::policy::{Scope, Viewer};
use crate::store::{Error, Id, ImportedPlace, ImportedVictim, NewIncident, NewVictim, RawRow, Read, Store};

/// The snapshot of 4 April 2025 that the program carries.
pub const FATALITIES: &[u8] = include_bytes!("../data/fatalities-2025-04-04.csv");

const SOURCE: &str = "fatalities";
/// A file is at most this long, in bytes.
const LARGEST: usize = 16 << 20;
const COLUMNS: [&str; 10] = [
    "incident_date",
    "casualty_id",
    "mission_acronym",
    "gender",
    "casualty_nationality",
    "casualty_personnel_type",
    "type_of_incident",
    "m49_code",
    "isocode3",
    "last_update",
];
/// Columns that differ between vintages without meaning anything.
const IDLE: [&str; 2] = ["id", "last_update"];

/// Why a file was not imported at all.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file as a whole is not what it should be.
    #[error("{0}")]
    File(String),
    /// The store failed; nothing was imported.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Imports a file as a viewer, or reports what that would do. All or nothing.
///
/// # Errors
/// [`Unreadable`].
pub fn import_fatalities(
    store: &Store,
    viewer: &Viewer,
    file: &[u8],
    dry_run: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<ImportReport, Unreadable> {
    let names = store.read(&Scope::Nothing, |r| {
        let (states, missions) = (r.state_list()?, r.mission_list()?);
        Ok(Names {
            acronyms: missions.iter().map(|one| (plain(&one.acronym), one.acronym.clone())).collect(),
            by_code: states.iter().map(|state| (state.code.clone(), state.m49.clone())).collect(),
            by_name: states.into_iter().map(|state| (plain(&state.name_en), state.code)).collect(),
            missions: missions.into_iter().map(|mission| (mission.acronym, mission.host_states)).collect(),
            now: r.now(),
        })
    })?;
    let (mut report, rows) = read(file, &names)?;
    report.dry_run = dry_run;
    let vintage = report.vintage.ok_or_else(|| {
        Unreadable::File(match report.refused.first() {
            Some(first) => {
                format!("no row of the file can be taken; the first, at line {}: {}", first.line, first.reason)
            }
            None => "the file has no row".into(),
        })
    })?;
    if dry_run {
        let known = store.read(&viewer.scope(), EarlierImports::read)?;
        plan(&mut report, rows, &known, vintage, &names);
        return Ok(report);
    }
    let done = store.write(viewer, |w| {
        let known = EarlierImports::read(w)?;
        let plan = plan(&mut report, rows, &known, vintage, &names);
        if plan.groups.is_empty() && plan.superseding.is_empty() {
            return Ok(());
        }
        let import = w.import_begin(SOURCE, &Sha256::digest(file), vintage)?;
        let all = plan.groups.len();
        for (at, group) in plan.groups.into_iter().enumerate() {
            let first = group.rows.first().map(|row| (row.mission.clone(), row.on));
            let Some((mission, on)) = first else { continue };
            let mut rows = group.rows.into_iter();
            let mut incident = match &group.existing {
                Some(_) => None,
                None => {
                    let members: Vec<Row> = rows.by_ref().collect();
                    let victims =
                        members.iter().map(|row| NewVictim { facts: row.victim.clone(), sealed: Vec::new() }).collect();
                    let facts = facts(&mission, on, &names);
                    let new = NewIncident { facts, sealed: Vec::new(), victims, suspects: Vec::new() };
                    let made = w.incident_import(&new)?;
                    for row in &members {
                        w.import_keep(import, &raw_row(row), vintage, Some(made.id))?;
                    }
                    Some(made)
                }
            };
            for row in rows {
                let reference = group.existing.as_deref().unwrap_or("");
                let made = w.victim_import(reference, &NewVictim { facts: row.victim.clone(), sealed: Vec::new() })?;
                w.import_keep(import, &raw_row(&row), vintage, Some(made.id))?;
                incident = Some(made);
            }
            drop(incident);
            progress(at + 1, all);
        }
        for (row, incident) in plan.superseding {
            w.import_keep(import, &raw_row(&row), vintage, incident)?;
        }
        report.likely_duplicates = w.duplicates_of_import(import)?;
        Ok(())
    });
    done?;
    Ok(report)
}

/// What earlier imports left.
struct EarlierImports {
    victims: HashMap<String, ImportedVictim>,
    places: HashMap<(String, NaiveDate), ImportedPlace>,
    newest: Option<NaiveDate>,
}

impl EarlierImports {
    fn read(r: &mut Read<'_>) -> Result<Self, Error> {
        Ok(Self { victims: r.imported(SOURCE)?, places: r.imported_places(SOURCE)?, newest: r.vintage_newest(SOURCE)? })
    }
}

struct Group {
    rows: Vec<Row>,
    existing: Option<String>,
}

struct Plan {
    groups: Vec<Group>,
    /// Rows that a newer vintage has otherwise: kept raw, as the newest that is known.
    superseding: Vec<(Row, Option<Id>)>,
}

fn raw_row(row: &Row) -> RawRow {
    RawRow { line: row.line, key: row.key.clone(), raw: Value::Object(row.raw.clone()).to_string() }
}

fn facts(mission: &str, on: NaiveDate, names: &Names) -> IncidentFacts {
    let host_state = match names.missions.get(mission).map(Vec::as_slice) {
        Some([host]) => Some(host.clone()),
        _ => None,
    };
    IncidentFacts {
        mission: mission.to_owned(),
        host_state,
        occurred: PartialDate::new(on, Precision::Day),
        region: None,
        act: Act::Killing,
        means: Means::NotKnown,
        activity: Activity::NotKnown,
        perpetrator: Perpetrator::NotIdentified,
        others_killed: 0,
        others_injured: 0,
        noticas_id: None,
        sage_id: None,
        hold: None,
    }
}

/// Sorts rows into what is new, the same, otherwise or older, and fills the report.
fn plan(report: &mut ImportReport, rows: Vec<Row>, known: &EarlierImports, vintage: NaiveDate, names: &Names) -> Plan {
    // What an older file alone has, the newer one took back: it is listed, and no incident comes of it.
    let is_older = known.newest.is_some_and(|newest| vintage < newest);
    let mut groups: BTreeMap<(NaiveDate, String), Vec<Row>> = BTreeMap::new();
    let mut superseding = Vec::new();
    let listed: HashSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
    if !is_older {
        let gone = known.victims.iter().filter(|(key, _)| !listed.contains(key.as_str()));
        let gone = gone.filter_map(|(key, victim)| {
            let (_, incident) = victim.incident.clone()?;
            Some(GoneRow { casualty_id: key.clone(), incident })
        });
        report.gone = gone.collect();
        report.gone.sort_by(|one, other| one.casualty_id.cmp(&other.casualty_id));
    }
    for row in rows {
        match known.victims.get(&row.key) {
            None if row.malicious && is_older => report.older.push(ChangedRow {
                line: row.line,
                casualty_id: row.key.clone(),
                incident: None,
                changes: BTreeMap::new(),
            }),
            None if row.malicious => groups.entry((row.on, row.mission.clone())).or_default().push(row),
            None => {}
            Some(before) => {
                let earlier: Map<String, Value> = serde_json::from_str(&before.raw).unwrap_or_default();
                let changes = differing(&earlier, &row.raw);
                let reference = before.incident.as_ref().map(|(_, reference)| reference.clone());
                let changed = ChangedRow { line: row.line, casualty_id: row.key.clone(), incident: reference, changes };
                if changed.changes.is_empty() {
                    report.unchanged += 1;
                } else if vintage > before.vintage {
                    report.changed.push(changed);
                    superseding.push((row, before.incident.as_ref().map(|(id, _)| *id)));
                } else {
                    report.older.push(changed);
                }
            }
        }
    }
    let mut planned = Vec::new();
    for ((on, mission), rows) in groups {
        let existing = match known.places.get(&(mission.clone(), on)) {
            Some(place) if !place.open => {
                report.refused.extend(rows.iter().map(|row| RefusedRow {
                    line: row.line,
                    reason: format!(
                        "its incident {} is under review: an officer returns it first, and then the file is imported again",
                        place.reference
                    ),
                }));
                continue;
            }
            Some(place) => {
                if place.released {
                    report.amended.push(place.reference.clone());
                }
                Some(place.reference.clone())
            }
            None => None,
        };
        report.new_victims += rows.len();
        if existing.is_none() {
            report.new_incidents += 1;
            report.host_state_undecided += usize::from(facts(&mission, on, names).host_state.is_none());
        }
        planned.push(Group { rows, existing });
    }
    Plan { groups: planned, superseding }
}

fn differing(before: &Map<String, Value>, now: &Map<String, Value>) -> BTreeMap<String, [String; 2]> {
    let text = |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    // Spreadsheets make `324` of `324.0`, and back.
    let same = |name: &str| {
        let (before, now) = (text(before, name), text(now, name));
        let number = |text: &str| text.parse::<f64>().ok();
        before == now || name == "m49_code" && number(&before).is_some() && number(&before) == number(&now)
    };
    now.keys()
        .filter(|name| !IDLE.contains(&name.as_str()) && !same(name))
        .map(|name| (name.clone(), [text(before, name), text(now, name)]))
        .collect()
}

/// A door for the fuzzer alone (`tests/fuzz`).
#[cfg(fuzzing)]
pub mod fuzzing {
    use super::{Names, read};

    /// Reads a file.
    pub fn fatalities(bytes: &[u8]) {
        let names = Names {
            by_code: [("FRA".to_owned(), "250".to_owned())].into(),
            by_name: [("france".to_owned(), "FRA".to_owned())].into(),
            missions: [("UNTSO".to_owned(), Vec::new())].into(),
            acronyms: [("untso".to_owned(), "UNTSO".to_owned())].into(),
            now: chrono::DateTime::UNIX_EPOCH.naive_utc(),
        };
        if let Ok((report, rows)) = read(bytes, &names) {
            assert!(rows.len() + report.refused.len() + report.duplicates.len() <= report.rows + 1);
        }
    }
}
