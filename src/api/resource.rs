//! What every record of its own answers alike: its list, itself, a new one, a change and its history. A noun says what differs, by implementing
//! [`Resource`]; its handlers call the functions of the same name here, so that ETag, 304, `If-Match`, `Idempotency-Key`, files and `?as=` come
//! from one place. `page`, `one`, `made` and `changed` are the same without HTTP.

use std::borrow::Cow;
use std::collections::HashSet;
use std::marker::PhantomData;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use seal::ClassCode;
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::call::{App, Call, Made, Shown, changed_once, last_part, made_once, read_reference};
use super::decision;
use super::history::{self, HistoryPage};
use super::input::{self, Context, InputReader, Reader as _, describe};
use super::list::{Paging, Part};
use super::problem::Problem;
use super::withheld::{Markers, shares_tag};
use crate::domain::Noun;
use crate::policy::{AccessContext, Action, Viewer, authorize};
use crate::store::{Error, Found, Id, Idempotency, Page, Read, Result as StoreResult, Verdict, Write};

/// A record of its own, with a reference.
pub trait Resource: Sized + 'static {
    /// The noun.
    const NOUN: Noun;
    /// Its name in the description.
    const NAME: &'static str;
    /// The record, as the store gives it.
    type Record: Found + Clone + Send + 'static;
    /// What a body says: a new record, or all of a record that is changed.
    type New: Send + 'static;
    /// What its list is narrowed to.
    type Filter: Send + Sync + 'static;
    /// What is shown of it.
    type View: Serialize + Send + 'static;

    /// An example of a new record, which the service accepts once its references are real.
    fn example() -> serde_json::Value;

    /// Reads a body, over the record as it is (`known`) in a change.
    fn read_new(input: &mut InputReader<'_>, known: Option<&Self::Record>) -> Option<Self::New>;

    /// Reads what the list is narrowed to.
    fn read_filter(input: &mut InputReader<'_>) -> Option<Self::Filter>;

    /// A page of the list.
    ///
    /// # Errors
    /// The store's.
    fn page(r: &mut Read<'_>, filter: &Self::Filter, part: Part<'_>) -> StoreResult<Page<Self::Record>>;

    /// The record, within scope.
    ///
    /// # Errors
    /// The store's.
    fn get(r: &mut Read<'_>, reference: &str) -> StoreResult<Option<Self::Record>>;

    /// Random tags, one for each class, which move when a sealed field of the class is edited.
    fn tags(of: &Self::Record) -> Vec<Vec<u8>>;

    /// How a viewer stands to the record, as far as the record alone tells: what a list asks.
    fn access(viewer: &Viewer, of: &Self::Record) -> AccessContext;

    /// How a viewer stands to the record, by all that the store knows.
    ///
    /// # Errors
    /// The store's.
    fn full_access(viewer: &Viewer, r: &mut Read<'_>, of: &Self::Record) -> StoreResult<AccessContext> {
        let _ = r;
        Ok(Self::access(viewer, of))
    }

    /// Asks the policy who may record it.
    ///
    /// # Errors
    /// [`Error::Denied`].
    fn may_create(viewer: &Viewer, new: &Self::New) -> StoreResult<()>;

    /// Asks the policy who may change it.
    ///
    /// # Errors
    /// [`Error::Denied`]; the store's.
    fn may_edit(viewer: &Viewer, w: &mut Write<'_>, known: &Self::Record) -> StoreResult<()>;

    /// Records it; gives its reference.
    ///
    /// # Errors
    /// The store's.
    fn create(w: &mut Write<'_>, new: &Self::New) -> StoreResult<String>;

    /// Changes it.
    ///
    /// # Errors
    /// The store's.
    fn edit(w: &mut Write<'_>, known: &Self::Record, new: &Self::New) -> StoreResult<()>;

    /// What is shown of it in a list.
    fn view(of: Self::Record, markers: &Markers<'_>) -> Self::View;

    /// What the single view shows besides.
    ///
    /// # Errors
    /// The store's.
    fn detail(
        viewer: &Viewer,
        r: &mut Read<'_>,
        of: &Self::Record,
        markers: &Markers<'_>,
        view: &mut Self::View,
    ) -> StoreResult<()> {
        let _ = (viewer, r, of, markers, view);
        Ok(())
    }

    /// The single view.
    ///
    /// # Errors
    /// The store's.
    fn show(viewer: &Viewer, r: &mut Read<'_>, of: Self::Record) -> StoreResult<Shown<Self::View>> {
        let facts = Self::full_access(viewer, r, &of)?;
        let held = r.held(&[of.root()])?;
        let markers = Markers { noun: Self::NOUN, viewer, facts, holder: of.root(), held: Some(&held) };
        let tags = shared_tags(viewer, facts, &[Self::NOUN], &Self::tags(&of));
        let mut body = Self::view(of.clone(), &markers);
        Self::detail(viewer, r, &of, &markers, &mut body)?;
        Ok(Shown { body, tags })
    }
}

/// A record that is proposed, or of which something is, until another officer decides.
pub trait Decided: Resource {
    /// Decides; the store judges who may.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Conflict`] when nothing waits; the store's.
    fn decide(w: &mut Write<'_>, known: &Self::Record, verdict: &Verdict) -> StoreResult<()>;
}

/// Of a record's tags, those of classes that the viewer may open or hold: the ETag holds no others.
pub fn shared_tags(viewer: &Viewer, facts: AccessContext, nouns: &[Noun], tags: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let by_class = ClassCode::ALL.into_iter().zip(tags);
    by_class.filter(|(class, _)| shares_tag(viewer, facts, nouns, *class)).map(|(_, tag)| tag.clone()).collect()
}

/// The viewer whose sight is asked for: oneself, or, for the Secretariat, a State (`?as=`).
///
/// # Errors
/// [`Error::Denied`] for others than the Secretariat.
pub fn view_as(viewer: &Viewer, as_state: Option<&str>) -> StoreResult<Viewer> {
    match as_state {
        None => Ok(viewer.clone()),
        Some(state) => {
            authorize(viewer, Action::Decide)?;
            Ok(Viewer::of_state(state))
        }
    }
}

/// Reads `?as=`.
pub fn as_state(input: &mut InputReader<'_>) -> Option<String> {
    input.optional("as", None, input::state().about("Show what this State is shown (Secretariat)."))
}

/// A part of a list, as a viewer is shown it.
///
/// # Errors
/// The store's.
pub fn page<R: Resource>(
    viewer: &Viewer,
    r: &mut Read<'_>,
    filter: &R::Filter,
    part: Part<'_>,
) -> StoreResult<Page<R::View>> {
    let page = R::page(r, filter, part)?;
    let holders: Vec<Id> = page.items.iter().map(Found::root).collect();
    let held: Option<HashSet<(Id, u16)>> = part.held(viewer, r, &holders)?;
    let view = |of: R::Record| {
        let (facts, holder) = (R::access(viewer, &of), of.root());
        R::view(of, &Markers { noun: R::NOUN, viewer, facts, holder, held: held.as_ref() })
    };
    Ok(page.map(view))
}

/// One record, as a viewer is shown it.
///
/// # Errors
/// [`Error::NotFound`]; the store's.
pub fn one<R: Resource>(viewer: &Viewer, r: &mut Read<'_>, reference: &str) -> StoreResult<Shown<R::View>> {
    let of = R::get(r, reference)?.ok_or(Error::NotFound)?;
    R::show(viewer, r, of)
}

/// Records something new, once: under a key that was used for it, what was made then is shown.
///
/// # Errors
/// 403; those of the store.
pub fn made<R: Resource>(
    app: &App,
    viewer: &Viewer,
    key: Option<&Idempotency>,
    new: &R::New,
) -> Result<(Made, Shown<R::View>), Problem> {
    let make = |viewer: &Viewer, w: &mut Write<'_>| {
        R::may_create(viewer, new)?;
        Ok(Made::new(R::NOUN, &R::create(w, new)?))
    };
    let show = |viewer: &Viewer, r: &mut Read<'_>, target: &str| one::<R>(viewer, r, last_part(target));
    let work = |w: &mut Write<'_>| made_once(viewer, w, key, make, show);
    Ok(app.store.write(viewer, work)?)
}

/// Changes a record that still is as `expected` says, by a merge patch.
///
/// # Errors
/// 400; 403; 404; 412 when it changed meanwhile; those of the store.
pub fn changed<R: Resource>(
    app: &App,
    viewer: &Viewer,
    reference: &str,
    expected: &str,
    patch: &[u8],
) -> Result<Shown<R::View>, Problem> {
    let show = |viewer: &Viewer, r: &mut Read<'_>| one::<R>(viewer, r, reference);
    let change = |viewer: &Viewer, w: &mut Write<'_>, context: &Context| {
        let known = R::get(w, reference)?.ok_or(Error::NotFound)?;
        R::may_edit(viewer, w, &known)?;
        let new = InputReader::change(context, patch, |input| R::read_new(input, Some(&known)))?;
        Ok(R::edit(w, &known, &new)?)
    };
    changed_once(app, viewer, expected, show, change)
}

/// Answers with the list, by the page or as a file.
///
/// # Errors
/// 400; 401; 406; 503.
pub async fn list<R: Resource>(call: Call) -> Result<HttpResponse, Problem> {
    let (filter, as_state, paging) = InputReader::query(&call.context(), &call.query, |input| {
        let filter = R::read_filter(input);
        let as_state = as_state(input);
        Some((filter?, as_state, Paging::of(input)?))
    })?;
    call.list_as(
        paging,
        move |viewer| view_as(viewer, as_state.as_deref()),
        move |viewer, r, part| page::<R>(viewer, r, &filter, part),
    )
    .await
}

/// Answers with one record, or 304.
///
/// # Errors
/// 400; 401; 404.
pub async fn get<R: Resource>(call: Call, path: &str) -> Result<HttpResponse, Problem> {
    let as_state = InputReader::query(&call.context(), &call.query, |input| Some(as_state(input)))?;
    let reference = read_reference(R::NOUN, path)?;
    let shown = call
        .as_viewer(move |call, session| {
            let viewer = view_as(&session.account.viewer, as_state.as_deref())?;
            Ok(call.app().store.read_as(&viewer, |r| one::<R>(&viewer, r, &reference))?)
        })
        .await?;
    call.one(&shown)
}

/// Records something new, and answers with it.
///
/// # Errors
/// 400; 401; 403; 409.
pub async fn create<R: Resource>(call: Call, body: Bytes) -> Result<HttpResponse, Problem> {
    let key = call.once(&body)?;
    let new = call.body(&body, |input| R::read_new(input, None)).await?;
    let (made, shown) =
        call.as_viewer(move |call, session| made::<R>(call.app(), &session.account.viewer, key.as_ref(), &new)).await?;
    call.made(&made, &shown)
}

/// Changes a record, and answers with it.
///
/// # Errors
/// 400; 401; 403; 404; 412; 428.
pub async fn edit<R: Resource>(call: Call, path: &str, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(R::NOUN, path)?;
    let expected = call.expected()?;
    let shown = call
        .as_viewer(move |call, session| changed::<R>(call.app(), &session.account.viewer, &reference, &expected, &body))
        .await?;
    call.served(&shown)
}

/// Answers with a record's history, for mission and Secretariat.
///
/// # Errors
/// 400; 401; 404.
pub async fn history<R: Resource>(call: Call, path: &str) -> Result<HttpResponse, Problem> {
    call.record(R::NOUN, path, |viewer, r, reference| {
        let of = R::get(r, reference)?.ok_or(Error::NotFound)?;
        let facts = R::full_access(viewer, r, &of)?;
        let page: HistoryPage = history::page(viewer, facts, r.history(&of)?, None);
        Ok(Shown::plain(page))
    })
    .await
}

/// Decides on what was proposed, on a node that signs people in, and answers with what it became.
///
/// # Errors
/// 400; 401; 403; 404; 409; 421 on a node without keys.
pub async fn decide<R: Decided>(call: Call, path: &str, body: Bytes) -> Result<HttpResponse, Problem> {
    let reference = read_reference(R::NOUN, path)?;
    let target = format!("{}/{reference}", R::NOUN.path());
    decision::decide(
        &call,
        &body,
        target,
        move |w| R::get(w, &reference)?.ok_or(Error::NotFound),
        |w, of, verdict| R::decide(w, of, verdict),
        |viewer, r, target| one::<R>(viewer, r, last_part(target)),
    )
    .await
}

/// The description of a new record.
#[derive(Debug)]
pub struct New<R>(PhantomData<R>);
/// The description of a change of a record.
#[derive(Debug)]
pub struct Edit<R>(PhantomData<R>);
/// The description of a list's query.
#[derive(Debug)]
pub struct Query<R>(PhantomData<R>);

impl<R: Resource> PartialSchema for New<R> {
    fn schema() -> RefOr<Schema> {
        describe::new_record(R::example(), |input| R::read_new(input, None))
    }
}

impl<R: Resource> ToSchema for New<R> {
    fn name() -> Cow<'static, str> {
        format!("{}Input", R::NAME).into()
    }
}

impl<R: Resource> PartialSchema for Edit<R> {
    fn schema() -> RefOr<Schema> {
        describe::merge_patch(R::example(), |input| R::read_new(input, None))
    }
}

impl<R: Resource> ToSchema for Edit<R> {
    fn name() -> Cow<'static, str> {
        format!("{}Edit", R::NAME).into()
    }
}

impl<R: Resource> IntoParams for Query<R> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        describe::parameters(|input| {
            R::read_filter(input);
            as_state(input);
            Paging::of(input)
        })
    }
}

/// The description of what a GET of one record takes beside its reference.
#[derive(Debug)]
pub struct Reading;

impl IntoParams for Reading {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        describe::parameters(|input| Some(as_state(input)))
    }
}
