//! What an import did, for the API and for a person.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

/// A row that was not imported.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefusedRow {
    /// Line in the file.
    #[schema(example = 17)]
    pub(super) line: i32,
    /// Why.
    #[schema(example = "not a mission")]
    pub(super) reason: String,
}

/// A row that an earlier import had otherwise.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangedRow {
    /// Line in the file.
    pub(super) line: i32,
    /// Casualty id.
    pub(super) casualty_id: String,
    /// Reference of the incident, if it became one.
    pub(super) incident: Option<String>,
    /// What differs, by column: known, and in this file.
    #[schema(value_type = Object)]
    pub(super) changes: BTreeMap<String, [String; 2]>,
}

/// A row of earlier imports that the file has no more.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GoneRow {
    /// Casualty id.
    pub(super) casualty_id: String,
    /// Reference of the incident that it became. The record stays.
    pub(super) incident: String,
}

/// What an import did, or in a dry run would do.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ImportReport {
    /// Whether nothing was changed.
    pub(super) dry_run: bool,
    /// Vintage of the file: its newest `last_update`.
    pub(super) vintage: Option<NaiveDate>,
    /// SHA-256 of the file.
    pub(super) sha256: String,
    /// Rows read.
    pub(super) rows: usize,
    /// Rows of malicious acts.
    pub(super) malicious_acts: usize,
    /// Other rows, by type of incident: out of scope.
    pub(super) out_of_scope: BTreeMap<String, usize>,
    /// Incidents made.
    pub(super) new_incidents: usize,
    /// Victims made.
    pub(super) new_victims: usize,
    /// Rows known from earlier imports and the same.
    pub(super) unchanged: usize,
    /// Rows that a newer vintage has otherwise: listed, not applied.
    pub(super) changed: Vec<ChangedRow>,
    /// Rows that this older vintage has otherwise than a newer one that is known: ignored.
    pub(super) older: Vec<ChangedRow>,
    /// Rows that earlier imports had, and this file has no more: their records stay, until a person withdraws them.
    pub(super) gone: Vec<GoneRow>,
    /// Released incidents to which victims were added: each is an amendment now, and waits until somebody submits it.
    pub(super) amended: Vec<String>,
    /// Rows whose casualty id stood earlier in the file: the same person under another name of a State.
    pub(super) duplicates: Vec<RefusedRow>,
    /// Incidents whose host State is to be decided: the mission has several, or none.
    pub(super) host_state_undecided: usize,
    /// Pairs of a victim that was made and one in another mission that may be the same person: queued for the Secretariat.
    pub(super) likely_duplicates: usize,
    /// Rows refused.
    pub(super) refused: Vec<RefusedRow>,
    /// How rows were put together.
    pub(super) rule: &'static str,
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
        if !self.dry_run && self.new_incidents > 0 {
            writeln!(
                f,
                "They are verified. States see them, and figures count them, after a second person releases them."
            )?;
        }
        writeln!(f, "{}", self.rule)?;
        writeln!(
            f,
            "  {} rows of malicious acts, of which {} are known and unchanged",
            self.malicious_acts, self.unchanged
        )?;
        writeln!(f, "  {} incidents that still need a host State", self.host_state_undecided)?;
        if self.likely_duplicates > 0 {
            writeln!(
                f,
                "  {} victims may be the same person as one in another mission: see the likely duplicates",
                self.likely_duplicates
            )?;
        }
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
        writeln!(f, "  {} rows that this file has no more; their records stay", self.gone.len())?;
        for row in &self.gone {
            writeln!(f, "    {} ({})", row.casualty_id, row.incident)?;
        }
        if !self.amended.is_empty() {
            writeln!(f, "  {} released incidents are amended, and wait to be submitted:", self.amended.len())?;
            writeln!(f, "    {}", self.amended.join(", "))?;
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
