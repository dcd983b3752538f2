//! What becomes of a proposal, and why: a code and fields that everybody may read, and words that are sealed.

use seal::Plain;

use super::db::Id;
use super::{Error, Result, SealedInput, Write};
use crate::domain::{Code, Fault, FieldReason, Noun, Reason, Returned, Ruling, SealedField, SubmissionStatus};
use crate::policy::{Ending, may_end, may_settle};

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
    /// What it says.
    pub ruling: Ruling,
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
        self.ruling == Ruling::Accepted
    }
}

/// Something that was accepted, and may be withdrawn.
pub(super) struct Accepted<'a> {
    /// Who asks that it be withdrawn, if somebody does.
    pub(super) withdrawal_by: Option<Id>,
    /// The missions that work on it.
    pub(super) missions: &'a [String],
    /// The State that submitted it, if one did.
    pub(super) of_state: Option<&'a str>,
    /// Whether another officer must agree.
    pub(super) takes_two: bool,
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
    pub(super) fn settle(&self, by: Id, of_state: Option<&str>, status: SubmissionStatus, to: Ruling) -> Result<()> {
        may_settle(self.viewer, by.0, of_state, to)?;
        if status != SubmissionStatus::Proposed {
            return Err(Error::Conflict("This is already decided.".into()));
        }
        Ok(())
    }

    /// Judges a verdict on something that was accepted: whether its withdrawal is asked for, done or declined.
    pub(super) fn ending(&self, accepted: &Accepted<'_>, verdict: &Verdict) -> Result<Ending> {
        let asked_by = accepted.withdrawal_by.map(|id| id.0);
        let ending =
            may_end(self.viewer, asked_by, accepted.missions, accepted.of_state, accepted.takes_two, verdict.ruling)?;
        let ending = ending.ok_or_else(|| Error::Conflict("This is already decided.".into()))?;
        if ending != Ending::Declined && verdict.grounds.returned.is_none() {
            return Err(Error::Invalid(vec![Fault::new("/reason", "required")]));
        }
        Ok(ending)
    }
}
