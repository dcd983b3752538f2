//! What makes and changes a record, without HTTP: handlers call it within a request, pages within the process.

use serde::Serialize;

use super::{App, Call, Made, Shown};
use crate::api::input::Context;
use crate::api::problem::Problem;
use crate::policy::Viewer;
use crate::store::{Error, Idempotency, Read, Result as StoreResult, Write};

/// Makes something once: under a key that was used for it, what was made then is shown.
///
/// # Errors
/// Those of `make` and `show`; [`Error::Conflict`] for a key that was used with another body.
pub fn made_once<T>(
    viewer: &Viewer,
    w: &mut Write<'_>,
    key: Option<&Idempotency>,
    make: impl FnOnce(&Viewer, &mut Write<'_>) -> StoreResult<Made>,
    show: impl FnOnce(&Viewer, &mut Read<'_>, &str) -> StoreResult<Shown<T>>,
) -> StoreResult<(Made, Shown<T>)> {
    let replay = key.map(|key| w.replay(key)).transpose()?.flatten();
    let made = match replay {
        Some(replay) => Made { status: replay.status, target: replay.target },
        None => {
            let made = make(viewer, w)?;
            if let Some(key) = key {
                w.remember(key, made.status, &made.target)?;
            }
            made
        }
    };
    let shown = show(viewer, w, &made.target)?;
    Ok((made, shown))
}

impl Call {
    /// What a POST expects the record to be, where it says so.
    pub fn expected_if_said(&self) -> Option<String> {
        self.if_match.clone()
    }
}

/// Asks whether a record still is as an `If-Match` says, where there is one.
///
/// # Errors
/// [`Error::PreconditionFailed`] when it is not.
pub fn still<T: Serialize>(expected: Option<&str>, shown: &Shown<T>) -> StoreResult<()> {
    let Some(expected) = expected.filter(|expected| *expected != "*") else { return Ok(()) };
    let (etag, _) = shown.etag().map_err(|_| Error::PreconditionFailed)?;
    if expected == etag { Ok(()) } else { Err(Error::PreconditionFailed) }
}

/// Changes a record that still is as `expected` says. A change that changes nothing leaves the record as it was, and no trace.
///
/// # Errors
/// 412 when it is not; those of `show` and `change`.
pub fn changed_once<T: Serialize>(
    app: &App,
    viewer: &Viewer,
    expected: &str,
    show: impl Fn(&Viewer, &mut Read<'_>) -> StoreResult<Shown<T>>,
    change: impl FnOnce(&Viewer, &mut Write<'_>, &Context) -> Result<(), Problem>,
) -> Result<Shown<T>, Problem> {
    let context = app.context();
    let mut refused = None;
    let outcome = app.store.write(viewer, |w| {
        let before = show(viewer, w)?;
        still(Some(expected), &before)?;
        if let Err(problem) = change(viewer, w, &context) {
            refused = Some(problem);
            return Err(Error::PreconditionFailed);
        }
        if w.has_noted() { show(viewer, w) } else { Ok(before) }
    });
    match refused {
        Some(problem) => Err(problem),
        None => Ok(outcome?),
    }
}
