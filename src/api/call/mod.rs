//! One extractor gives viewer, store and clock; and the shapes in which a call answers: one record, a page, a new record.

mod change;
mod shown;

use std::future::{Ready, ready};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, web};
use seal::Plain;
use serde::Serialize;

pub use change::{changed_once, made_once, still};
use shown::is_known;
pub use shown::{Made, Shown};

use super::input::{Context, InputReader, ReferenceData};
use super::key::read_key;
use super::problem::Problem;
use super::trace;
use super::turn::{Turns, export_turns, import_turns};
use super::unread::Arriving;
use crate::disclosure::Desk;
use crate::domain::{Noun, Reference};
use crate::identity::{Identity, Network};
use crate::policy::{Action, Scope, Viewer, authorize};
use crate::store::{Error, Idempotency, Read, Result as StoreResult, SessionInfo, Store, Write};

/// What every call shares.
#[derive(Debug)]
pub struct App {
    /// The store.
    pub store: Arc<Store>,
    /// Sessions and tokens.
    pub identity: Arc<Identity>,
    /// The disclosure desk, on a node with keys.
    pub desk: Option<Arc<Desk>>,
    /// Missions and States.
    pub reference: RwLock<Arc<ReferenceData>>,
    /// What a node takes at once.
    pub limits: Limits,
    /// Bodies that are being read.
    pub arriving: Arriving,
    /// Turns at exports.
    pub exports: Turns,
    /// Turns at imports.
    pub imports: Turns,
}

/// What a node takes at once: more is told to try again, so that what was begun is answered in time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests that are being answered.
    pub in_flight: usize,
    /// How long a client may take to send a body.
    pub patience: Duration,
    /// Bodies of one network (IPv4 /24, IPv6 /48) that are not sent whole yet.
    pub unread: usize,
    /// Whether a proxy says who calls, in `X-Forwarded-For`.
    pub behind_proxy: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 256, patience: Duration::from_secs(30), unread: 32, behind_proxy: false }
    }
}

impl App {
    /// Everything that calls share, with the reference data as it is now.
    ///
    /// # Errors
    /// The store's.
    pub fn new(store: Arc<Store>, identity: Arc<Identity>, desk: Option<Arc<Desk>>) -> StoreResult<Self> {
        let reference = store.read(&Scope::Nothing, |r| {
            Ok(ReferenceData {
                states: r.state_list()?.into_iter().map(|state| (state.code, state.name_en)).collect(),
                missions: r.mission_list()?.into_iter().map(|mission| (mission.acronym, mission.host_states)).collect(),
            })
        })?;
        Ok(Self {
            store,
            identity,
            desk,
            reference: RwLock::new(Arc::new(reference)),
            limits: Limits::default(),
            arriving: Arriving::default(),
            exports: export_turns(),
            imports: import_turns(),
        })
    }

    /// What forms are read with.
    pub fn context(&self) -> Context {
        let reference = self.reference.read().map(|reference| reference.clone()).unwrap_or_default();
        Context { reference, now: self.store.now() }
    }
}

/// A call: who asks, and how.
#[derive(Debug, Clone)]
pub struct Call {
    app: web::Data<App>,
    bearer: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    key: Option<String>,
    /// The media types that the client takes.
    pub accept: Option<String>,
    /// The path, as it was asked.
    pub path: String,
    /// The query string.
    pub query: String,
    /// Where the call comes from.
    pub network: Network,
}

