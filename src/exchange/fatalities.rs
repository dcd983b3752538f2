//! The United Nations' public file of fatalities (dataset DPPADPOSS-FATALITIES of the Peace and Security Data Hub).
//!
//! A malicious act becomes a killing with one victim; rows of one mission and date are one incident, which a person may
//! split or merge. Everything else is counted. A row is known again by its casualty id: the file's own `id` changes between
//! vintages. What a newer vintage says otherwise is listed, not applied: a person amends.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::domain::{
    Act, Activity, Harm, IncidentFacts, Means, PartialDate, Perpetrator, Personnel, Precision, Sex, VictimFacts,
};
use crate::policy::{Scope, Viewer};
use crate::store::{Error, Id, ImportedVictim, NewIncident, NewVictim, RawRow, Store};

/// The snapshot of 4 April 2025 that the program carries.
pub const FATALITIES: &[u8] = include_bytes!("data/fatalities-2025-04-04.csv");

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

/// A row that was not imported.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefusedRow {
    /// Line in the file.
    #[schema(example = 17)]
    line: i32,
    /// Why.
    #[schema(example = "not a mission")]
    reason: String,
}

/// A row that an earlier import had otherwise.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangedRow {
    /// Line in the file.
    line: i32,
    /// Casualty id.
    casualty_id: String,
    /// Reference of the incident, if it became one.
    incident: Option<String>,
    /// What differs, by column: known, and in this file.
    #[schema(value_type = Object)]
    changes: BTreeMap<String, [String; 2]>,
}

/// What an import did, or in a dry run would do.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ImportReport {
    /// Whether nothing was changed.
    dry_run: bool,
    /// Vintage of the file: its newest `last_update`.
    vintage: Option<NaiveDate>,
    /// SHA-256 of the file.
    sha256: String,
    /// Rows read.
    rows: usize,
    /// Rows of malicious acts.
    malicious_acts: usize,
    /// Other rows, by type of incident: out of scope.
    out_of_scope: BTreeMap<String, usize>,
    /// Incidents made.
    new_incidents: usize,
    /// Victims made.
    new_victims: usize,
    /// Rows known from earlier imports and the same.
    unchanged: usize,
    /// Rows that a newer vintage has otherwise: listed, not applied.
    changed: Vec<ChangedRow>,
    /// Rows that this older vintage has otherwise than a newer one that is known: ignored.
    older: Vec<ChangedRow>,
    /// Rows whose casualty id stood earlier in the file: the same person under another name of a State.
    duplicates: Vec<RefusedRow>,
    /// Incidents whose host State is to be decided: the mission has several, or none.
    host_state_undecided: usize,
    /// Rows refused.
    refused: Vec<RefusedRow>,
    /// How rows were put together.
    rule: &'static str,
}

impl ImportReport {
    /// Incidents and victims that were made.
    pub fn made(&self) -> (usize, usize) {
        (self.new_incidents, self.new_victims)
    }
}

/// The report as a person reads it; `--json` and the API give all of it.
impl std::fmt::Display for ImportReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let vintage = self.vintage.map_or_else(|| "not known".to_owned(), |day| day.format("%-d %B %Y").to_string());
        let done = if self.dry_run { "Dry run: nothing was changed. An import would make" } else { "Made" };
        writeln!(f, "{} rows, vintage {vintage}.", self.rows)?;
        writeln!(f, "{done} {} incidents and {} victims.", self.new_incidents, self.new_victims)?;
        writeln!(f, "{}", self.rule)?;
        writeln!(
            f,
            "  {} rows of malicious acts, of which {} known and the same",
            self.malicious_acts, self.unchanged
        )?;
        writeln!(f, "  {} incidents whose host State is to be decided", self.host_state_undecided)?;
        let out_of_scope: usize = self.out_of_scope.values().sum();
        let kinds: Vec<String> = self.out_of_scope.iter().map(|(kind, number)| format!("{kind} {number}")).collect();
        writeln!(f, "  {out_of_scope} rows out of scope: {}", kinds.join(", "))?;
        for (what, rows) in
            [("changed, listed and not applied", &self.changed), ("older than known, ignored", &self.older)]
        {
            writeln!(f, "  {} rows {what}", rows.len())?;
            for row in rows {
                let incident = row.incident.as_deref().unwrap_or("no incident");
                let changes: Vec<String> =
                    row.changes.iter().map(|(name, [was, is])| format!("{name} \"{was}\" to \"{is}\"")).collect();
                writeln!(f, "    line {}, {} ({incident}): {}", row.line, row.casualty_id, changes.join(", "))?;
            }
        }
        for (what, rows) in [("doubled", &self.duplicates), ("refused", &self.refused)] {
            writeln!(f, "  {} rows {what}", rows.len())?;
            for row in rows {
                writeln!(f, "    line {}: {}", row.line, row.reason)?;
            }
        }
        Ok(())
    }
}

struct Row {
    line: i32,
    key: String,
    raw: Map<String, Value>,
    mission: String,
    on: NaiveDate,
    malicious: bool,
    victim: VictimFacts,
}

