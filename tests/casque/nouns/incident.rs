//! Reporting, reading and changing incidents: the API's contract.

use serde_json::{Value, json};

use crate::harness::{TestServer, ambush};

#[test]
fn bad_input_gets_one_problem_that_lists_every_fault_and_changes_nothing() {
    let server = TestServer::start();
    let post = |body: Value| server.as_("minusma").post("/v1/incidents", &body);
    let faults = post(json!({
        "mission": "NOWHERE", "occurred_on": "2022-02-30", "occurred_on_precision": "hour", "act": "no such act",
        "others_killed": -1, "region": "Gao", "unknown": true, "narrative": {"withheld": "confidential"}, "exact_place": 7,
        "hold_reason": "live_abduction",
        "victims": [{"category": "contingent_troop", "states": ["XXX"], "outcome": "killed", "kin_notified_on": "2999-01-01"}, 5],
        "suspects": "none",
    }));
    assert_eq!(faults.status, 400);
    assert_eq!(faults.header("content-type"), Some("application/problem+json"));
    let expected = [
        "/act",
        "/exact_place",
        "/hold_review_on",
        "/mission",
        "/narrative",
        "/occurred_on",
        "/occurred_on_precision",
        "/others_killed",
        "/region",
        "/suspects",
        "/unknown",
        "/victims/0/kin_notified_on",
        "/victims/0/states",
        "/victims/1",
    ];
    assert_eq!(faults.pointers(), expected, "{}", faults.text);
    for (body, pointer) in [
        (json!({"mission": "MINUSMA", "act": "killing"}), "/occurred_on"),
        (json!({"mission": "MINUSMA", "act": "killing", "occurred_on": "2999-01-01"}), "/occurred_on"),
        (
            json!({"mission": "MINUSMA", "act": "killing", "occurred_on": "2022-01-01", "host_state": "TCD"}),
            "/host_state",
        ),
        (json!({"mission": "MINUSMA", "act": "killing", "occurred_on": "2022-01-01", "exact_place": "x"}), "/region"),
        (json!({"mission": "MINUSMA", "act": "killing", "occurred_on": null}), "/occurred_on"),
        (json!([]), ""),
    ] {
        let answer = post(body);
        assert_eq!((answer.status, answer.pointers()), (400, vec![pointer.to_owned()]), "{}", answer.text);
    }
    for text in ["", "{", "{\"mission\": \"MINUSMA\",}", "\u{0}", "[[[[", "nonsense"] {
        assert_eq!(server.as_("minusma").post_text("/v1/incidents", text).status, 400, "{text:?}");
    }
    let twice = server.as_("minusma").post_text(
        "/v1/incidents",
        r#"{"mission":"MINUSMA","mission":"MINUSMA","act":"killing","occurred_on":"2022-01-01"}"#,
    );
    assert_eq!((twice.status, twice.pointers()), (400, vec!["/mission".to_owned()]));
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(server.as_("minusma").post_text("/v1/incidents", deep).status, 400);
    let long = format!(r#"{{"narrative":"{}"}}"#, "x".repeat(2 << 20));
    let refused = server.as_("minusma").post_text("/v1/incidents", long);
    assert_eq!((refused.status, &refused.json()["type"]), (413, &json!("urn:casque:problem:too_large")));
    assert_eq!(server.as_("verifier").get("/v1/incidents").references().len(), 0, "nothing was half-written");
}

#[test]
fn a_focal_point_reports_for_its_own_mission_and_a_state_for_none() {
    let server = TestServer::start();
    let status = |who: &str| server.as_(who).post("/v1/incidents", &ambush()).status;
    assert_eq!((status("minusma"), status("verifier")), (201, 201));
    for who in ["unifil", "mali", "chad", "auditor", "administrator"] {
        assert_eq!(status(who), 403, "{who}");
    }
    assert_eq!(server.anonymous().post("/v1/incidents", &ambush()).status, 401);
}

#[test]
fn the_same_report_sent_again_is_stored_once() {
    let server = TestServer::start();
    let send = |key: &str, body: &Value| server.as_("minusma").with("idempotency-key", key).post("/v1/incidents", body);
    let (first, again) = (send("a-key-of-16-chars", &ambush()), send("a-key-of-16-chars", &ambush()));
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json()["reference"], again.json()["reference"]);
    let mut other = ambush();
    other["means"] = json!("ied");
    assert_eq!(send("a-key-of-16-chars", &other).status, 409);
    assert_eq!(send("too short", &ambush()).status, 400);
    assert_eq!(server.as_("minusma").get("/v1/incidents").references().len(), 1);
    // Bound to the account: another's key is another key.
    let mut later = ambush();
    later["occurred_on"] = json!("2022-03-05");
    let theirs = server.as_("verifier").with("idempotency-key", "a-key-of-16-chars").post("/v1/incidents", &later);
    assert_ne!(theirs.json()["reference"], first.json()["reference"]);
    // A replay shows the present view.
    let path = format!("/v1/incidents/{}", first.json()["reference"].as_str().unwrap());
    let edited = server.as_("minusma").patch(&path, &json!({"means": "grenade"}), first.etag());
    assert_eq!(edited.status, 200, "{}", edited.text);
    assert_eq!(send("a-key-of-16-chars", &ambush()).json()["means"], "grenade");
    // Kept for 90 days.
    server.pass(chrono::TimeDelta::days(91));
    server.sign_in_again();
    assert_ne!(send("a-key-of-16-chars", &ambush()).json()["reference"], first.json()["reference"]);
}

