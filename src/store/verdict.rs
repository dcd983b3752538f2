//! What becomes of a proposal, and why: a code and fields that everybody may read, and words that are sealed.

use seal::Plain;

use super::db::Id;
use super::{Error, Result, SealedInput, Write};
use crate::domain::{Code, FieldReason, Noun, Reason, Returned, SealedField, SubmissionStatus};
use crate::policy::may_settle;

/// Why something is returned or withdrawn.
#[derive(Debug, Clone, Default)]
pub struct Grounds {
    /// Codes, for the whole and for fields; none where no reason is due.
    pub returned: Option<Returned>,
    /// Words, which are sealed.
    pub note: Option<Plain>,
}

/// What becomes of a proposal.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Accepted, returned, or withdrawn by who submitted it.
    pub status: SubmissionStatus,
    /// Why.
    pub grounds: Grounds,
}

impl Grounds {
    /// The code, as a column and a revision hold it.
    pub(super) fn reason(&self) -> Option<String> {
        self.returned.as_ref().map(|returned| returned.reason.code().to_owned())
    }

    /// Reasons of fields, as a column holds them.
    pub(super) fn fields(&self) -> Option<String> {
        let fields = self.returned.as_ref().map(|returned| &returned.fields).filter(|fields| !fields.is_empty());
        fields.and_then(|fields| serde_json::to_string(fields).ok())
    }

    /// The note, as it is sealed for a record of a noun. A record that had one before loses it.
    pub(super) fn sealed(&self, noun: Noun, had_one: bool) -> SealedInput {
        let field = SealedField::named(noun, "reason_note").filter(|_| had_one || self.note.is_some());
        field.map(|field| (field, self.note.clone())).into_iter().collect()
    }
}

impl Verdict {
    /// Whether it is accepted.
    pub(super) fn accepts(&self) -> bool {
        self.status == SubmissionStatus::Accepted
    }
}

/// Reads why something was returned or withdrawn out of its two columns.
pub(super) fn returned(
    reason: Option<String>,
    fields: Option<String>,
    table: &'static str,
    row: &str,
) -> Result<Option<Returned>> {
    let Some(reason) = reason else { return Ok(None) };
    let reason: Reason = super::code(&reason, table, "reason", row)?;
    let corrupt = |_| Error::Corrupt { table, column: "reason_fields", row: row.to_owned() };
    let fields: Vec<FieldReason> =
        fields.map(|text| serde_json::from_str(&text).map_err(corrupt)).transpose()?.unwrap_or_default();
    Ok(Some(Returned { reason, fields }))
}

impl Write<'_> {
    /// Judges a verdict on a proposal that somebody, for a State or not, submitted, and that waits still.
    pub(super) fn settle(
        &self,
        by: Id,
        of_state: Option<&str>,
        status: SubmissionStatus,
        to: SubmissionStatus,
    ) -> Result<()> {
        may_settle(self.viewer, by.0, of_state, to)?;
        if status != SubmissionStatus::Proposed {
            return Err(Error::Conflict("This is already decided.".into()));
        }
        Ok(())
    }
}
