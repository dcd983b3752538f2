//! The reference data that the program carries: missions with host States, States with their names.

use serde::Deserialize;

use crate::domain::MissionKind;
use crate::store::{Mission, State};

const MISSIONS: &[u8] = include_bytes!("data/missions.csv");
const STATES: &[u8] = include_bytes!("data/states.csv");

#[derive(Deserialize)]
struct MissionRow {
    acronym: String,
    name: String,
    kind: MissionKind,
    started_on: Option<chrono::NaiveDate>,
    ended_on: Option<chrono::NaiveDate>,
    host_states: String,
}

#[derive(Deserialize)]
struct StateRow {
    code: String,
    m49: String,
    historical: bool,
    name_ar: String,
    name_zh: String,
    name_en: String,
    name_fr: String,
    name_ru: String,
    name_es: String,
}

/// Missions.
///
/// # Errors
/// The carried file's own fault.
pub fn missions() -> Result<Vec<Mission>, csv::Error> {
    csv::Reader::from_reader(MISSIONS)
        .deserialize()
        .map(|row| {
            let MissionRow { acronym, name, kind, started_on, ended_on, host_states } = row?;
            let host_states = host_states.split(';').filter(|code| !code.is_empty()).map(str::to_owned).collect();
            Ok(Mission { acronym, name, kind, started_on, ended_on, host_states })
        })
        .collect()
}

/// States, present and historical.
///
/// # Errors
/// The carried file's own fault.
pub fn states() -> Result<Vec<State>, csv::Error> {
    csv::Reader::from_reader(STATES)
        .deserialize()
        .map(|row| {
            let StateRow { code, m49, historical, name_ar, name_zh, name_en, name_fr, name_ru, name_es } = row?;
            Ok(State { code, m49, historical, name_ar, name_zh, name_en, name_fr, name_ru, name_es })
        })
        .collect()
}
