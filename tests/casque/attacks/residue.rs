//! What is left where nobody looks: the planner's own tables, the work that an answer took, and the parts of a document.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::sync::{LazyLock, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use serde_json::json;

use crate::harness::{TestServer, ambush};
use crate::promises::canaries::plant;

#[test]
fn a13_the_planners_own_tables_hold_nothing_sealed() {
    let server = TestServer::start();
    for _ in 0..20 {
        plant(&server);
    }
    let told = server.analysed();
    assert!(told.contains("incident_edition"), "{told}");
    assert!(!told.contains("canary"), "{told}");
}

/// Statements that each database was given, by its address.
static STATEMENTS: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Counter {
    of: String,
}

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => self.of = url.to_owned(),
            InstrumentationEvent::StartQuery { query, .. } => {
                let text = query.to_string();
                STATEMENTS.lock().unwrap().entry(self.of.clone()).or_default().push(text);
            }
            _ => {}
        }
    }
}

#[test]
fn a18_what_one_may_not_see_costs_the_statements_of_what_is_not_there() {
    diesel::connection::set_default_instrumentation(|| Some(Box::new(Counter::default()))).unwrap();
    let server = TestServer::start();
    let draft = server.report("minusma", &ambush());
    let released = server.report("minusma", &ambush());
    server.release("minusma", &released);
    let own = |url: &str| url.contains(&server.database_address());
    let given = |ask: &dyn Fn()| {
        STATEMENTS.lock().unwrap().retain(|url, _| !own(url));
        ask();
        let all = STATEMENTS.lock().unwrap();
        let mut given: Vec<String> = all.iter().filter(|(url, _)| own(url)).flat_map(|(_, all)| all.clone()).collect();
        // The tasks's own come and go, and a session is looked up again when its second is over.
        let aside = [
            "audit_",
            "tally",
            "heartbeat",
            "live_session",
            "account_mission",
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            "SAVEPOINT",
        ];
        given.retain(|one| !aside.iter().any(|of| one.contains(of)));
        given.iter().map(|one| one.split(" -- ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (who, hidden) in [("chad", &draft), ("mali", &draft), ("unifil", &draft), ("iceland", &released)] {
        let client = server.as_(who);
        let asked = |reference: &str| {
            ["", "/victims", "/suspects", "/history"]
                .map(|tail| given(&|| drop(client.get(&format!("/v1/incidents/{reference}{tail}")))))
        };
        let (there, not) = (asked(hidden), asked("MINUSMA-2022-ZZZZ"));
        assert!(there.iter().all(|statements| !statements.is_empty()));
        assert_eq!(there, not, "{who}");
        let disclosed = |reference: &str| {
            let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential",
                "purpose": "follow_up", "code": "000000"});
            given(&|| drop(client.post("/v1/disclosures", &ask)))
        };
        assert_eq!(disclosed(hidden), disclosed("MINUSMA-2022-ZZZZ"), "{who}");
    }
    // A match that finds somebody elsewhere takes the statements of one that finds nobody; SQLite's rows go into its file one by one.
    let ask = |name: &str| {
        let body = json!({"person": "victim", "name": name, "purpose": "verification", "code": server.code("unifil")});
        let client = server.as_("unifil");
        given(&|| assert_eq!(client.post("/v1/disclosures/matches", &body).status, 201))
    };
    let (mut found, nobody) = (ask("canary guinea name"), ask("Nobody Known"));
    found.dedup();
    assert_ne!(server.as_("verifier").get("/v1/likely-duplicates").json()["items"], json!([]));
    assert_eq!(found.len(), nobody.len(), "what is elsewhere: {found:#?} {nobody:#?}");
    let signing_in = |email: &str| {
        let body = json!({"email": email, "password": "not the password of anybody"});
        given(&|| assert_eq!(server.anonymous().post("/v1/sessions", &body).status, 401))
    };
    let known = server.account("mali").email.clone();
    let (known, unknown) = (signing_in(&known), signing_in("nobody@casque.example"));
    assert_eq!(known, unknown, "who has an account");
}

#[test]
fn a38_a_sheet_has_no_author_no_hidden_part_and_nothing_sealed() {
    let server = TestServer::with_sample();
    plant(&server);
    for list in crate::nouns::lists().chain(["disclosures", "tables"]) {
        let sheet = server.as_("verifier").get_bytes(&format!("/v1/{list}?format=xlsx"));
        let mut archive = zip::ZipArchive::new(Cursor::new(sheet)).unwrap();
        let mut parts = Vec::new();
        for at in 0..archive.len() {
            let mut part = archive.by_index(at).unwrap();
            let mut text = String::new();
            part.read_to_string(&mut text).unwrap();
            let name = part.name().unwrap().into_owned();
            assert!(!text.contains("canary"), "{list}: {name}");
            for residue in ["veryHidden", "state=\"hidden\"", "/tmp/", "/root", "externalLink", "<mc:"] {
                assert!(!text.contains(residue), "{list}: {name} has {residue}");
            }
            assert!(name == "xl/workbook.xml" || !text.contains("hidden=\"1\""), "{list}: a hidden column in {name}");
            if name == "docProps/core.xml" {
                for property in ["dc:creator", "cp:lastModifiedBy", "dc:title", "dc:description"] {
                    let value = text.split(&format!("<{property}>")).nth(1).and_then(|rest| rest.split('<').next());
                    assert!(value.is_none_or(str::is_empty), "{list}: {property} is {value:?}");
                }
            }
            parts.push(name);
        }
        let known = |name: &String| {
            ["[Content_Types].xml", "_rels/.rels", "docProps/app.xml", "docProps/core.xml"].contains(&name.as_str())
                || name.starts_with("xl/styles")
                || name.starts_with("xl/theme/")
                || name.starts_with("xl/workbook")
                || name.starts_with("xl/_rels/workbook")
                || name.starts_with("xl/worksheets/sheet1.xml")
                || name.starts_with("xl/sharedStrings")
        };
        let others: Vec<_> = parts.iter().filter(|name| !known(name)).collect();
        assert!(others.is_empty(), "{list}: comments, drawings or other parts: {others:?}");
    }
}