/// Reads States by what the file may call them.
struct Names {
    by_code: HashMap<String, String>,
    by_name: HashMap<String, String>,
    missions: HashMap<String, Vec<String>>,
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
        let states = r.state_list()?;
        Ok(Names {
            by_code: states.iter().map(|state| (state.code.clone(), state.m49.clone())).collect(),
            by_name: states.into_iter().map(|state| (plain(&state.name_en), state.code)).collect(),
            missions: r.mission_list()?.into_iter().map(|mission| (mission.acronym, mission.host_states)).collect(),
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
        let known = store.read(&viewer.scope(), |r| r.imported(SOURCE))?;
        plan(&mut report, rows, &known, vintage, &names);
        return Ok(report);
    }
    let done = store.write(viewer, |w| {
        let known = w.imported(SOURCE)?;
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
        Ok(())
    });
    done?;
    Ok(report)
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
fn plan(
    report: &mut ImportReport,
    rows: Vec<Row>,
    known: &HashMap<String, ImportedVictim>,
    vintage: NaiveDate,
    names: &Names,
) -> Plan {
    let mut places: HashMap<(String, String), String> = HashMap::new();
    for victim in known.values() {
        if let (Ok(Value::Object(raw)), Some((_, reference))) = (serde_json::from_str(&victim.raw), &victim.incident) {
            let text = |name: &str| raw.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
            places.insert((text("mission_acronym"), text("incident_date")), reference.clone());
        }
    }
    let mut groups: BTreeMap<(NaiveDate, String), Vec<Row>> = BTreeMap::new();
    let mut superseding = Vec::new();
    for row in rows {
        match known.get(&row.key) {
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
    let groups: Vec<Group> = groups
        .into_iter()
        .map(|((on, mission), rows)| {
            let existing = places.get(&(mission.clone(), on.to_string())).cloned();
            report.new_victims += rows.len();
            if existing.is_none() {
                report.new_incidents += 1;
                report.host_state_undecided += usize::from(facts(&mission, on, names).host_state.is_none());
            }
            Group { rows, existing }
        })
        .collect();
    Plan { groups, superseding }
}

fn differing(before: &Map<String, Value>, now: &Map<String, Value>) -> BTreeMap<String, [String; 2]> {
    let text = |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    now.keys()
        .filter(|name| !IDLE.contains(&name.as_str()) && text(before, name) != text(now, name))
        .map(|name| (name.clone(), [text(before, name), text(now, name)]))
        .collect()
}

fn read(file: &[u8], names: &Names) -> Result<(ImportReport, Vec<Row>), Unreadable> {
    let refuse = |why: String| Err(Unreadable::File(why));
    if file.len() > LARGEST {
        return refuse(format!("the file is longer than {} MiB", LARGEST >> 20));
    }
    let text = match std::str::from_utf8(file) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => return refuse(format!("the file is not UTF-8: byte {} cannot be read", error.valid_up_to())),
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim().to_owned()).collect(),
        Err(_) => return refuse("the file has no header".into()),
    };
    let missing: Vec<&str> = COLUMNS.into_iter().filter(|name| !header.iter().any(|known| known == name)).collect();
    if !missing.is_empty() {
        return refuse(format!("columns are missing: {}", missing.join(", ")));
    }
    let mut report = ImportReport {
        sha256: hex::encode(Sha256::digest(file)),
        rule: "Malicious acts of one mission and one date are one incident, a victim each; split or merge where that is wrong.",
        ..ImportReport::default()
    };
    let mut seen: HashMap<String, i32> = HashMap::new();
    let mut rows = Vec::new();
    for record in reader.records() {
        report.rows += 1;
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
    if on > update {
        return Err("incident_date lies after last_update".into());
    }
    let key = text("casualty_id");
    if key.is_empty() || key.len() > 60 {
        return Err("casualty_id must have 1 to 60 characters".into());
    }
    let mission = text("mission_acronym");
    if !names.missions.contains_key(mission) {
        return Err("mission_acronym is not a mission".into());
    }
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
        category,
        states,
        outcome: Harm::Killed,
        sex_of_dead,
        noticas_id: Some(key.to_owned()),
        // Publication counts as notification: the file is updated only once next of kin and State know.
        kin_notified_on: Some(update),
        state_notified_on: Some(update),
    };
    let (key, mission, malicious) = (key.to_owned(), mission.to_owned(), kind == "Malicious Act");
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
            None => Err("casualty_nationality is not the name of a State".into()),
        };
    }
    let known = names.by_code.get(code).ok_or("isocode3 is not the code of a State")?;
    let number: String = m49.split('.').next().unwrap_or("").to_owned();
    if !number.is_empty() && format!("{number:0>3}") != *known {
        return Err("m49_code and isocode3 are of two States".into());
    }
    Ok(vec![code.to_owned()])
}

/// A name without case, apostrophes and blanks, so that `Côte dIvoire` is `Côte d'Ivoire`.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