/// The token of a request. The scheme is named in whatever case (RFC 9110, 11.1).
pub(super) fn bearer(headers: &header::HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// Where a request comes from. A proxy adds the address that it sees to those that the caller made up, so the last one counts.
pub(super) fn network(request: &HttpRequest, behind_proxy: bool) -> Network {
    let forwarded = || {
        let last = request.headers().get_all("x-forwarded-for").last()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse().ok()
    };
    Network::of(if behind_proxy { forwarded() } else { request.peer_addr().map(|address| address.ip()) })
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = |name: header::HeaderName| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let Some(app) = request.app_data::<web::Data<App>>() else { return ready(Err(Problem::of("internal"))) };
        let key = request.headers().get("idempotency-key").map(|value| match value.to_str() {
            Ok(key) => key.to_owned(),
            // Not ignored: it is no key, and is refused as one.
            Err(_) => String::new(),
        });
        ready(Ok(Self {
            app: app.clone(),
            bearer: bearer(request.headers()),
            if_match: text(header::IF_MATCH),
            if_none_match: text(header::IF_NONE_MATCH),
            key,
            accept: text(header::ACCEPT),
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
            network: network(request, app.limits.behind_proxy),
        }))
    }
}

/// A body of so many bytes takes less time to read than to hand over to another thread.
const SHORT: usize = 4 << 10;

/// Runs blocking work off the async threads: one task a request, with all its queries inside.
///
/// # Errors
/// Those of `work`; 503 when the pool is shut.
pub async fn block<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let (span, line) = (opentelemetry::Context::current(), tracing::Span::current());
    web::block(move || line.in_scope(|| trace::work(&span, work))).await.unwrap_or_else(|_| Err(Problem::of("busy")))
}

impl Call {
    /// What the call's forms are read with.
    pub fn context(&self) -> Context {
        self.app.context()
    }

    /// Reads a body as a form; a long one off the async threads.
    ///
    /// # Errors
    /// As [`InputReader::read`].
    pub async fn body<T: Send + 'static>(
        &self,
        body: &Bytes,
        parse: impl FnOnce(&mut InputReader<'_>) -> Option<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let (context, body) = (self.context(), body.clone());
        if body.len() <= SHORT {
            return InputReader::read(&context, &body, parse);
        }
        block(move || InputReader::read(&context, &body, parse)).await
    }

    /// What calls share.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Who asks, whether or not a second factor was given: for what is about one's own account.
    ///
    /// # Errors
    /// 401.
    fn arriving(&self) -> Result<Arc<SessionInfo>, Problem> {
        let bearer = self.bearer.as_deref().ok_or_else(|| Problem::of("unauthenticated"))?;
        let session = self.app.identity.authenticate(bearer)?;
        if self.app.store.awaits_confirmation()
            && authorize(&session.account.viewer, Action::ConfirmRestoration).is_err()
        {
            return Err(Error::Unconfirmed.into());
        }
        Ok(session)
    }

    /// Who asks.
    ///
    /// # Errors
    /// 401; 403 until a second factor is set up; 503 while a restored database awaits its confirmation.
    pub fn session(&self) -> Result<Arc<SessionInfo>, Problem> {
        let session = self.assured()?;
        if self.app.store.awaits_confirmation() {
            return Err(Error::Unconfirmed.into());
        }
        Ok(session)
    }

    /// Who asks, once a second factor was given.
    fn assured(&self) -> Result<Arc<SessionInfo>, Problem> {
        let session = self.arriving()?;
        if session.assured {
            Ok(session)
        } else {
            Err(Problem::of("second_factor").with_detail("Set up a second factor first: POST /v1/me/second-factor"))
        }
    }

