//! Every route that actix really has × everybody × every status of the record: what each is answered, in one readable table
//! (`access.txt`, rendered in docs/access.md). A route without its rows fails. A refusal of a change lies between two reads that
//! are permitted and the same: nothing changed.

use std::collections::HashMap;

use chrono::{Days, NaiveDateTime, TimeDelta};
use serde_json::{Value, json};

use crate::harness::{Answer, Client, PASSWORD, TestServer, ambush, rewriting};
use crate::nouns::{About, of_route, recorded};

/// Everybody: how the table names them, who they are, and who asks in the tests.
const PEOPLE: [(&str, &str, Who); 21] = [
    ("own", "focal point, own mission", Who::Sample("minusma")),
    ("oth", "focal point, other mission", Who::Sample("unifil")),
    ("sen", "senior focal point", Who::Sample("senior")),
    ("grd", "Secretariat, graded", Who::Sample("verifier")),
    ("ung", "Secretariat, not graded", Who::Sample("briefing")),
    ("hst", "host State, proposes", Who::Sample("mali")),
    ("rdr", "host State, reads", Who::Sample("reader")),
    ("mgr", "host State, manages its accounts", Who::Sample("manager")),
    ("mch", "host State, its own system, proposes", Who::Machine),
    ("con", "contributor", Who::Sample("chad")),
    ("nat", "State of nationality", Who::Sample("ireland")),
    ("prc", "State of the proceeding", Who::Sample("lebanon")),
    ("wth", "contributor, withheld from", Who::Sample("guinea")),
    ("unc", "State not concerned", Who::Sample("iceland")),
    ("aud", "auditor", Who::Sample("auditor")),
    ("adm", "administrator", Who::Sample("administrator")),
    ("dep", "administrator, another", Who::Sample("deputy")),
    ("nof", "own mission, no second factor yet", Who::WithoutFactor),
    ("sus", "own mission, suspended", Who::Suspended),
    ("exp", "own mission, term ended", Who::Expired),
    ("out", "signed out", Who::Nobody),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Sample(&'static str),
    Machine,
    WithoutFactor,
    Suspended,
    Expired,
    Nobody,
}

/// States of an incident; `kept` is released while a decision from before the release keeps it from one State, `amended` has a
/// working edition beside the released one.
const STATES: [&str; 8] = ["draft", "submitted", "returned", "verified", "released", "kept", "amended", "withdrawn"];
/// Those that make a difference to a case or proceeding.
const STATES_OF_OTHERS: [&str; 4] = ["draft", "released", "kept", "withdrawn"];

/// An incident in some state, with what hangs on it.
#[derive(Debug, Clone)]
struct Subject {
    incident: String,
    victim: String,
    suspect: String,
    other: String,
    case: String,
    proceeding: String,
    step: String,
    accused: String,
}

struct Site {
    server: TestServer,
    subjects: HashMap<String, Subject>,
    machine: String,
    /// A proceeding that the focal point recorded, and nobody accepted yet.
    waiting: Option<String>,
    machine_account: String,
    suspended: String,
    expired: String,
    /// When the person without a second factor last signed in.
    arrived: Option<(NaiveDateTime, Client)>,
    account: String,
}

fn newcomer(server: &TestServer, name: &str, to_on: chrono::NaiveDate) -> String {
    let email = format!("{name}@casque.example");
    let body = json!({"email": email, "name": name, "role": "focal_point", "missions": ["MINUSMA"], "to_on": to_on});
    server.newcomer(&body)
}

/// A bearer token of a focal point who joined and set a second factor up.
fn bearer(server: &TestServer, name: &str) -> String {
    server.enrol(&format!("{name}@casque.example"), PASSWORD).0.token().unwrap().to_owned()
}

impl Site {
    fn open() -> Self {
        let server = TestServer::start();
        let today = server.store.now().date();
        let (later, administrator) = (today + Days::new(30), server.as_("administrator"));
        newcomer(&server, "without-factor", later);
        let id = newcomer(&server, "suspended", later);
        let suspended = bearer(&server, "suspended");
        let suspend = json!({"role": "focal_point", "missions": ["MINUSMA"], "to_on": later, "suspended": true});
        assert_eq!(administrator.post(&format!("/v1/accounts/{id}/changes"), &suspend).status, 200);
        let id = newcomer(&server, "expired", later);
        let expired = bearer(&server, "expired");
        let end = json!({"role": "focal_point", "missions": ["MINUSMA"], "to_on": today - Days::new(1)});
        assert_eq!(administrator.post(&format!("/v1/accounts/{id}/changes"), &end).status, 200);
        let machine = json!({"email": "machine@casque.example", "name": "Case register", "role": "member_state",
            "state": "MLI", "state_function": "proposer", "machine": true});
        let made = administrator.post("/v1/accounts", &machine);
        server.approve(&made);
        let made = made.json();
        let machine_account = made["account"]["id"].as_str().unwrap().to_owned();
        let keys = format!("/v1/accounts/{machine_account}/keys");
        let key = server.as_("manager").post(&keys, &json!({"name": "register", "expires_on": later})).json();
        let body = json!({"email": "subject@casque.example", "name": "Subject", "role": "auditor"});
        let made = administrator.post("/v1/accounts", &body);
        server.approve(&made);
        let account = made.json()["account"]["id"].as_str().unwrap().to_owned();
        server.settle_audit();
        Self {
            server,
            subjects: HashMap::new(),
            machine: key["key"].as_str().unwrap().to_owned(),
            machine_account,
            suspended,
            expired,
            arrived: None,
            waiting: None,
            account,
        }
    }

    fn client(&mut self, who: Who) -> Client {
        match who {
            Who::Sample(name) => self.server.as_(name),
            Who::Machine => self.server.with_token(&self.machine),
            Who::Suspended => self.server.with_token(&self.suspended),
            Who::Expired => self.server.with_token(&self.expired),
            Who::Nobody => self.server.anonymous(),
            Who::WithoutFactor => {
                let now = self.server.store.now();
                let kept = self.arrived.take().filter(|(since, _)| now < *since + TimeDelta::minutes(10));
                let (since, client) =
                    kept.unwrap_or_else(|| (now, self.server.arrive("without-factor@casque.example", PASSWORD)));
                self.arrived = Some((since, client.clone()));
                client
            }
        }
    }

    fn done(&self, who: &str, path: &str, body: &Value) -> Value {
        let answer = self.server.as_(who).post(path, body);
        assert!([200, 201, 204].contains(&answer.status), "{who} {path}: {}", answer.text);
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    fn reported(&self) -> String {
        let mut body = ambush();
        let civilian = json!({"category": "intl_civilian", "states": ["IRL"], "outcome": "injured", "name": "canary"});
        body["victims"].as_array_mut().unwrap().push(civilian);
        self.server.report("minusma", &body)
    }

    fn withhold(&self, reference: &str) {
        for officer in ["verifier", "releaser"] {
            let decision = json!({"states": ["GIN"], "reason": "safety_of_persons"});
            let path = format!("/v1/incidents/{reference}/withholding");
            assert_eq!(self.server.prove(officer, &path, &decision).status, 200);
        }
    }

    /// An incident in a state, made when it is first asked for.
    fn subject(&mut self, state: &str) -> Subject {
        if let Some(known) = self.subjects.get(state) {
            return known.clone();
        }
        let incident = self.reported();
        let path = format!("/v1/incidents/{incident}");
        let handle = |list: &str| {
            let list = self.server.as_("minusma").get(&format!("{path}/{list}")).json();
            list["items"][0]["handle"].as_str().unwrap().to_owned()
        };
        let (victim, suspect) = (handle("victims"), handle("suspects"));
        let reference = |made: Value| made["reference"].as_str().unwrap().to_owned();
        let body = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [incident]});
        let case = reference(self.done("minusma", "/v1/cases", &body));
        let body = json!({"state": "LBN", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [case]});
        let proceeding = reference(self.done("minusma", "/v1/proceedings", &body));
        let below = format!("/v1/proceedings/{proceeding}");
        self.done("minusma", &format!("{below}/accused"), &json!({"incidents": [incident], "name": "canary"}));
        self.server.accepted(&below);
        let accused = self.server.accused(&proceeding).remove(0);
        let body = json!({"kind": "arrest", "accused": accused, "happened_on": "2022-05-01"});
        let mut step = String::new();
        let to = |who: &str, to: &str| {
            self.done(who, &format!("{path}/transitions"), &json!({"to": to, "reason": "other"}));
        };
        let moves: &[(&str, &str)] = match state {
            "draft" => &[],
            "submitted" => &[("minusma", "submitted")],
            "returned" => &[("minusma", "submitted"), ("releaser", "returned")],
            "verified" => &[("minusma", "submitted"), ("releaser", "verified")],
            _ => &[("minusma", "submitted"), ("releaser", "verified")],
        };
        for (who, next) in moves {
            to(who, next);
        }
        let is_released = !["draft", "submitted", "returned", "verified"].contains(&state);
        if state == "kept" {
            self.withhold(&incident);
        }
        if is_released {
            to("senior", "released");
            if state != "kept" {
                self.withhold(&incident);
            }
            let proposed = self.done("lebanon", &format!("{below}/steps"), &body);
            step = proposed["handle"].as_str().unwrap().to_owned();
        }
        if state == "amended" {
            let shown = self.server.as_("minusma").get(&path);
            let changed = self.server.as_("minusma").patch(&path, &json!({"means": "ied"}), shown.etag());
            assert_eq!(changed.status, 200, "{}", changed.text);
        }
        if state == "withdrawn" {
            self.server.withdraw(&incident);
        }
        if step.is_empty() {
            let recorded = self.done("minusma", &format!("{below}/steps"), &body);
            step = recorded["handle"].as_str().unwrap().to_owned();
        }
        let other = self.reported();
        let made = Subject { incident, victim, suspect, other, case, proceeding, step, accused };
        self.subjects.insert(state.to_owned(), made.clone());
        made
    }

    /// What is permitted to be read of a subject and of the account, as it is now.
    fn print(&self, of: &Subject) -> Vec<String> {
        let (senior, administrator) = (self.server.as_("senior"), self.server.as_("administrator"));
        let shown = senior.get(&format!("/v1/incidents/{}", of.incident));
        let etag = shown.header("etag").unwrap_or_default().to_owned();
        let mut print = vec![shown.text, etag];
        for path in [format!("/v1/cases/{}", of.case), format!("/v1/proceedings/{}", of.proceeding)] {
            let shown = senior.get(&path);
            assert_eq!(shown.status, 200, "{path}: {}", shown.text);
            print.push(shown.text);
        }
        print.push(administrator.get(&format!("/v1/accounts/{}", self.account)).text);
        print
    }

    /// Takes back a proposal of tables, whoever made it.
    fn decline_tables(&self) {
        for who in ["verifier", "senior"] {
            let declined = self.server.prove(who, "/v1/tables/2022/decision", &json!({"release": false}));
            assert!([204, 403, 404].contains(&declined.status), "{}", declined.text);
        }
    }

    /// Declines the requests to erase somebody that wait, each by an officer who did not ask it.
    fn decline_erasures(&self) {
        let waiting = self.server.as_("verifier").get("/v1/erasures?waiting=true").json();
        for one in waiting["items"].as_array().unwrap() {
            let path = format!("/v1/erasures/{}/decision", one["number"].as_str().unwrap());
            let declined = |who: &str| self.server.prove(who, &path, &json!({"approve": false})).status == 200;
            assert!(declined("verifier") || declined("releaser"), "{one}");
        }
    }

    /// What is asked of a route: its path and body. A `code` is put in for whoever has a second factor.
    fn asked(&mut self, method: &str, route: &str, of: &Subject, state: &str) -> (String, Value) {
        let record = format!("incidents/{}", of.incident);
        let path = match route {
            "/v1/incidents/{reference}/seen" => format!("/v1/{record}/seen?as=TCD&on=2022-03-04"),
            route if route.starts_with("/v1/incidents/{reference}") => route
                .replace("{reference}", &of.incident)
                .replace("victims/{handle}", &format!("victims/{}", of.victim))
                .replace("suspects/{handle}", &format!("suspects/{}", of.suspect)),
            "/v1/cases/{reference}/incidents/{incident}/decision" => {
                let path = format!("/v1/cases/{}", of.case);
                let shown = self.server.as_("minusma").get(&path).json();
                let mut waiting = shown["incidents_proposed"][0].as_str().map(str::to_owned);
                if waiting.is_none() {
                    let added = self.reported();
                    let body = json!({"incidents": [added]});
                    let changed = self.server.as_("minusma").with("if-match", "*").patch_bare(&path, &body);
                    assert_eq!(changed.status, 200, "{}", changed.text);
                    waiting = Some(added);
                }
                format!("{path}/incidents/{}/decision", waiting.unwrap())
            }
            "/v1/proceedings/{reference}/decision" => {
                // One that the focal point recorded, whoever else recorded another.
                let path = |known: &String| format!("/v1/proceedings/{known}");
                let waits =
                    |known: &String| self.server.as_("minusma").get(&path(known)).json()["status"] == "proposed";
                let reference = match self.waiting.take().filter(waits) {
                    Some(known) => known,
                    None => {
                        let body = json!({"state": "LBN", "authority": "Made-up court", "opened_on": "2022-04-01",
                            "cases": [of.case]});
                        self.done("minusma", "/v1/proceedings", &body)["reference"].as_str().unwrap().to_owned()
                    }
                };
                self.waiting = Some(reference.clone());
                route.replace("{reference}", &reference)
            }
            "/v1/proceedings/{reference}/accused/{handle}/decision" => {
                let path = format!("/v1/proceedings/{}/accused", of.proceeding);
                let listed = self.server.as_("minusma").get(&path).json();
                let is_waiting = |one: &&Value| one["status"] == "proposed";
                let waiting = listed["items"].as_array().unwrap().iter().find(is_waiting).cloned();
                let one = waiting.unwrap_or_else(|| self.done("minusma", &path, &json!({"incidents": [of.incident]})));
                format!("{path}/{}/decision", one["handle"].as_str().unwrap())
            }
            route if route.starts_with("/v1/cases/{reference}") => route.replace("{reference}", &of.case),
            route if route.starts_with("/v1/proceedings/{reference}") => {
                let child = if route.contains("/accused/") { &of.accused } else { &of.step };
                route.replace("{reference}", &of.proceeding).replace("{handle}", child)
            }
            route if of_route(route).is_some_and(|_| route.contains("/{reference}")) => {
                let Some((noun, fixture, _)) = of_route(route) else { unreachable!() };
                let list = format!("/v1/{}", noun.path());
                let about = About { case: of.case.clone() };
                // One that a State proposed and that waits for a decision, where somebody decides.
                let (who, narrow) =
                    if fixture.propose.is_some() { ("mali", "?status=proposed") } else { ("verifier", "") };
                let known = self.server.as_(who).get(&format!("{list}{narrow}")).references().into_iter().next();
                let path = match (known, fixture.propose) {
                    (Some(known), _) => format!("{list}/{known}"),
                    (None, Some(propose)) => propose(&self.server, &about),
                    (None, None) => recorded(&self.server, fixture.by, &list, &(fixture.new)(&about)),
                };
                route.replace(&format!("{list}/{{reference}}"), &path)
            }
            "/v1/briefings/{product}" => "/v1/briefings/2378?period=2022".into(),
            "/v1/missions/{acronym}" => "/v1/missions/MINUSMA".into(),
            "/v1/sessions/{id}" => {
                let begun = self.server.sign_in("chad").json();
                let chad = self.server.with_token(begun["access_token"].as_str().unwrap());
                let listed = chad.get("/v1/sessions").json();
                let current = listed["items"].as_array().unwrap().iter().find(|one| one["current"] == true).unwrap();
                format!("/v1/sessions/{}", current["id"].as_str().unwrap())
            }
            "/v1/restorations/{id}/confirmation" => route.replace("{id}", &"0".repeat(32)),
            "/v1/erasures/{number}/decision" => {
                self.decline_erasures();
                let record = format!("{record}/victims/{}", of.victim);
                let asked = self.done("verifier", "/v1/erasures", &json!({"record": record, "reason": "court_order"}));
                format!("/v1/erasures/{}/decision", asked["number"].as_str().unwrap())
            }
            "/v1/sittings/{id}" => {
                let begun = self.server.prove("verifier", "/v1/sittings", &json!({"purpose": "verification"})).json();
                format!("/v1/sittings/{}", begun["id"].as_str().unwrap())
            }
            "/v1/approvals/{id}/decision" | "/v1/approvals/{id}/note" => {
                let ask = json!({"record": record, "class": "strictly_confidential", "purpose": "verification"});
                let asked = self.done("verifier", "/v1/approvals", &ask);
                route.replace("{id}", asked["id"].as_str().unwrap())
            }
            "/v1/tables/{year}" | "/v1/tables/{year}/decision" => {
                self.decline_tables();
                self.done("verifier", "/v1/tables", &json!({"year": 2022}));
                route.replace("{year}", "2022")
            }
            "/v1/likely-duplicates/{id}/decision" => {
                let ask = json!({"person": "victim", "name": "canary guinea name", "purpose": "verification"});
                let asked = self.server.prove("unifil", "/v1/disclosures/matches", &ask);
                assert_eq!(asked.status, 201, "{}", asked.text);
                let found = self.server.as_("verifier").get("/v1/likely-duplicates?undecided=true").json();
                format!("/v1/likely-duplicates/{}/decision", found["items"][0]["id"].as_str().unwrap())
            }
            "/v1/disclosures/{id}/review" | "/v1/disclosures/{id}/note" => {
                self.server.review_emergencies();
                let ask = json!({"record": record, "class": "strictly_confidential", "purpose": "verification",
                    "emergency": true, "note": "Made-up note"});
                let opened = self.server.disclose("verifier", &ask).json();
                let id = opened["id"].as_str().unwrap();
                if route.ends_with("/review") {
                    for officer in ["releaser", "senior"] {
                        self.server.prove(officer, &format!("/v1/disclosures/{id}/note"), &json!({}));
                    }
                }
                route.replace("{id}", id)
            }
            "/v1/account-changes/{id}/decision" => {
                let path = format!("/v1/accounts/{}/second-factor", self.account);
                let asked = self.server.as_("administrator").delete(&path).json();
                format!("/v1/account-changes/{}/decision", asked["waiting"].as_str().unwrap())
            }
            "/v1/accounts/{id}/keys/{key}" => {
                let keys = format!("/v1/accounts/{}/keys", self.machine_account);
                let later = self.server.store.now().date() + Days::new(30);
                let made = self.done("manager", &keys, &json!({"name": "another", "expires_on": later}));
                format!("{keys}/{}", made["id"].as_str().unwrap())
            }
            "/v1/accounts/{id}/keys" => format!("/v1/accounts/{}/keys", self.machine_account),
            route if route.starts_with("/v1/accounts/{id}") => route.replace("{id}", &self.account),
            "/v1/imports" => "/v1/imports?dry_run=true".into(),
            "/v1/audit/consistency" => {
                // Between checkpoints that everybody is shown.
                let note = self.server.as_("iceland").get("/v1/audit/checkpoint").text;
                let size = note.lines().nth(1).unwrap();
                format!("/v1/audit/consistency?from={size}&to={size}")
            }
            "/v1/audit/tile/{tile}" => "/v1/audit/tile/0/000.p/1".into(),
            "/v1/audit/entries/{id}/proof" => {
                self.server.settle_audit();
                let entries = self.server.as_("auditor").get("/v1/audit?action=incident.create").json();
                format!("/v1/audit/entries/{}/proof", entries["items"][0]["id"].as_str().unwrap())
            }
            route => route.to_owned(),
        };
        let unique = self.server.store.now().and_utc().timestamp_micros();
        let next = match state {
            "draft" | "returned" | "amended" => "submitted",
            "submitted" => "verified",
            "verified" => "released",
            _ => "withdrawn",
        };
        let disclosure = json!({"record": record, "class": "confidential", "purpose": "verification", "code": ""});
        let body = match (method, route) {
            ("GET" | "DELETE", _) => Value::Null,
            _ if of_route(route).is_some() => {
                let Some((noun, fixture, end)) = of_route(route) else { unreachable!() };
                let more = fixture.more.iter().find(|(known, ..)| *known == end);
                match (method, end) {
                    ("PATCH", "") => (fixture.edit)(),
                    ("POST", "") => (fixture.new)(&About { case: of.case.clone() }),
                    ("POST", "/decision") => json!({"status": "accepted"}),
                    _ => more.unwrap_or_else(|| panic!("{route}: say in the fixture of {noun:?} what is sent")).1(),
                }
            }
            ("PATCH", "/v1/incidents/{reference}") => {
                json!({"means": if state == "amended" { "ied" } else { "small_arms" }})
            }
            ("PATCH", "/v1/incidents/{reference}/victims/{handle}") => json!({"outcome": "killed"}),
            ("PATCH", "/v1/incidents/{reference}/suspects/{handle}") => json!({"status": "at_large"}),
            ("PATCH", "/v1/cases/{reference}") => json!({"information_status": "no_request_made"}),
            ("PATCH", "/v1/proceedings/{reference}") => json!({"authority": "Made-up court"}),
            ("PATCH", "/v1/proceedings/{reference}/accused/{handle}") => json!({}),
            ("POST", "/v1/incidents") => ambush(),
            ("POST", "/v1/incidents/{reference}/transitions") => json!({"to": next, "reason": "other"}),
            ("POST", "/v1/transitions") => {
                json!({"to": next, "reason": "other", "incidents": [{"reference": of.incident}]})
            }
            ("POST", "/v1/incidents/{reference}/withholding") => {
                json!({"states": ["GIN", "IRL"], "reason": "safety_of_persons", "code": ""})
            }
            ("POST", "/v1/incidents/{reference}/split") => json!({"victims": [of.victim]}),
            ("POST", "/v1/incidents/{reference}/merge") => json!({"into": of.other}),
            ("POST", "/v1/incidents/{reference}/victims") => {
                json!({"category": "contingent_troop", "states": ["TCD"], "outcome": "injured"})
            }
            ("POST", "/v1/incidents/{reference}/suspects") => json!({"category": "individual", "status": "at_large"}),
            ("POST", "/v1/cases") => {
                json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": [of.incident]})
            }
            ("POST", "/v1/cases/{reference}/transitions") => json!({"to": "concluded", "on": "2023-01-01"}),
            ("POST", "/v1/proceedings") => {
                json!({"state": "LBN", "authority": "Made-up court", "opened_on": "2022-04-01", "cases": [of.case]})
            }
            ("POST", "/v1/proceedings/{reference}/accused") => json!({"incidents": [of.incident]}),
            ("POST", "/v1/proceedings/{reference}/steps") => {
                json!({"kind": "hearing", "accused": of.accused, "happened_on": "2022-06-01"})
            }
            (
                "POST",
                "/v1/proceedings/{reference}/steps/{handle}/decision"
                | "/v1/proceedings/{reference}/decision"
                | "/v1/proceedings/{reference}/accused/{handle}/decision"
                | "/v1/cases/{reference}/incidents/{incident}/decision",
            ) => json!({"status": "accepted"}),
            ("POST", "/v1/disclosures") => disclosure,
            ("POST", "/v1/disclosures/files") => {
                json!({"records": [record], "class": "confidential", "purpose": "verification", "format": "csv", "code": ""})
            }
            ("POST", "/v1/tables") => {
                self.decline_tables();
                json!({"year": 2022})
            }
            ("POST", "/v1/tables/{year}/decision") => json!({"release": false, "code": ""}),
            ("POST", "/v1/disclosures/matches") => {
                json!({"person": "victim", "name": "Nobody Known", "purpose": "verification", "code": ""})
            }
            ("POST", "/v1/likely-duplicates/{id}/decision") => json!({"finding": "different_persons"}),
            ("POST", "/v1/erasures") => {
                self.decline_erasures();
                json!({"record": format!("{record}/victims/{}", of.victim), "reason": "court_order"})
            }
            ("POST", "/v1/erasures/{number}/decision") => json!({"approve": false, "code": ""}),
            ("POST", "/v1/restorations/{id}/confirmation") => json!({"code": ""}),
            ("POST", "/v1/sittings") => json!({"purpose": "verification", "code": ""}),
            ("POST", "/v1/approvals") => {
                json!({"record": record, "class": "strictly_confidential", "purpose": "verification"})
            }
            ("POST", "/v1/approvals/{id}/decision" | "/v1/account-changes/{id}/decision") => {
                json!({"approve": true, "code": ""})
            }
            ("POST", "/v1/disclosures/editions") => json!({"incident": of.incident, "code": ""}),
            ("POST", "/v1/approvals/{id}/note" | "/v1/disclosures/{id}/note") => json!({"code": ""}),
            ("POST", "/v1/disclosures/{id}/review") => json!({"finding": "justified", "code": ""}),
            ("POST", "/v1/accounts") => {
                json!({"email": format!("a{unique}@casque.example"), "name": "Made-up", "role": "auditor"})
            }
            ("POST", "/v1/accounts/{id}/changes") => json!({"role": "auditor"}),
            ("POST", "/v1/accounts/{id}/keys") => {
                json!({"name": "another", "expires_on": self.server.store.now().date() + Days::new(30)})
            }
            ("POST", "/v1/accounts/{id}/invitations" | "/v1/accounts/{id}/reviews") => json!({}),
            ("POST", "/v1/invitations/acceptance") => json!({"token": "nonsense", "new_password": PASSWORD}),
            // Nobody's password is this one, and no code: who may ask is told so.
            ("POST", "/v1/me/password") => json!({"password": "nonsense", "new_password": PASSWORD}),
            ("POST", "/v1/me/second-factor") => json!({"password": "nonsense"}),
            ("POST", "/v1/me/second-factor/confirmation") => json!({"code": "000000"}),
            ("POST", "/v1/sessions" | "/v1/sessions/refresh" | "/v1/sessions/single-sign-on") => json!({}),
            ("POST", "/v1/sessions/single-sign-on/completion") => {
                json!({"sign_on": "nonsense", "state": "nonsense", "authorization_code": "nonsense"})
            }
            ("POST", "/v1/imports") => json!("not a file of the United Nations'"),
            other => panic!("{other:?} has no row: say here what is asked of it"),
        };
        (path, body)
    }
}

