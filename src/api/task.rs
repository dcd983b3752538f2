//! What waits for whoever asks.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Routes;
use super::call::{Call, Shown};
use super::input::InputReader;
use super::problem::{NotModified, Problem, Problems};
use crate::domain::{Code as _, TaskKind};

/// Adds the routes.
pub fn routes(config: &mut impl Routes) {
    config.service(task_list);
}

/// Something that waits for you.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskView {
    /// What is to be done.
    kind: TaskKind,
    /// Path of the record, below `/v1/`.
    #[schema(example = "incidents/MINUSMA-2019-7KQ4")]
    record: String,
    /// Since when it waits.
    since: DateTime<Utc>,
    /// Until when it should be done; null where nothing says so.
    due_on: Option<NaiveDate>,
}

/// What waits for you.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tasks {
    /// Oldest first; of each noun the 200 oldest.
    items: Vec<TaskView>,
    /// How many there are of each kind.
    counts: BTreeMap<&'static str, usize>,
}

/// Lists what waits for you: what to correct, verify, release, decide or answer. The list holds references and times, and nothing of what records
/// say.
#[utoipa::path(tag = "tasks", responses((status = 200, body = Tasks), NotModified, Problems))]
#[get("/tasks")]
async fn task_list(call: Call) -> Result<HttpResponse, Problem> {
    InputReader::query(&call.context(), &call.query, |_| Some(()))?;
    let tasks = call.read(|viewer, r| r.task_list(viewer)).await?;
    let mut counts = BTreeMap::new();
    for task in &tasks {
        *counts.entry(task.kind.code()).or_default() += 1;
    }
    let view = |task: crate::store::Task| TaskView {
        kind: task.kind,
        record: task.record,
        since: task.since.and_utc(),
        due_on: task.due_on,
    };
    call.one(&Shown::plain(Tasks { items: tasks.into_iter().map(view).collect(), counts }))
}
