//! A record's history, as different readers may see it.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::withheld::Withheld;
use crate::policy::{AccessContext, Viewer, may_hold};
use crate::store::HistoryEntry;

/// One revision.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revision {
    /// Noun that changed: the record or a child.
    #[serde(skip_serializing_if = "Option::is_none")]
    noun: Option<String>,
    /// What happened.
    #[schema(example = "released")]
    kind: String,
    /// When.
    at: DateTime<Utc>,
    /// Who (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    /// Edition (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    edition: Option<i32>,
    /// Why (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Open fields that changed, each with what it was and became (mission and Secretariat).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    changes: Option<Map<String, Value>>,
    /// Sealed fields that changed: sealed on both sides, and named only to those who may open them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    sealed_changes: Option<Map<String, Value>>,
}

/// A history, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPage {
    items: Vec<Revision>,
}

/// The history that a viewer may see. Whoever may not open a class is shown no trace of an edit of its fields: a revision
/// that touched nothing else is left out. A State is shown releases, from the first that concerned it to the one that it
/// sees.
pub fn page(
    viewer: &Viewer,
    facts: AccessContext,
    entries: Vec<HistoryEntry>,
    shown: Option<(NaiveDateTime, NaiveDateTime)>,
) -> HistoryPage {
    let inside = viewer.is_inside();
    let items = entries
        .into_iter()
        .filter_map(|entry| {
            if !inside {
                let within = shown.is_some_and(|(first, last)| first <= entry.at && entry.at <= last);
                let seen = entry.kind == "released" && within;
                return seen.then(|| Revision {
                    noun: None,
                    kind: entry.kind,
                    at: entry.at.and_utc(),
                    author: None,
                    edition: None,
                    reason: None,
                    changes: None,
                    sealed_changes: None,
                });
            }
            let told: Map<String, Value> = entry
                .sealed
                .iter()
                .filter(|change| change.fields().any(|field| may_hold(viewer, facts, field)))
                .filter_map(|change| {
                    let marker = Withheld { withheld: change.class().name(), held: None };
                    let marker = serde_json::to_value(marker).ok()?;
                    Some((change.name().to_owned(), serde_json::json!({ "from": marker, "to": marker })))
                })
                .collect();
            let only_sealed = entry.open.is_empty() && !entry.sealed.is_empty();
            if only_sealed && told.is_empty() {
                return None;
            }
            Some(Revision {
                noun: Some(entry.noun),
                kind: entry.kind,
                at: entry.at.and_utc(),
                author: Some(entry.author),
                edition: entry.edition,
                reason: entry.reason,
                changes: Some(entry.open),
                sealed_changes: (!told.is_empty()).then_some(told),
            })
        })
        .collect();
    HistoryPage { items }
}
