//! A server for each test: its own database, made from a template, and a real server on a loopback port.

mod client;
pub mod cluster;
mod database;
mod people;
pub mod process;

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::introspection::IntrospectionTree;
use actix_web::web::Data;
use casque::api::Limits;
use casque::cli::{DemoAccount, Sample, load_sample};
use casque::identity::{Identity, code_at, step_at};
use casque::node::{BackgroundTasks, InstanceArgs, OpenOptions};
use casque::policy::Scope;
use casque::store::{Clock, StatisticsAsk, Store, Unit};
use chrono::{NaiveDateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use strum::VariantArray;
use tempfile::TempDir;

pub use client::{Answer, Client};
pub use database::{beside, postgres_wanted, rewriting, setting};
pub use people::PASSWORD;

/// Whether a test is left out because a program is missing: said plainly, and a failure in CI.
pub fn skipped(program: &str, there: bool) -> bool {
    if !there {
        // Past the capture of what a passing test prints: whoever runs the suite sees it.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {program} is not there");
        assert!(!database::in_ci(), "in CI {program} must be there");
    }
    !there
}

/// A running server.
pub struct TestServer {
    /// Its address, `http://127.0.0.1:…`.
    pub address: String,
    /// Its store, for what no route shows.
    pub store: Arc<Store>,
    folder: Arc<TempDir>,
    instance: InstanceArgs,
    accounts: Vec<DemoAccount>,
    tokens: Mutex<HashMap<String, (NaiveDateTime, Value)>>,
    /// The last step whose code each account gave.
    steps: Arc<Mutex<HashMap<String, i64>>>,
    ahead: Arc<AtomicI64>,
    tasks: BackgroundTasks,
    app: Data<casque::api::App>,
    running: Option<(actix_web::dev::ServerHandle, JoinHandle<()>)>,
}

struct Template {
    folder: TempDir,
    accounts: Vec<DemoAccount>,
    database: database::Template,
}

/// Migrated, with reference data and an account for every role; made once, copied for each test.
fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let database = database::Template::new(folder.path());
        let server =
            database.instance(folder.path()).open(OpenOptions { migrate: true, ..OpenOptions::default() }).unwrap();
        let accounts = load_sample(&server.store, &server.identity, Sample::Bare, &mut |_, _, _| {}).unwrap();
        server.store.tally_fold().unwrap();
        drop(server);
        database.grant();
        Template { folder, accounts, database }
    })
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl TestServer {
    /// A server with reference data and accounts.
    pub fn start() -> Self {
        Self::start_with(|_, _| {})
    }

    /// A server with the whole sample: public records and made-up ones.
    pub fn with_sample() -> Self {
        let template = template();
        let folder = tempfile::tempdir().unwrap();
        let database = database::Template::new(folder.path());
        let instance = database.instance(folder.path());
        let server = instance.open(OpenOptions { migrate: true, ..OpenOptions::default() }).unwrap();
        // Made while nothing is there: all that the sample adds is added by the triggers.
        server.store.tally_fold().unwrap();
        let accounts = load_sample(&server.store, &server.identity, Sample::Whole, &mut |_, _, _| {}).unwrap();
        drop(server);
        let _ = template;
        database.grant();
        Self::serve(Arc::new(folder), database.place_of_service(&instance), accounts)
    }

    /// What of its address distinguishes its database from every other's.
    pub fn database_address(&self) -> String {
        database::address_of(&self.instance, &self.folder())
    }

    /// What the owner of its database is answered: one value, as text.
    pub fn asked(&self, sql: &str) -> String {
        database::asked(&self.instance, &self.folder(), sql)
    }

    /// Does something to its database as its owner, past the program.
    pub fn tampered(&self, sql: &str) {
        database::tampered(&self.instance, &self.folder(), sql);
    }

    /// The planner's own tables, as text.
    pub fn analysed(&self) -> String {
        database::analysed(&self.instance, &self.folder())
    }

    /// A server that gives a client so long to send a body.
    pub fn with_patience(patience: Duration) -> Self {
        Self::within(Limits { patience, ..Limits::default() })
    }

    /// A server with a proxy before it.
    pub fn behind_proxy() -> Self {
        Self::within(Limits { behind_proxy: true, ..Limits::default() })
    }

    fn within(limits: Limits) -> Self {
        let template = template();
        let folder = tempfile::tempdir().unwrap();
        copy(template.folder.path(), folder.path());
        let instance = template.database.copy(folder.path());
        Self::serve_within(limits, Arc::new(folder), instance, template.accounts.clone())
    }

    /// A server in which something was prepared before the server began.
    pub fn start_with(prepare: impl FnOnce(&Store, &Identity)) -> Self {
        let template = template();
        let folder = tempfile::tempdir().unwrap();
        copy(template.folder.path(), folder.path());
        let instance = template.database.copy(folder.path());
        let server = instance.open(OpenOptions::default()).unwrap();
        prepare(&server.store, &server.identity);
        drop(server);
        Self::serve(Arc::new(folder), instance, template.accounts.clone())
    }

    /// A server at a place that was made by other means, with the accounts of another server.
    pub fn of(instance: InstanceArgs, like: &TestServer) -> Self {
        let mut server = Self::serve(like.folder.clone(), instance, like.accounts.clone());
        server.steps = like.steps.clone();
        server
    }

    fn serve(folder: Arc<TempDir>, instance: InstanceArgs, accounts: Vec<DemoAccount>) -> Self {
        Self::serve_within(Limits::default(), folder, instance, accounts)
    }

    fn serve_within(limits: Limits, folder: Arc<TempDir>, instance: InstanceArgs, accounts: Vec<DemoAccount>) -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        let clock = {
            let ahead = ahead.clone();
            Clock::of(move || Utc::now().naive_utc() + TimeDelta::seconds(ahead.load(Ordering::SeqCst)))
        };
        let server = instance.open_at(OpenOptions::default(), clock).unwrap();
        let store = server.store.clone();
        let (mut app, tasks) = server.into_app().unwrap();
        app.limits = limits;
        let app = Data::new(app);
        let served = app.clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (send, receive) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = casque::api::serve(served, listener, 1, None).unwrap();
                send.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        let handle = receive.recv().unwrap();
        Self {
            address,
            store,
            folder,
            instance,
            accounts,
            tokens: Mutex::default(),
            steps: Arc::default(),
            ahead,
            tasks,
            app,
            running: Some((handle, thread)),
        }
    }

    /// A client signed in as the account whose address begins so: `chad`, `verifier`, `minusma` …
    pub fn as_(&self, who: &str) -> Client {
        let account = self.account(who);
        let mut tokens = self.tokens.lock().unwrap();
        let fresh = tokens.get(&account.email).filter(|(since, _)| self.store.now() < *since + TimeDelta::minutes(10));
        let pair = match fresh {
            Some((_, pair)) => pair.clone(),
            None => {
                // A session goes on as long as it may: signing in takes a code, and attempts.
                let refreshed = tokens.get(&account.email).map(|(_, pair)| {
                    let body = json!({"refresh_token": pair["refresh_token"]});
                    self.anonymous().post("/v1/sessions/refresh", &body)
                });
                let pair = match refreshed.filter(|answer| answer.status == 200) {
                    Some(answer) => answer.json(),
                    None => self.sign_in(who).json(),
                };
                tokens.insert(account.email.clone(), (self.store.now(), pair.clone()));
                pair
            }
        };
        Client::new(&self.address, pair["access_token"].as_str().map(str::to_owned))
    }

    /// Begins a session of an account: the answer, with its pair of tokens.
    pub fn sign_in(&self, who: &str) -> Answer {
        let account = self.account(who);
        let body = json!({ "email": account.email, "password": account.password, "code": self.code(who) });
        let answer = self.anonymous().post("/v1/sessions", &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer
    }

    /// A code of an account's second factor that was not used yet; where all that are good were, time passes.
    pub fn code(&self, who: &str) -> String {
        let account = self.account(who);
        let mut steps = self.steps.lock().unwrap();
        let last = steps.entry(account.email.clone()).or_insert(0);
        let present = step_at(self.store.now());
        *last = (*last + 1).max(present);
        if *last > present + 1 {
            self.pass(TimeDelta::seconds(30 * (*last - present - 1)));
        }
        code_at(&account.totp_secret, *last).unwrap()
    }

    /// Asks for a disclosure, with a fresh code.
    pub fn disclose(&self, who: &str, ask: &Value) -> Answer {
        self.prove(who, "/v1/disclosures", ask)
    }

    /// Posts what takes a fresh code of the second factor.
    pub fn prove(&self, who: &str, path: &str, body: &Value) -> Answer {
        let mut body = body.clone();
        // Signed in first: that takes a code of its own.
        let client = self.as_(who);
        body["code"] = json!(self.code(who));
        client.post(path, &body)
    }

    /// Reviews the emergencies that wait: there is one at a time.
    pub fn review_emergencies(&self) {
        let waiting = self.as_("releaser").get("/v1/disclosures?review_due=true").json();
        for one in waiting["items"].as_array().unwrap() {
            let of = format!("/v1/disclosures/{}", one["id"].as_str().unwrap());
            self.prove("releaser", &format!("{of}/note"), &json!({}));
            let review = self.prove("releaser", &format!("{of}/review"), &json!({"finding": "justified"}));
            assert_eq!(review.status, 204, "{}", review.text);
        }
    }

    /// Has a person's erasure asked for and approved by two officers: the number of the request.
    pub fn erasure_approved(&self, record: &str) -> String {
        let asked = self.as_("verifier").post("/v1/erasures", &json!({"record": record, "reason": "family_asked"}));
        assert_eq!(asked.status, 201, "{}", asked.text);
        let number = asked.json()["number"].as_str().unwrap().to_owned();
        let decided = self.prove("releaser", &format!("/v1/erasures/{number}/decision"), &json!({"approve": true}));
        assert_eq!(decided.status, 200, "{}", decided.text);
        number
    }

    /// A client that is not signed in.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.address, None)
    }

    /// A client with a token of one's own.
    pub fn with_token(&self, token: &str) -> Client {
        Client::new(&self.address, Some(token.to_owned()))
    }

    /// How many values the desk has opened: asked of the opener itself.
    pub fn opened(&self) -> u64 {
        self.app.desk.as_ref().unwrap().opened()
    }

    /// Address and password of an account.
    pub fn account(&self, who: &str) -> &DemoAccount {
        self.accounts
            .iter()
            .find(|account| account.email.starts_with(who))
            .unwrap_or_else(|| panic!("no account {who}"))
    }

    /// Every account.
    pub fn accounts(&self) -> &[DemoAccount] {
        &self.accounts
    }

    /// Every method and path that actix really has, `{}` parameters named as the routes name them.
    pub fn routes(&self) -> BTreeSet<(String, String)> {
        let app = self.app.clone();
        let report = actix_web::rt::System::new().block_on(async move {
            let service = actix_web::test::init_service(casque::api::application(app)).await;
            let request = actix_web::test::TestRequest::get().uri("/healthz").to_request();
            let answer = actix_web::test::call_service(&service, request).await;
            answer.request().app_data::<Data<IntrospectionTree>>().unwrap().report_as_json()
        });
        let report: Value = serde_json::from_str(&report).unwrap();
        let mut routes = BTreeSet::new();
        for item in report.as_array().unwrap() {
            for method in item["methods"].as_array().unwrap() {
                let (method, path) = (method.as_str().unwrap(), item["full_path"].as_str().unwrap());
                // A parameter that takes the rest of a path is described by its name.
                let path = if path.starts_with("/docs") { path.to_owned() } else { path.replace(":.*}", "}") };
                routes.insert((method.to_owned(), path));
            }
        }
        routes
    }

    /// Forgets the tokens: who asks next signs in again.
    pub fn sign_in_again(&self) {
        self.tokens.lock().unwrap().clear();
    }

    /// Forgets one account's token.
    pub fn forget(&self, who: &str) {
        let email = &self.account(who).email;
        self.tokens.lock().unwrap().remove(email);
    }

    /// Lets time pass.
    pub fn pass(&self, time: TimeDelta) {
        self.ahead.fetch_add(time.num_seconds(), Ordering::SeqCst);
    }

    /// Places audit entries and signs the tree.
    pub fn settle_audit(&self) {
        self.tasks.sign().unwrap();
    }

    /// Does once what a node does by itself all the time.
    pub fn regular(&self) {
        self.tasks.heartbeat().unwrap();
        self.tasks.keys().unwrap();
        self.tasks.place().unwrap();
        self.tasks.sign().unwrap();
        assert!(self.store.checks().iter().all(|check| check.ok || !check.required));
        self.store.audit_waiting().unwrap();
    }

    /// Where its database and keys are.
    pub fn instance(&self) -> &InstanceArgs {
        &self.instance
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Stops the server, keeping the folder.
    pub fn stop(&mut self) {
        if let Some((handle, thread)) = self.running.take() {
            actix_web::rt::System::new().block_on(handle.stop(false));
            thread.join().unwrap();
        }
    }

    /// Reports an incident as a mission's focal point, and gives its reference.
    pub fn report(&self, who: &str, body: &Value) -> String {
        let answer = self.as_(who).post("/v1/incidents", body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["reference"].as_str().unwrap().to_owned()
    }

    /// Moves an incident; fails when it does not move.
    pub fn moved(&self, who: &str, reference: &str, to: &str) {
        let answer = self.as_(who).post(&format!("/v1/incidents/{reference}/transitions"), &json!({ "to": to }));
        assert_eq!(answer.status, 200, "{who} {to}: {}", answer.text);
    }

    /// Has what was recorded at a path accepted, by an officer who did not record it.
    pub fn accepted(&self, path: &str) {
        let path = format!("{path}/decision");
        let by = |who: &str| self.as_(who).post(&path, &json!({"status": "accepted"}));
        let one = by("releaser");
        let done = if one.status == 403 { by("verifier") } else { one };
        assert_eq!(done.status, 200, "{path}: {}", done.text);
    }

    /// The handles of the accused of a proceeding, in the order of recording.
    pub fn accused(&self, proceeding: &str) -> Vec<String> {
        let listed = self.as_("verifier").get(&format!("/v1/proceedings/{proceeding}/accused")).json();
        let items = listed["items"].as_array().unwrap().iter();
        items.map(|one| one["handle"].as_str().unwrap().to_owned()).collect()
    }

    /// Has a released incident withdrawn, by two officers.
    pub fn withdraw(&self, reference: &str) {
        let grounds = json!({"to": "withdrawn", "reason": "entered_by_mistake", "reason_note": "canary-withdrawn"});
        for officer in ["verifier", "releaser"] {
            let answer = self.as_(officer).post(&format!("/v1/incidents/{reference}/transitions"), &grounds);
            assert_eq!(answer.status, 200, "{officer}: {}", answer.text);
        }
    }

    /// Submits and verifies an incident, and gives the answer to its release.
    pub fn release_tried(&self, author: &str, verifier: &str, releaser: &str, reference: &str) -> Answer {
        self.moved(author, reference, "submitted");
        self.moved(verifier, reference, "verified");
        let path = format!("/v1/incidents/{reference}/transitions");
        self.as_(releaser).post(&path, &json!({"to": "released"}))
    }

    /// Submits, verifies and releases an incident by three persons.
    pub fn release(&self, author: &str, reference: &str) {
        self.moved(author, reference, "submitted");
        self.moved("verifier", reference, "verified");
        self.moved("releaser", reference, "released");
    }
}

/// The law of the tallies, whatever a test did: they say what counting row by row says, folded or not.
fn tallies_hold(store: &Store) {
    for fold in [false, true] {
        if fold {
            store.tally_fold().unwrap();
        }
        store
            .read(&Scope::Everything, |r| {
                for unit in Unit::VARIANTS {
                    let dimensions = unit.dimensions();
                    for by in [&dimensions[..3], &dimensions[dimensions.len() - 3..], &dimensions[1..2]] {
                        let ask = StatisticsAsk { unit: *unit, by: by.to_vec(), only: Vec::new() };
                        assert_eq!(r.statistics(&ask)?, r.counted(&ask)?, "{ask:?}, folded: {fold}");
                    }
                }
                Ok(())
            })
            .unwrap();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop();
        if !std::thread::panicking() {
            // Every test ends by this; a failure names the test that it is of, whose line is not this one.
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tallies_hold(&self.store)));
            assert!(held.is_ok(), "{test}: the roll-ups are not what counting row by row gives");
        }
    }
}