#[test]
fn a_patch_keeps_what_is_absent_clears_what_is_null_and_wants_the_record_as_last_seen() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let path = format!("/v1/incidents/{reference}");
    let client = server.as_("minusma");
    let shown = client.get(&path);
    assert_eq!(client.patch_bare(&path, &json!({"means": "ied"})).status, 428);
    let changed = client.patch(&path, &json!({"means": "ied", "clear": ["/narrative"]}), shown.etag());
    assert_eq!(changed.status, 200, "{}", changed.text);
    let body = changed.json();
    assert_eq!((&body["means"], &body["activity"], &body["region"]), (&json!("ied"), &json!("patrol"), &json!("ML-7")));
    assert_eq!(body["narrative"], json!({"withheld": "confidential", "held": false}));
    assert_eq!(body["exact_place"], json!({"withheld": "confidential", "held": true}));
    assert_eq!(client.patch(&path, &json!({"means": "ied"}), shown.etag()).status, 412, "who comes second");
    assert_eq!(client.get(&path).etag(), changed.etag());
    let known = client.with("if-none-match", changed.etag()).get(&path);
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    server.moved("minusma", &reference, "submitted");
    let shown = client.get(&path);
    assert_eq!(client.patch(&path, &json!({"means": "ied"}), shown.etag()).status, 409, "under review");
}

#[test]
fn a_patch_that_changes_nothing_leaves_no_trace() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    let (before, history) = (server.as_("minusma").get(&path), server.as_("minusma").get(&format!("{path}/history")));
    let same = server.as_("minusma").patch(&path, &json!({"means": "small_arms"}), before.etag());
    assert_eq!((same.status, &same.text), (200, &before.text), "no amendment is begun");
    assert_eq!(server.as_("minusma").get(&path).etag(), before.etag());
    assert_eq!(server.as_("minusma").get(&format!("{path}/history")).text, history.text);
}