/// The states in which a route is asked; for what is of no incident there is one.
fn states_of(method: &str, route: &str) -> &'static [&'static str] {
    let of_incident = ["/v1/transitions", "/v1/disclosures", "/v1/disclosures/files", "/v1/approvals", "/v1/cases"];
    if route.starts_with("/v1/incidents/{reference}") || (method == "POST" && of_incident.contains(&route)) {
        &STATES
    } else if route.starts_with("/v1/cases/{reference}") || route.starts_with("/v1/proceedings/{reference}") {
        &STATES_OF_OTHERS
    } else {
        &["released"]
    }
}

fn said(answer: &Answer) -> String {
    match answer.status {
        200 | 201 | 204 => {
            // Of several, the answer says of each what became of it.
            let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            match body["items"][0]["problem"]["status"].as_u64() {
                Some(status) => status.to_string(),
                None => "yes".into(),
            }
        }
        status => status.to_string(),
    }
}

fn send(client: &Client, method: &str, path: &str, body: &Value) -> Answer {
    match (method, body) {
        ("GET", _) => client.get(path),
        ("DELETE", _) => client.delete(path),
        ("PATCH", body) => client.patch(path, body, "*"),
        ("POST", Value::String(text)) => client.with("content-type", "text/csv").post_text(path, text),
        (_, body) => client.post(path, body),
    }
}

