//! What becomes of what was proposed, and why something is returned: the one form of decisions, and the one form of reasons.

use std::collections::HashSet;
use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use serde::Serialize;

use super::call::{Call, Made, Shown, still};
use super::input::{self, Context, InputReader, InputValue, Reader as _, describe};
use super::problem::Problem;
use crate::domain::{FieldReason, Reason, Returned, Ruling, SealedField, is_pointer, tables};
use crate::policy::Viewer;
use crate::store::{Grounds, Read, Result as StoreResult, Verdict, Write};

describe::input!(
    /// What becomes of a proposal.
    DecisionInput,
    "What becomes of a proposal.",
    verdict,
    {"status": "returned", "reason": "not_sourced", "reason_fields": [{"pointer": "/happened_on", "reason": "not_sourced"}]}
);

/// The pointer of a field.
fn pointer(input: &InputValue, _: &Context) -> Result<String, String> {
    let text = input::as_text(input)?;
    let names = MEMBERS.get_or_init(|| {
        let open = tables().flat_map(|table| table.columns.iter().map(|(name, _)| *name));
        let children = ["victims", "suspects", "accused", "steps", "incidents", "cases"];
        open.chain(SealedField::all().map(|field| field.name)).chain(children).collect()
    });
    let is_name = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let known = text.split('/').filter(|part| !part.is_empty() && is_name(part)).all(|part| names.contains(part));
    if is_pointer(text) && known {
        Ok(text.to_owned())
    } else {
        Err("must be the pointer of a field, such as /narrative".into())
    }
}

/// Names of members that a pointer may have: what is no member's name would be words.
static MEMBERS: OnceLock<HashSet<&'static str>> = OnceLock::new();

/// Why something is returned or withdrawn. `due` says that it takes a reason.
pub fn grounds(input: &mut InputReader<'_>, due: bool) -> Option<Grounds> {
    let why = || input::code().about("Why; required to return, and to withdraw what was accepted.");
    let reason: Option<Reason> =
        if due { input.required("reason", None, why()) } else { input.optional("reason", None, why()) };
    let fields = input.list("reason_fields", 50, |input| {
        let pointer = input.required("pointer", None, pointer);
        let reason = input.required("reason", None, input::code());
        Some(FieldReason { pointer: pointer?, reason: reason? })
    });
    let note =
        input.optional("reason_note", None, super::disclosure::note.about("Why, in words: sealed, confidential."));
    if reason.is_none() && (!fields.is_empty() || note.is_some()) {
        input.fault("reason", "required with reason_fields or reason_note");
    }
    (reason.is_some() || !due).then(|| Grounds { returned: reason.map(|reason| Returned { reason, fields }), note })
}

fn verdict(input: &mut InputReader<'_>) -> Option<Verdict> {
    let words = "`accepted` or `returned` by another officer, or `withdrawn` by the person who submitted it. `withdrawn` of what was accepted asks for its \
                 withdrawal: another officer agrees with `withdrawn`, or lets it stand with `accepted`. A step that says nothing of an outcome is \
                 withdrawn at once.";
    let ruling = input.required("status", None, input::code::<Ruling>().about(words));
    let grounds = grounds(input, ruling == Some(Ruling::Returned));
    Some(Verdict { ruling: ruling?, grounds: grounds? })
}

/// Why something was returned or withdrawn, as views show it: the code, and those of fields.
pub fn reasons(returned: Option<Returned>) -> (Option<Reason>, Option<Vec<FieldReason>>) {
    match returned {
        None => (None, None),
        Some(Returned { reason, fields }) => (Some(reason), (!fields.is_empty()).then_some(fields)),
    }
}

/// Decides on a proposal, on a node that signs people in: finds it, and shows what it became. The store judges who decides.
///
/// # Errors
/// 400; 403; 404; 421 on a node without keys; those of `decide`.
pub async fn decide<P: Send + 'static, T: Serialize + Send + 'static>(
    call: &Call,
    body: &Bytes,
    target: String,
    find: impl FnOnce(&mut Write<'_>) -> StoreResult<P> + Send + 'static,
    decide: impl FnOnce(&mut Write<'_>, &P, &Verdict) -> StoreResult<()> + Send + 'static,
    show: impl Fn(&Viewer, &mut Read<'_>, &str) -> StoreResult<Shown<T>> + Clone + Send + 'static,
) -> Result<HttpResponse, Problem> {
    call.app().store.signs_in()?;
    let verdict = call.body(body, verdict).await?;
    let (expected, shown) = (call.expected_if_said(), show.clone());
    call.post(
        body,
        move |viewer, w| {
            let of = find(w)?;
            if expected.is_some() {
                still(expected.as_deref(), &shown(viewer, w, &target)?)?;
            }
            decide(w, &of, &verdict)?;
            Ok(Made { status: 200, target })
        },
        show,
    )
    .await
}