#[test]
fn pages_hold_every_record_once_newest_first() {
    let server = TestServer::start();
    for day in 1..=9 {
        let body = json!({"mission": "MINUSMA", "act": "killing", "occurred_on": format!("2022-01-0{}", day.min(5))});
        server.report("minusma", &body);
    }
    let whole = server.as_("minusma").get("/v1/incidents").references();
    let (mut paged, mut path) = (Vec::new(), "/v1/incidents?limit=2&mission=MINUSMA".to_owned());
    loop {
        let page = server.as_("minusma").get(&path);
        paged.extend(page.references());
        match (page.json()["next"].as_str(), page.header("link")) {
            (Some(_), Some(link)) => {
                path = link.split(['<', '>']).nth(1).unwrap().to_owned();
            }
            (None, None) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(paged.len(), 9);
    assert_eq!(paged, whole);
    for wrong in
        ["limit=0", "limit=201", "limit=x", "after=rubbish", "unknown=1", "mission=X", "limit=1&limit=2", "from=2022"]
    {
        assert_eq!(server.as_("minusma").get(&format!("/v1/incidents?{wrong}")).status, 400, "{wrong}");
    }
    assert_eq!(server.as_("minusma").get("/v1/incidents?from=2022-01-05").references().len(), 5);
    assert_eq!(server.as_("minusma").get("/v1/incidents?to=2022-01-04&status=draft").references().len(), 4);
}

#[test]
fn csv_is_the_same_list_cell_by_cell() {
    let server = TestServer::start();
    server.report("minusma", &ambush());
    let json = server.as_("minusma").get("/v1/incidents").json();
    let csv = server.as_("minusma").with("accept", "text/csv").get("/v1/incidents");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let mut reader = csv::Reader::from_reader(csv.text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let item = json["items"][0].as_object().unwrap();
    assert_eq!(header.iter().collect::<Vec<_>>(), item.keys().map(String::as_str).collect::<Vec<_>>());
    for (name, cell) in header.iter().zip(row.iter()) {
        let expected = match &item[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Object(marker) => format!("[withheld: {}]", marker["withheld"].as_str().unwrap()),
            other => other.to_string(),
        };
        assert_eq!(cell, expected, "{name}");
    }
    assert_eq!(server.as_("minusma").with("accept", "image/png").get("/v1/incidents").status, 406);
}

#[test]
fn a_list_of_transitions_is_judged_one_by_one() {
    let server = TestServer::start();
    let one = server.report("minusma", &ambush());
    let two = server.report("minusma", &ambush());
    server.moved("minusma", &one, "submitted");
    let answer = server
        .as_("verifier")
        .post("/v1/transitions", &json!({"to": "verified", "incidents": [{"reference": one}, {"reference": two}, {"reference": "MINUSMA-2022-0000"}]}));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let items = answer.json()["items"].clone();
    assert_eq!(items[0]["status"], "verified");
    assert_eq!(items[1]["problem"]["status"], 409);
    assert_eq!(items[2]["problem"]["status"], 404);
}

#[test]
fn a_returned_report_goes_back_to_its_author_with_a_reason() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let path = format!("/v1/incidents/{reference}");
    server.moved("minusma", &reference, "submitted");
    let give_back = |body| server.as_("verifier").post(&format!("{path}/transitions"), &body).status;
    assert_eq!(give_back(json!({"to": "returned"})), 400);
    assert_eq!(give_back(json!({"to": "returned", "reason": "incomplete"})), 200);
    let shown = server.as_("minusma").get(&path);
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), shown.etag()).status, 200);
    server.release("minusma", &reference);
    let history = server.as_("minusma").get(&format!("{path}/history")).json();
    let kinds: Vec<&str> =
        history["items"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["created", "submitted", "returned", "edited", "submitted", "verified", "released"]);
    assert_eq!(history["items"][2]["reason"], "incomplete");
    assert_eq!(history["items"][3]["changes"]["means"], json!({"from": "small_arms", "to": "ied"}));
}