/// The rows of the table: method, route, state, and what each is answered.
fn rows() -> Vec<(String, String, String, Vec<String>)> {
    let mut site = Site::open();
    let mut rows = Vec::new();
    for (method, route) in site.server.routes() {
        if route.starts_with("/docs") {
            continue;
        }
        for state in states_of(&method, &route) {
            let mut subject = site.subject(state);
            let (mut path, mut body) = site.asked(&method, &route, &subject, state);
            let mut before = if method == "GET" { Vec::new() } else { site.print(&subject) };
            let mut cells = Vec::new();
            for (_, _, who) in PEOPLE {
                let client = site.client(who);
                let mut sent = body.clone();
                if sent.get("code").is_some_and(|code| code == "") {
                    sent["code"] = match who {
                        Who::Sample(name) => json!(site.server.code(name)),
                        _ => json!("000000"),
                    };
                }
                let answer = send(&client, &method, &path, &sent);
                assert!(answer.status < 500, "{method} {path} as {who:?}: {}", answer.text);
                let told = said(&answer);
                if told == "yes" && route == "/v1/sessions/current" {
                    site.arrived = None;
                    if let Who::Sample(name) = who {
                        site.server.forget(name);
                    }
                }
                if method != "GET" {
                    let after = site.print(&subject);
                    if told != "yes" {
                        assert_eq!(before, after, "{method} {path} as {who:?} was refused, and changed something");
                    } else {
                        if before != after {
                            site.subjects.remove(*state);
                        }
                        subject = site.subject(state);
                        (path, body) = site.asked(&method, &route, &subject, state);
                    }
                    before = if told == "yes" { site.print(&subject) } else { after };
                }
                cells.push(told);
            }
            let of_one = states_of(&method, &route).len() == 1;
            rows.push((method.clone(), route.clone(), if of_one { "-" } else { state }.to_owned(), cells));
        }
    }
    rows
}