    /// As [`Call::as_viewer`], for who has no second factor yet too.
    ///
    /// # Errors
    /// 401; those of `work`.
    pub async fn as_arriving<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Call, &SessionInfo) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let call = self.clone();
        block(move || {
            let session = call.arriving()?;
            work(&call, &session)
        })
        .await
    }

    /// As [`Call::as_viewer`], while a restored database awaits its confirmation too: for what confirms it.
    ///
    /// # Errors
    /// 401; those of `work`.
    pub async fn as_confirming<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Call, &SessionInfo) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let call = self.clone();
        block(move || {
            let session = call.assured()?;
            work(&call, &session)
        })
        .await
    }

    /// Does blocking work as whoever asks.
    ///
    /// # Errors
    /// 401; those of `work`.
    pub async fn as_viewer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Call, &SessionInfo) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let call = self.clone();
        block(move || {
            let session = call.session()?;
            work(&call, &session)
        })
        .await
    }

    /// Does what agrees to another's act: on a node that signs people in, by whom `judge` lets, with a fresh code of the second factor that
    /// is used up in the same transaction.
    ///
    /// # Errors
    /// 401; 403 for a code that is not good, or was used; those of `judge` and `work`.
    pub async fn agree<T: Send + 'static>(
        &self,
        (act, code): (&'static str, Plain),
        judge: impl FnOnce(&Viewer) -> StoreResult<()> + Send + 'static,
        work: impl FnOnce(&Viewer, &mut Write<'_>) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, Problem> {
        InputReader::query(&self.context(), &self.query, |_| Some(()))?;
        self.as_viewer(move |call, session| {
            let (app, viewer) = (&call.app, &session.account.viewer);
            app.store.signs_in()?;
            judge(viewer)?;
            let given = app.identity.prove(session, code.expose(), act)?;
            let done = app.store.write(viewer, |w| {
                w.factor_spend(&given, act)?;
                work(viewer, w)
            })?;
            app.store.heartbeat_forget();
            Ok(done)
        })
        .await
    }

    /// Reads within the viewer's scope.
    ///
    /// # Errors
    /// 401; those of `f`.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Viewer, &mut Read<'_>) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, Problem> {
        self.as_viewer(move |call, session| {
            let viewer = &session.account.viewer;
            Ok(call.app.store.read_as(viewer, |r| f(viewer, r))?)
        })
        .await
    }

    /// Answers with what is shown of one record, named in the path.
    ///
    /// # Errors
    /// 400 for a parameter; 401; 404, also for what is no reference of the noun; those of `show`.
    pub async fn record<T: Serialize + Send + 'static>(
        &self,
        noun: Noun,
        path: &str,
        show: impl FnOnce(&Viewer, &mut Read<'_>, &str) -> StoreResult<Shown<T>> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        InputReader::query(&self.context(), &self.query, |_| Some(()))?;
        let reference = read_reference(noun, path)?;
        let shown = self.read(move |viewer, r| show(viewer, r, &reference)).await?;
        self.one(&shown)
    }

    /// Answers with one record and its ETag, or 304.
    ///
    /// # Errors
    /// 500 when the record cannot be written as JSON.
    pub fn one<T: Serialize>(&self, shown: &Shown<T>) -> Result<HttpResponse, Problem> {
        let (etag, bytes) = shown.etag()?;
        if self.if_none_match.as_deref().is_some_and(|known| is_known(known, &etag)) {
            return Ok(HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish());
        }
        Ok(HttpResponse::Ok()
            .insert_header((header::ETAG, etag))
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .body(bytes))
    }

    /// Makes something once: replayed under its `Idempotency-Key`, it answers with the first status and the present view.
    ///
    /// # Errors
    /// 400 for a key under 16 characters; 409 for a key used with another body; those of `make` and `show`.
    pub async fn post<T: Serialize + Send + 'static>(
        &self,
        body: &Bytes,
        make: impl FnOnce(&Viewer, &mut Write<'_>) -> StoreResult<Made> + Send + 'static,
        show: impl FnOnce(&Viewer, &mut Read<'_>, &str) -> StoreResult<Shown<T>> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.make(Concurrency::Exclusive, body, make, show).await
    }

    /// As [`Call::post`], for a record of its own that nothing else is read or changed for: many are made at once.
    ///
    /// # Errors
    /// As [`Call::post`].
    pub async fn post_concurrent<T: Serialize + Send + 'static>(
        &self,
        body: &Bytes,
        make: impl FnOnce(&Viewer, &mut Write<'_>) -> StoreResult<Made> + Send + 'static,
        show: impl FnOnce(&Viewer, &mut Read<'_>, &str) -> StoreResult<Shown<T>> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.make(Concurrency::Shared, body, make, show).await
    }

    async fn make<T: Serialize + Send + 'static>(
        &self,
        making: Concurrency,
        body: &Bytes,
        make: impl FnOnce(&Viewer, &mut Write<'_>) -> StoreResult<Made> + Send + 'static,
        show: impl FnOnce(&Viewer, &mut Read<'_>, &str) -> StoreResult<Shown<T>> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let key = self.once(body)?;
        let (made, shown) = self
            .as_viewer(move |call, session| {
                let viewer = &session.account.viewer;
                let work = |w: &mut Write<'_>| made_once(viewer, w, key.as_ref(), make, show);
                Ok(match making {
                    Concurrency::Shared => call.app.store.append(viewer, work),
                    Concurrency::Exclusive => call.app.store.write(viewer, work),
                }?)
            })
            .await?;
        self.made(&made, &shown)
    }

    /// The key under which a POST is done once, if it has one. A POST takes no query.
    ///
    /// # Errors
    /// 400 for a key under 16 characters, or a parameter.
    pub fn once(&self, body: &Bytes) -> Result<Option<Idempotency>, Problem> {
        let key = self.key.as_ref().map(|key| read_key(&self.path, key, body)).transpose()?;
        InputReader::query(&self.context(), &self.query, |_| Some(()))?;
        Ok(key)
    }

    /// Answers with what a POST made.
    ///
    /// # Errors
    /// 500 when the record cannot be written as JSON.
    pub fn made<T: Serialize>(&self, made: &Made, shown: &Shown<T>) -> Result<HttpResponse, Problem> {
        let (etag, bytes) = shown.etag()?;
        let status = actix_web::http::StatusCode::from_u16(made.status).map_err(|_| Problem::of("internal"))?;
        let mut response = HttpResponse::build(status);
        if made.status == 201 {
            response.insert_header((header::LOCATION, format!("/v1/{}", made.target)));
        }
        Ok(response
            .insert_header((header::ETAG, etag))
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .body(bytes))
    }

    /// Changes one record, if it still is as `If-Match` says.
    ///
    /// # Errors
    /// 428 without `If-Match`; 412 when stale; those of `show` and `change`.
    pub async fn patch<T: Serialize + Send + 'static>(
        &self,
        show: impl Fn(&Viewer, &mut Read<'_>) -> StoreResult<Shown<T>> + Send + 'static,
        change: impl FnOnce(&Viewer, &mut Write<'_>, &Context) -> Result<(), Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let expected = self.expected()?;
        let shown = self
            .as_viewer(move |call, session| changed_once(&call.app, &session.account.viewer, &expected, show, change))
            .await?;
        self.served(&shown)
    }

    /// What a PATCH expects the record to be. It takes no query.
    ///
    /// # Errors
    /// 428 without `If-Match`; 400 for a parameter.
    pub fn expected(&self) -> Result<String, Problem> {
        let expected = self.if_match.clone().ok_or_else(|| Problem::of("precondition_required"))?;
        InputReader::query(&self.context(), &self.query, |_| Some(()))?;
        Ok(expected)
    }

    /// Answers with a record as it is now.
    ///
    /// # Errors
    /// 500 when the record cannot be written as JSON.
    pub fn served<T: Serialize>(&self, shown: &Shown<T>) -> Result<HttpResponse, Problem> {
        let (etag, bytes) = shown.etag()?;
        Ok(HttpResponse::Ok()
            .insert_header((header::ETAG, etag))
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .body(bytes))
    }
}

/// How what a POST makes stands to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Concurrency {
    /// A record of its own, that nothing else is read or changed for: many are made at once.
    Shared,
    /// What belongs to records that are there: one is made at a time.
    Exclusive,
}

/// The reference in a path, as people write it.
///
/// # Errors
/// 404 for what is none of the noun.
pub fn read_reference(noun: Noun, path: &str) -> Result<String, Problem> {
    Reference::parse(noun, path).map(|found| found.to_string()).ok_or_else(|| Problem::of("not_found"))
}

/// The last part of a target: the reference, handle or number.
pub fn last_part(target: &str) -> &str {
    target.rsplit('/').next().unwrap_or(target)
}