#[test]
fn release_waits_for_next_of_kin_and_for_a_hold() {
    let server = TestServer::start();
    let mut body = ambush();
    body["victims"][0]["kin_notified_on"] = Value::Null;
    body["hold_reason"] = json!("live_abduction");
    body["hold_review_on"] = json!("2027-01-01");
    let reference = server.report("minusma", &body);
    server.moved("minusma", &reference, "submitted");
    server.moved("verifier", &reference, "verified");
    let refused =
        server.as_("releaser").post(&format!("/v1/incidents/{reference}/transitions"), &json!({"to": "released"}));
    assert_eq!(refused.status, 409);
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("next of kin") && detail.contains("hold"), "{detail}");
}

#[test]
fn dates_known_to_a_month_are_kept_so() {
    let server = TestServer::start();
    let body =
        json!({"mission": "MINUSMA", "act": "killing", "occurred_on": "2019-02-17", "occurred_on_precision": "month"});
    let reference = server.report("minusma", &body);
    let shown = server.as_("minusma").get(&format!("/v1/incidents/{reference}")).json();
    assert_eq!((&shown["occurred_on"], &shown["occurred_on_precision"]), (&json!("2019-02-01"), &json!("month")));
    assert!(shown["summary"].as_str().unwrap().starts_with("In February 2019, MINUSMA reported a killing in Mali"));
}

#[test]
fn an_amendment_given_up_leaves_the_released_edition_as_it_was() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    let shown = server.as_("minusma").get(&path);
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), shown.etag()).status, 200);
    let give_up = json!({"to": "withdrawn", "reason": "not_sourced"});
    assert_eq!(server.as_("minusma").post(&format!("{path}/transitions"), &give_up).status, 200);
    let now = server.as_("minusma").get(&path).json();
    assert_eq!(
        (&now["means"], &now["status"], &now["amends"]),
        (&json!("small_arms"), &json!("released"), &json!(false))
    );
    let again = server.as_("minusma").patch(&path, &json!({"means": "grenade"}), "*");
    assert_eq!((again.status, &again.json()["edition"]), (200, &json!(3)), "{}", again.text);
}

#[test]
fn sealed_values_live_through_an_amendment_byte_for_byte() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    server.release("minusma", &reference);
    let path = format!("/v1/incidents/{reference}");
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied", "narrative": "second"}), "*").status, 200);
    let body = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "verification"});
    let opened = server.disclose("verifier", &body).json();
    let fields = &opened["opened"][0]["fields"];
    assert_eq!((&fields["exact_place"], &fields["narrative"]), (&json!("canary-exact-place"), &json!("second")));
    let victim = opened["opened"].as_array().unwrap().iter().find(|one| one["fields"]["rank"] == "canary-rank");
    assert!(victim.is_some(), "{opened}");
}

#[test]
fn nobody_verifies_or_releases_words_of_their_own() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let path = format!("/v1/incidents/{reference}");
    let moved = |who: &str, to: &str| server.as_(who).post(&format!("{path}/transitions"), &json!({ "to": to })).status;
    assert_eq!(server.as_("verifier").patch(&path, &json!({"means": "ied"}), "*").status, 200);
    assert_eq!(moved("minusma", "submitted"), 200);
    assert_eq!(moved("verifier", "verified"), 403, "it wrote part of the report");
    assert_eq!(moved("senior", "verified"), 200);
    assert_eq!(moved("verifier", "released"), 403);
    assert_eq!(moved("releaser", "released"), 200);
}

#[test]
fn what_a_person_changes_of_a_verified_row_of_the_public_file_is_verified_anew() {
    let server = TestServer::start();
    let file = "id,incident_date,casualty_id,mission_acronym,type_of_casualty,gender,casualty_nationality,casualty_personnel_type,type_of_incident,m49_code,isocode3,last_update\n\
                1,2016-02-12,MINUSMA-2016-02-00001,MINUSMA,Fatality,M,Guinea,Military,Malicious Act,324.0,GIN,2025-04-04\n";
    assert_eq!(server.as_("verifier").post_text("/v1/imports", file).status, 201);
    let path = format!("/v1/incidents/{}", server.as_("verifier").get("/v1/incidents").references()[0]);
    let edited = server.as_("releaser").patch(&path, &json!({"means": "ied"}), "*");
    assert_eq!((edited.status, &edited.json()["status"]), (200, &json!("draft")), "{}", edited.text);
    let release = json!({"to": "released"});
    assert_eq!(server.as_("releaser").post(&format!("{path}/transitions"), &release).status, 409);
}