/// The table as it is kept.
fn kept(rows: &[(String, String, String, Vec<String>)]) -> String {
    let mut text = String::new();
    for (name, who, _) in PEOPLE {
        text.push_str(&format!("{name}  {who}\n"));
    }
    let names: Vec<_> = PEOPLE.iter().map(|(name, ..)| format!("{name:<3}")).collect();
    text.push_str(&format!("\n{:<7}{:<54}{:<10} {}\n", "", "", "", names.join(" ")));
    for (method, route, state, cells) in rows {
        let cells: Vec<_> = cells.iter().map(|cell| format!("{cell:<3}")).collect();
        text.push_str(format!("{method:<7}{route:<54}{state:<10} {}", cells.join(" ")).trim_end());
        text.push('\n');
    }
    text
}

/// The same as people read it: a table for each room of the API.
fn rendered(rows: &[(String, String, String, Vec<String>)]) -> String {
    let mut text = String::from(
        "# Who may do what\n\n\
         Every route, asked by everybody, in every status of the record. A test asks them all through the real server and compares; a\n\
         route without its rows fails it, and so does a refusal that changed something. `yes` is an answer of 2xx; a number is the\n\
         status with which it was refused ([problems.md](problems.md)): 401 is signed out, 403 may not, 404 is not there for this\n\
         person, 409 does not go in this status, 410 is withdrawn. What a disclosure opens, field by field, is in\n\
         `tests/casque/promises/who_sees_what.txt`, and at `GET /v1/policy`.\n\n\
         | | who |\n| --- | --- |\n",
    );
    for (name, who, _) in PEOPLE {
        text.push_str(&format!("| {name} | {who} |\n"));
    }
    text.push_str(
        "\nOf an incident, `kept` is released while a decision from before the release keeps it from one State (`wth`); in `released`,\n\
         that decision came after. Changes are asked without changing anything, where that is possible: `yes` is who may.\n",
    );
    let room = |route: &str| route.trim_start_matches("/v1/").split('/').next().unwrap_or("").to_owned();
    let mut rooms: Vec<String> = Vec::new();
    for (_, route, ..) in rows {
        let name = if route.starts_with("/v1/") { room(route) } else { "outside /v1".into() };
        if !rooms.contains(&name) {
            rooms.push(name);
        }
    }
    for name in rooms {
        let names: Vec<_> = PEOPLE.iter().map(|(name, ..)| *name).collect();
        text.push_str(&format!("\n## {name}\n\n| | | state | {} |\n", names.join(" | ")));
        text.push_str(&format!("| --- | --- | --- |{}\n", " --- |".repeat(PEOPLE.len())));
        for (method, route, state, cells) in rows {
            let own = if route.starts_with("/v1/") { room(route) } else { "outside /v1".into() };
            if own == name {
                text.push_str(&format!("| {method} | `{route}` | {state} | {} |\n", cells.join(" | ")));
            }
        }
    }
    text
}

#[test]
fn every_route_answers_everybody_as_the_table_says() {
    let rows = rows();
    assert!(rows.len() > 200, "{} rows", rows.len());
    let root = env!("CARGO_MANIFEST_DIR");
    for (path, now) in [
        (format!("{root}/tests/casque/promises/access.txt"), kept(&rows)),
        (format!("{root}/docs/access.md"), rendered(&rows)),
    ] {
        if rewriting() {
            std::fs::write(&path, &now).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let changed: Vec<_> = now.lines().filter(|line| !expected.lines().any(|known| known == *line)).collect();
        assert!(
            now == expected,
            "rights changed. If that is meant, run with CASQUE_REWRITE=1 and let the changed lines be reviewed:\n{}",
            changed.join("\n")
        );
    }
}