/// What cannot be a word, and stands nowhere else.
pub const CANARY_PLACE: &str = "15.98765, -1.23457";
/// The same, for a day of birth.
pub const CANARY_BIRTH: &str = "1987-03-09";

/// Whether a text holds something that was typed to be sealed: every value of ours begins with `canary-`, or is one of two.
pub fn has_canary(text: &str) -> bool {
    text.contains("canary-") || text.contains("15.98765") || text.contains(CANARY_BIRTH)
}

/// A made-up incident of MINUSMA with a victim of Chad, one of Guinea, and a suspect.
pub fn ambush() -> Value {
    json!({
        "mission": "MINUSMA",
        "occurred_on": "2022-03-04",
        "act": "attack_on_convoy_transport",
        "means": "small_arms",
        "activity": "patrol",
        "region": "ML-7",
        "exact_place": "canary-exact-place",
        "coordinates": CANARY_PLACE,
        "exact_time": "canary-exact-time",
        "narrative": "canary-narrative",
        "attribution": "canary-attribution",
        "attribution_basis": "canary-attribution-basis",
        "sources": "canary-sources",
        "victims": [
            {
                "category": "contingent_troop", "states": ["TCD"], "outcome": "killed", "sex_of_dead": "male",
                "kin_notified_on": "2022-03-06", "state_notified_on": "2022-03-06",
                "sex": "canary-sex", "age_band": "canary-age-band", "rank": "canary-rank", "unit": "canary-unit",
                "name": "canary-name", "index_number": "canary-index-number", "date_of_birth": CANARY_BIRTH,
                "medical_detail": "canary-medical", "sexual_violence_detail": "canary-violence"
            },
            { "category": "contingent_troop", "states": ["GIN"], "outcome": "injured", "name": "canary-guinea-name", "rank": "canary-guinea-rank" }
        ],
        "suspects": [{ "category": "individual", "status": "at_large", "affiliation": "canary-affiliation",
            "name": "canary-suspect-name", "aliases": "canary-aliases", "identifiers": "canary-identifiers" }]
    })
}