#[test]
fn a_focal_point_opens_of_what_is_strictly_confidential_only_what_it_typed_itself() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let path = format!("/v1/incidents/{reference}");
    let ask = json!({"record": &path[4..], "class": "strictly_confidential", "purpose": "verification"});
    let opened = |who: &str| server.disclose(who, &ask).text;
    assert!(opened("minusma").contains("canary-suspect-name"), "its own draft");
    let suspect = json!({"category": "individual", "status": "at_large", "name": "canary-second-suspect"});
    assert_eq!(server.as_("verifier").post(&format!("{path}/suspects"), &suspect).status, 201);
    let own = |text: &str| text.contains("canary-suspect-name") && !text.contains("canary-second-suspect");
    assert!(own(&opened("minusma")), "what somebody else typed stays sealed");
    server.moved("minusma", &reference, "submitted");
    server.moved("senior", &reference, "verified");
    server.moved("releaser", &reference, "released");
    assert!(!opened("minusma").contains("-suspect"), "not what was released");
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), "*").status, 200);
    assert!(own(&opened("minusma")), "the amendment is on its desk again");
}

#[test]
fn what_is_not_meant_is_refused() {
    let server = TestServer::start();
    let (one, two) = (server.report("minusma", &ambush()), server.report("minusma", &ambush()));
    let case = |incidents: Value| {
        let body = json!({"mission": "MINUSMA", "opened_on": "2022-03-20", "incidents": incidents});
        let answer = server.as_("minusma").post("/v1/cases", &body);
        (answer.status, if answer.status == 400 { answer.pointers() } else { Vec::new() })
    };
    assert_eq!(case(json!([one, one])), (400, vec!["/incidents".to_owned()]), "named twice");
    assert_eq!(case(json!([one, two])).0, 201);
    let mut body = ambush();
    body["others_killed"] = json!("5");
    assert_eq!(
        server.as_("minusma").post("/v1/incidents", &body).pointers(),
        ["/others_killed"],
        "a text is no number"
    );
    assert_eq!(server.as_("minusma").post("/v1/incidents?dry_run=true", &ambush()).pointers(), ["/dry_run"]);
    let shown = server.as_("minusma").get(&format!("/v1/incidents/{one}"));
    let patched = server.as_("minusma").patch(&format!("/v1/incidents/{one}?x=1"), &json!({}), shown.etag());
    assert_eq!(patched.pointers(), ["/x"]);
    for path in ["/v1/missions/%00", "/v1/incidents/%0a", "/v1/incidents?after=AAAA"] {
        assert!([400, 404].contains(&server.as_("minusma").get(path).status), "{path}");
    }
    let login = json!({"email": "a\u{0}", "password": "x"});
    assert_eq!(server.anonymous().post("/v1/sessions", &login).pointers(), ["/email"]);
    let typed = server.as_("minusma").with("content-type", "text/plain").post_text("/v1/incidents", "{}");
    assert_eq!((typed.status, &typed.json()["type"]), (415, &json!("urn:casque:problem:media_type")));
    let deleted = server.as_("minusma").delete("/v1/incidents");
    assert_eq!((deleted.status, deleted.header("allow")), (405, Some("GET, POST")));
    let long = format!(r#"{{"narrative":"{}"}}"#, "x".repeat(2 << 20));
    let chunked = server.as_("minusma").post_chunked("/v1/incidents", &long);
    assert_eq!(chunked.status, 413, "a body that does not tell its length");
}

#[test]
fn a_list_of_transitions_sent_again_is_judged_once() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let body = json!({"to": "submitted", "incidents": [{"reference": reference}]});
    let send = || server.as_("minusma").with("idempotency-key", "a-key-of-16-chars").post("/v1/transitions", &body);
    let (first, again) = (send(), send());
    assert_eq!((first.status, &first.json()["items"][0]["status"]), (200, &json!("submitted")), "{}", first.text);
    assert_eq!((again.status, again.json()), (200, first.json()));
}

