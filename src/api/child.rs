//! What every child of a record answers alike: the list of all, one by its handle, a new one, a change, a decision. A noun that is part of
//! another says what differs, by implementing [`Child`]; its handlers call the functions of the same name here.

use std::borrow::Cow;
use std::marker::PhantomData;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::call::{Call, Made, Shown, last_part, read_reference};
use super::decision;
use super::input::{InputReader, describe};
use super::problem::Problem;
use super::resource::{as_state, view_as};
use crate::domain::Noun;
use crate::policy::Viewer;
use crate::store::{Error, Read, Result as StoreResult, Verdict, Write};

/// A child of a record, named by a random handle within it.
pub trait Child: Sized + 'static {
    /// The noun that it is part of.
    const OF: Noun;
    /// The last part of the list's address.
    const PATH: &'static str;
    /// Its name in the description.
    const NAME: &'static str;
    /// The record that it is part of, as the store gives it.
    type Parent: Send + 'static;
    /// The child, as the store gives it.
    type Record;
    /// What a body says: a new child, or all of a child that is changed.
    type New: Send + 'static;
    /// What is shown of it.
    type View: Serialize + Send + 'static;

    /// An example of a new child.
    fn example() -> serde_json::Value;

    /// Reads a body, over the child as it is (`known`) in a change.
    fn read_new(input: &mut InputReader<'_>, known: Option<&Self::Record>) -> Option<Self::New>;

    /// The record that it is part of, within scope.
    ///
    /// # Errors
    /// The store's.
    fn parent(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Self::Parent>>;

    /// All that a viewer may know of, with the tags of the record that they are part of.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    fn all(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<Vec<Self::View>>>;

    /// The handle.
    fn handle(view: &Self::View) -> &str;

    /// Asks the policy who may add one.
    ///
    /// # Errors
    /// [`Error::Denied`]; the store's.
    fn may_create(viewer: &Viewer, w: &mut Write<'_>, of: &Self::Parent) -> StoreResult<()>;

    /// Adds it; gives its handle.
    ///
    /// # Errors
    /// The store's.
    fn create(w: &mut Write<'_>, of: &Self::Parent, new: &Self::New) -> StoreResult<String>;
}

/// A child that is changed in place.
pub trait Edited: Child {
    /// Asks the policy who may change it.
    ///
    /// # Errors
    /// [`Error::Denied`]; the store's.
    fn may_edit(viewer: &Viewer, w: &mut Write<'_>, of: &Self::Parent) -> StoreResult<()>;

    /// The child as it is.
    ///
    /// # Errors
    /// The store's.
    fn known(w: &mut Write<'_>, of: &Self::Parent, handle: &str) -> StoreResult<Option<Self::Record>>;

    /// Changes it.
    ///
    /// # Errors
    /// The store's.
    fn edit(w: &mut Write<'_>, of: &Self::Parent, known: &Self::Record, new: &Self::New) -> StoreResult<()>;
}

/// A child that is proposed until another officer decides.
pub trait Decided: Child {
    /// Decides; the store judges who may.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::NotFound`]; [`Error::Conflict`] when nothing waits; the store's.
    fn decide(w: &mut Write<'_>, of: &Self::Parent, handle: &str, verdict: &Verdict) -> StoreResult<()>;
}

/// All children of a record that the viewer may know of.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListOf<T> {
    items: Vec<T>,
    /// Always null: the list is whole.
    next: Option<String>,
}

/// One child, as a viewer is shown it.
///
/// # Errors
/// [`Error::NotFound`]; the store's.
pub fn one<C: Child>(viewer: &Viewer, r: &mut Read<'_>, reference: &str, handle: &str) -> StoreResult<Shown<C::View>> {
    let Shown { body, tags } = C::all(viewer, r, reference)?;
    let view = body.into_iter().find(|view| C::handle(view) == handle).ok_or(Error::NotFound)?;
    Ok(Shown { body: view, tags })
}

/// Shows what a target names, `incidents/REF/victims/HANDLE`.
fn of_target<C: Child>(viewer: &Viewer, r: &mut Read<'_>, target: &str) -> StoreResult<Shown<C::View>> {
    one::<C>(viewer, r, target.split('/').nth(1).unwrap_or_default(), last_part(target))
}

fn target<C: Child>(reference: &str, handle: &str) -> String {
    format!("{}/{reference}/{}/{handle}", C::OF.path(), C::PATH)
}

fn parent<C: Child>(r: &mut Read<'_>, reference: &str) -> StoreResult<C::Parent> {
    C::parent(r, reference)?.ok_or(Error::NotFound)
}

/// Answers with all children of a record, or 304.
///
/// # Errors
/// 400; 401; 404.
pub async fn list<C: Child>(call: Call, path: &str) -> Result<HttpResponse, Problem> {
    let Shown { body: items, tags } =
        shown_as::<C, _>(&call, path, |viewer, r, reference| C::all(viewer, r, reference)).await?;
    call.one(&Shown { body: ListOf { items, next: None }, tags })
}

/// Answers with one child and the ETag that a change of it asks for, or 304.
///
/// # Errors
/// 400; 401; 404.
pub async fn get<C: Child>(call: Call, path: (String, String)) -> Result<HttpResponse, Problem> {
    let (reference, handle) = path;
    let shown =
        shown_as::<C, _>(&call, &reference, move |viewer, r, reference| one::<C>(viewer, r, reference, &handle))
            .await?;
    call.one(&shown)
}

async fn shown_as<C: Child, T: Send + 'static>(
    call: &Call,
    path: &str,
    show: impl FnOnce(&Viewer, &mut Read<'_>, &str) -> StoreResult<T> + Send + 'static,
) -> Result<T, Problem> {
    let as_state = InputReader::query(&call.context(), &call.query, |input| Some(as_state(input)))?;
    let reference = read_reference(C::OF, path)?;
    call.as_viewer(move |call, session| {
        let viewer = view_as(&session.account.viewer, as_state.as_deref())?;
        Ok(call.app().store.read_as(&viewer, |r| show(&viewer, r, &reference))?)
    })
    .await
}

/// Adds a child, and answers with it.
///
/// # Errors
/// 400; 401; 403; 404; 409.
pub async fn create<C: Child>(call: Call, path: &str, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(C::OF, path)?;
    let new = call.body(&body, |input| C::read_new(input, None)).await?;
    call.post(
        &body,
        move |viewer, w| {
            let of = parent::<C>(w, &reference)?;
            C::may_create(viewer, w, &of)?;
            Ok(Made::child(target::<C>(&reference, &C::create(w, &of, &new)?)))
        },
        of_target::<C>,
    )
    .await
}

/// Changes a child, and answers with it.
///
/// # Errors
/// 400; 401; 403; 404; 412; 428.
pub async fn edit<C: Edited>(call: Call, path: (String, String), body: Bytes) -> Result<HttpResponse, Problem> {
    let (reference, handle) = path;
    let reference = read_reference(C::OF, &reference)?;
    let shown = target::<C>(&reference, &handle);
    call.patch(
        move |viewer, r| of_target::<C>(viewer, r, &shown),
        move |viewer, w, context| {
            let of = parent::<C>(w, &reference)?;
            C::may_edit(viewer, w, &of)?;
            let known = C::known(w, &of, &handle)?.ok_or(Error::NotFound)?;
            let new = InputReader::change(context, &body, |input| C::read_new(input, Some(&known)))?;
            Ok(C::edit(w, &of, &known, &new)?)
        },
    )
    .await
}

/// Decides on a child that was proposed, on a node that signs people in, and answers with what it became.
///
/// # Errors
/// 400; 401; 403; 404; 409; 421 on a node without keys.
pub async fn decide<C: Decided>(call: Call, path: (String, String), body: Bytes) -> Result<HttpResponse, Problem> {
    let (reference, handle) = path;
    let reference = read_reference(C::OF, &reference)?;
    let target = target::<C>(&reference, &handle);
    decision::decide(
        &call,
        &body,
        target,
        move |w| parent::<C>(w, &reference),
        move |w, of, verdict| C::decide(w, of, &handle, verdict),
        of_target::<C>,
    )
    .await
}

/// The description of a new child.
#[derive(Debug)]
pub struct New<C>(PhantomData<C>);
/// The description of a change of a child.
#[derive(Debug)]
pub struct Edit<C>(PhantomData<C>);

impl<C: Child> PartialSchema for New<C> {
    fn schema() -> RefOr<Schema> {
        describe::new_record(C::example(), |input| C::read_new(input, None))
    }
}

impl<C: Child> ToSchema for New<C> {
    fn name() -> Cow<'static, str> {
        format!("{}Input", C::NAME).into()
    }
}

impl<C: Child> PartialSchema for Edit<C> {
    fn schema() -> RefOr<Schema> {
        describe::merge_patch(C::example(), |input| C::read_new(input, None))
    }
}

impl<C: Child> ToSchema for Edit<C> {
    fn name() -> Cow<'static, str> {
        format!("{}Edit", C::NAME).into()
    }
}