#[test]
fn what_is_sealed_is_looked_at_before_it_is_sealed() {
    let server = TestServer::start();
    let report = |change: Value| {
        let mut body = ambush();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        server.as_("minusma").post("/v1/incidents", &body)
    };
    let place = |coordinates: &str| report(json!({"coordinates": coordinates}));
    for wrong in
        ["91.5, 200", "90.001, 0", "0, 180.1", "16.2", "N16 W0", "1e1, 2", "NaN, 0", "16.2; 0.1", ", ", "inf, 1"]
    {
        assert_eq!(place(wrong).pointers(), ["/coordinates"], "{wrong}");
    }
    for right in ["16.2639, -0.0279", "-90,180", "0, 0", "+1.5, -3"] {
        assert_eq!(place(right).status, 201, "{right}");
    }
    let born = |day: &str| {
        let victim =
            json!({"category": "contingent_troop", "states": ["TCD"], "outcome": "injured", "date_of_birth": day});
        report(json!({"victims": [victim]}))
    };
    let tomorrow = (server.store.now() + chrono::TimeDelta::days(2)).date().to_string();
    for wrong in ["31/31/2050", "1990-02-30", "1849-12-31", tomorrow.as_str(), "+10000-1-1", "1990", "about 1990"] {
        assert_eq!(born(wrong).pointers(), ["/victims/0/date_of_birth"], "{wrong}");
    }
    assert_eq!(born("1850-01-01").status, 201);
    for wrong in ["FR-75", "ZZ-9", "ML-99", "ml-7", "ML-"] {
        assert_eq!(report(json!({"region": wrong})).pointers(), ["/region"], "{wrong}");
    }
    for region in ["ML-7", "ML-BKO"] {
        assert_eq!(report(json!({"region": region})).status, 201, "{region}");
    }
    // What is not seen changes what is read.
    for hidden in ["\u{202e}", "\u{2066}", "\u{200b}", "\u{feff}", "\u{200f}", "\u{200d}", "\u{e0041}"] {
        assert_eq!(report(json!({"narrative": format!("a{hidden}b")})).pointers(), ["/narrative"], "{hidden:?}");
        let measure = json!({"state": "MLI", "kind": "special_unit", "instrument": format!("Made{hidden}up"), "taken_on": "2022-06-01"});
        assert_eq!(server.as_("mali").post("/v1/measures", &measure).pointers(), ["/instrument"], "{hidden:?}");
    }
    assert_eq!(report(json!({"narrative": "line\u{0007}"})).pointers(), ["/narrative"]);
    assert_eq!(
        report(json!({"narrative": "one line\nanother\t\u{0645}\u{06cc}\u{200c}\u{0634}\u{0648}\u{062f}"})).status,
        201,
        "Persian"
    );
}

#[test]
fn a_year_has_four_digits_wherever_a_date_is_read() {
    let server = TestServer::start();
    for wrong in ["+10000-1-1", "10000-01-01", "-0001-1-1", "2022-3-04 ", "2022-3-4xx", "２０２２-03-04", "1944-12-31"]
    {
        let mut body = ambush();
        body["occurred_on"] = json!(wrong);
        assert_eq!(server.as_("minusma").post("/v1/incidents", &body).pointers(), ["/occurred_on"], "{wrong}");
        let measure = json!({"state": "MLI", "kind": "special_unit", "instrument": "Made-up", "taken_on": wrong});
        assert_eq!(server.as_("mali").post("/v1/measures", &measure).pointers(), ["/taken_on"], "{wrong}");
    }
    for list in super::lists() {
        let answer = server.as_("verifier").get(&format!("/v1/{list}?from=%2B10000-1-1"));
        assert_eq!((answer.status, answer.pointers()), (400, vec!["/from".to_owned()]), "{list}");
    }
}

#[test]
fn a_returned_record_says_by_field_why_and_its_desk_reads_the_words() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let path = format!("/v1/incidents/{reference}");
    let victim = server.as_("minusma").get(&path).json()["victims"][0]["handle"].as_str().unwrap().to_owned();
    server.moved("minusma", &reference, "submitted");
    let give_back = |body: &Value| server.as_("verifier").post(&format!("{path}/transitions"), body);
    let faults = give_back(&json!({"to": "returned", "reason": "He should ask the family", "reason_fields": [
        {"pointer": "John Made-up", "reason": "unclear"}, {"pointer": "/narrative"},
        {"pointer": "/jean_made_up/is_the_informant", "reason": "other"}]}));
    assert_eq!(
        faults.pointers(),
        ["/reason", "/reason_fields/0/pointer", "/reason_fields/1/reason", "/reason_fields/2/pointer"],
        "no words in the open"
    );
    let pointer = format!("/victims/{victim}/outcome");
    let grounds = json!({"to": "returned", "reason": "incomplete", "reason_note": "canary-ask-the-family", "reason_fields": [
        {"pointer": pointer, "reason": "contradicted"}, {"pointer": "/narrative", "reason": "unclear"}]});
    assert_eq!(give_back(&grounds).status, 200);
    let shown = server.as_("minusma").get(&path).json();
    assert_eq!((&shown["reason"], &shown["reason_fields"]), (&json!("incomplete"), &grounds["reason_fields"]));
    assert_eq!(shown["reason_note"], json!({"withheld": "confidential", "held": true}));
    let desk = server.prove("minusma", "/v1/disclosures/editions", &json!({"incident": reference}));
    assert!(desk.text.contains("canary-ask-the-family"), "{}", desk.text);
    let history = server.as_("minusma").get(&format!("{path}/history")).json();
    assert!(history.to_string().contains("incomplete") && !history.to_string().contains("canary-ask"), "{history}");
    server.release("minusma", &reference);
    let released = server.as_("minusma").get(&path).json();
    assert!(released["reason"].is_null() && released.get("reason_fields").is_none(), "{released}");
    for who in ["mali", "chad"] {
        let text = server.as_(who).get(&path).text;
        assert!(!text.contains("reason"), "{who}: {text}");
    }
}

#[test]
fn another_date_in_place_of_a_month_says_how_exactly_it_is_known() {
    let server = TestServer::start();
    let mut body = ambush();
    body["victims"] = json!([]);
    body["occurred_on"] = json!("2018-01-01");
    body["occurred_on_precision"] = json!("year");
    let reference = server.report("minusma", &body);
    let path = format!("/v1/incidents/{reference}");
    let patch = |change| server.as_("minusma").patch(&path, &change, server.as_("minusma").get(&path).etag());
    assert_eq!(patch(json!({"occurred_on": "2018-09-23"})).pointers(), ["/occurred_on_precision"]);
    let known = patch(json!({"occurred_on": "2018-09-23", "occurred_on_precision": "day"}));
    assert_eq!(
        (known.json()["occurred_on"].clone(), known.json()["occurred_on_precision"].clone()),
        (json!("2018-09-23"), json!("day"))
    );
    let again = patch(json!({"occurred_on": "2018-09-24"}));
    assert_eq!(
        (again.status, again.json()["occurred_on"].clone()),
        (200, json!("2018-09-24")),
        "of a day, it is another day"
    );
}

#[test]
fn a_filter_by_day_finds_what_may_have_happened_then() {
    let server = TestServer::start();
    let mut body = ambush();
    body["victims"] = json!([]);
    let mut of = |on: &str, precision: &str| {
        body["occurred_on"] = json!(on);
        body["occurred_on_precision"] = json!(precision);
        server.report("minusma", &body)
    };
    let (year, month, day) = (of("2018-01-01", "year"), of("2018-06-01", "month"), of("2018-06-15", "day"));
    let found = |query: &str| {
        let mut found = server.as_("minusma").get(&format!("/v1/incidents?{query}")).references();
        found.sort();
        found
    };
    let sorted = |all: &[&String]| {
        let mut all: Vec<String> = all.iter().map(|one| (*one).clone()).collect();
        all.sort();
        all
    };
    assert_eq!(found("from=2018-06-01&to=2018-12-31"), sorted(&[&year, &month, &day]));
    assert_eq!(found("from=2018-06-20&to=2018-06-30"), sorted(&[&year, &month]));
    assert_eq!(found("from=2018-07-01"), sorted(&[&year]));
    assert_eq!(found("from=2019-01-01"), sorted(&[]));
    assert_eq!(found("to=2018-05-31"), sorted(&[&year]));
}

#[test]
fn a_day_outside_the_missions_dates_is_taken_once_it_is_confirmed() {
    let server = TestServer::start();
    let mut body = ambush();
    body["victims"] = json!([]);
    for (mission, on) in [("MINUSMA", "2025-05-01"), ("MINUSMA", "2005-06-01")] {
        body["mission"] = json!(mission);
        body["occurred_on"] = json!(on);
        body.as_object_mut().unwrap().remove("confirm");
        let key = format!("the-same-key-{on}");
        let send = |body: &Value| server.as_("minusma").with("idempotency-key", &key).post("/v1/incidents", body);
        let odd = send(&body);
        assert_eq!(
            (odd.status, &odd.json()["type"]),
            (409, &json!("urn:casque:problem:needs_confirmation")),
            "{}",
            odd.text
        );
        let fault = odd.json()["errors"][0].clone();
        assert_eq!((&fault["pointer"], &fault["code"]), (&json!("/occurred_on"), &json!("outside_mission")));
        body["confirm"] = json!([{"pointer": "/occurred_on", "code": "before_incident"}]);
        assert_eq!(send(&body).status, 409, "something else is confirmed");
        body["confirm"] = json!([{"pointer": fault["pointer"], "code": fault["code"]}]);
        let made = send(&body);
        assert_eq!(made.status, 201, "the key was not used up: {}", made.text);
        let path = format!("/v1/incidents/{}", made.json()["reference"].as_str().unwrap());
        let same = server.as_("minusma").patch(&path, &json!({"means": "ied"}), made.etag());
        assert_eq!(same.status, 200, "a day that stays is not asked about again: {}", same.text);
    }
    // Of a month, some day may lie within: MINUSMA began on 25 April 2013.
    body["occurred_on"] = json!("2013-04-01");
    body["occurred_on_precision"] = json!("month");
    body.as_object_mut().unwrap().remove("confirm");
    assert_eq!(server.as_("minusma").post("/v1/incidents", &body).status, 201);
}

#[test]
fn a_move_of_a_record_that_changed_meanwhile_is_refused() {
    let server = TestServer::start();
    let reference = server.report("minusma", &ambush());
    let path = format!("/v1/incidents/{reference}");
    let seen = server.as_("minusma").get(&path).etag().to_owned();
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), &seen).status, 200);
    let submit = |etag: &str| {
        server
            .as_("minusma")
            .with("if-match", etag)
            .post(&format!("{path}/transitions"), &json!({"to": "submitted"}))
            .status
    };
    assert_eq!(submit(&seen), 412);
    let many = json!({"to": "submitted", "incidents": [{"reference": reference, "etag": seen}]});
    let answer = server.as_("minusma").post("/v1/transitions", &many).json();
    assert_eq!(answer["items"][0]["problem"]["status"], 412, "each of a list is judged alone: {answer}");
    let now = server.as_("minusma").get(&path).etag().to_owned();
    assert_eq!(submit(&now), 200);
}
