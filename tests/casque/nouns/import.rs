//! The United Nations' public file of fatalities.

use serde_json::{Value, json};

use crate::harness::TestServer;

const HEADER: &str = "id,incident_date,casualty_id,mission_acronym,type_of_casualty,gender,casualty_nationality,casualty_personnel_type,type_of_incident,m49_code,isocode3,last_update";
const FILE: &str = include_str!("../../../src/exchange/data/fatalities-2025-04-04.csv");

fn import(server: &TestServer, file: impl AsRef<[u8]>) -> Value {
    let answer = server.as_("verifier").post_text("/v1/imports", file);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

fn file(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

#[test]
fn the_real_file_gives_what_the_field_expects_and_a_second_time_nothing() {
    let server = TestServer::start();
    let dry = server.as_("verifier").post_text("/v1/imports?dry_run=true", FILE);
    assert_eq!((dry.status, &dry.json()["new_incidents"]), (200, &json!(611)), "{}", dry.text);
    assert_eq!(server.as_("verifier").get("/v1/incidents").references().len(), 0, "a dry run changes nothing");
    let report = import(&server, FILE);
    assert_eq!(
        (&report["rows"], &report["malicious_acts"], &report["new_incidents"]),
        (&json!(4429), &json!(1134), &json!(611))
    );
    assert_eq!(report["duplicates"].as_array().unwrap().len(), 6);
    assert_eq!(report["refused"].as_array().unwrap().len(), 0, "{}", report["refused"]);
    assert_eq!(
        report["out_of_scope"],
        json!({"Accident": 1412, "Illness": 1643, "Self-Inflicted": 148, "To Be Determined": 60, "Unknown": 32})
    );
    let again = import(&server, FILE);
    assert_eq!(
        (&again["new_incidents"], &again["new_victims"], &again["unchanged"]),
        (&json!(0), &json!(0), &report["new_victims"])
    );
    assert_eq!((&again["changed"], &again["older"]), (&json!([]), &json!([])));
    // One mission and one date are one incident: since 2013 there are 180, one of them with 16 dead.
    let since = server.as_("verifier").get("/v1/incidents?from=2013-01-01&limit=200");
    assert_eq!(since.references().len(), 180);
    let items = since.json()["items"].as_array().unwrap().clone();
    let killed: Vec<i64> = items.iter().map(|item| item["killed"].as_i64().unwrap()).collect();
    assert_eq!((killed.iter().sum::<i64>(), killed.iter().max()), (353, Some(&16)));
    assert!(items.iter().all(|item| item["status"] == "verified" && item["public_file"] == true));
    // Each row is kept raw beside what was made of it, for mission and Secretariat.
    let reference = items[0]["reference"].as_str().unwrap();
    let rows = server.as_("verifier").get(&format!("/v1/incidents/{reference}/source-rows")).json();
    assert_eq!(rows["items"][0]["raw"]["type_of_incident"], "Malicious Act");
}

#[test]
fn a_newer_vintage_adds_what_is_new_lists_what_changed_and_an_older_one_undoes_nothing() {
    let server = TestServer::start();
    let row = |sex: &str, vintage: &str| {
        format!(
            "1,2016-02-12,MINUSMA-2016-02-00001,MINUSMA,Fatality,{sex},Guinea,Military,Malicious Act,324.0,GIN,{vintage}"
        )
    };
    import(&server, file(&[&row("", "2025-04-04")]));
    let new = "2,2016-02-12,MINUSMA-2016-02-00002,MINUSMA,Fatality,M,Côte dIvoire,Police,Malicious Act,,,2025-06-01";
    let newer = import(&server, file(&[&row("F", "2025-06-01"), new]));
    assert_eq!((&newer["new_incidents"], &newer["new_victims"]), (&json!(0), &json!(1)), "the same mission and date");
    assert_eq!(newer["changed"][0]["changes"], json!({"gender": ["", "F"]}));
    let reference = server.as_("verifier").get("/v1/incidents").references().remove(0);
    let shown = server.as_("verifier").get(&format!("/v1/incidents/{reference}")).json();
    assert_eq!(shown["killed"], 2);
    assert_eq!(shown["victims"][0]["sex_of_dead"], Value::Null, "listed, not applied: a person amends");
    assert_eq!(shown["victims"][1]["states"], json!(["CIV"]), "by name, where the codes are blank");
    let older = import(&server, file(&[&row("M", "2024-01-01")]));
    assert_eq!((&older["new_victims"], older["older"].as_array().unwrap().len()), (&json!(0), 1));
    let same = import(&server, file(&[&row("F", "2025-06-01"), new]));
    assert_eq!((&same["changed"], &same["unchanged"]), (&json!([]), &json!(2)));
}

#[test]
fn a_damaged_file_is_refused_or_reported_row_by_row_and_never_half_loaded() {
    let server = TestServer::start();
    let refused = |file: &[u8]| {
        let answer = server.as_("verifier").post_text("/v1/imports", file);
        (answer.status, answer.json()["detail"].as_str().unwrap_or_default().to_owned())
    };
    let mut latin = file(&[]).into_bytes();
    latin.extend_from_slice(b"1,2016-02-12,X,MINUSMA,Fatality,M,C\xf4te dIvoire,Military,Malicious Act,,,2025-04-04\n");
    assert_eq!(refused(&latin).0, 400);
    assert!(refused(&latin).1.contains("not UTF-8"));
    let (status, why) = refused(FILE.replacen("casualty_id", "casualty", 1).as_bytes());
    assert_eq!(status, 400);
    assert!(why.contains("columns are missing: casualty_id"), "{why}");
    assert_eq!(refused(b"").0, 400);
    assert_eq!(refused(&vec![b'x'; 50 << 20]).0, 413);
    let good =
        "1,2016-02-12,MINUSMA-2016-02-00001,MINUSMA,Fatality,M,Guinea,Military,Malicious Act,324.0,GIN,2025-04-04";
    let report = import(
        &server,
        file(&[
            good,
            "2,2016-02-12,MINUSMA-2016-02-00002,MINUSMA,Fatality,M",
            "3,12/02/2016,MINUSMA-2016-02-00003,MINUSMA,Fatality,M,Guinea,Military,Malicious Act,324.0,GIN,2025-04-04",
            "4,2016-02-12,MINUSMA-2016-02-00004,NOWHERE,Fatality,M,Guinea,Military,Malicious Act,324.0,GIN,2025-04-04",
            "5,2016-02-12,MINUSMA-2016-02-00005,MINUSMA,Fatality,M,Guinea,Military,Malicious Act,50.0,GIN,2025-04-04",
            "6,2016-02-12,MINUSMA-2016-02-00006,MINUSMA,Fatality,M,Atlantis,Military,Malicious Act,,,2025-04-04",
        ]),
    );
    let refused: Vec<(i64, &str)> = report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["line"].as_i64().unwrap(), row["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        refused,
        [
            (3, "6 fields instead of 12"),
            (4, "incident_date is not a date, YYYY-MM-DD"),
            (5, "the value of mission_acronym is not a mission"),
            (6, "m49_code and isocode3 name two different States"),
            (7, "the value of casualty_nationality is not the name of a State"),
        ]
    );
    assert_eq!(report["new_victims"], 1);
}

#[test]
fn what_was_put_together_wrongly_is_split_and_merged() {
    let server = TestServer::start();
    let row = |n: u32, date: &str| {
        format!(
            "{n},{date},MINUSMA-2016-02-0000{n},MINUSMA,Fatality,M,Guinea,Military,Malicious Act,324.0,GIN,2025-04-04"
        )
    };
    import(&server, file(&[&row(1, "2016-02-12"), &row(2, "2016-02-12"), &row(3, "2016-02-13")]));
    let one = server.as_("verifier").get("/v1/incidents?to=2016-02-12").references().remove(0);
    let other = server.as_("verifier").get("/v1/incidents?from=2016-02-13").references().remove(0);
    let victims = server.as_("verifier").get(&format!("/v1/incidents/{one}/victims")).json();
    let handle = victims["items"][1]["handle"].clone();
    let split = server.as_("verifier").post(&format!("/v1/incidents/{one}/split"), &json!({"victims": [handle]}));
    assert_eq!((split.status, &split.json()["killed"]), (201, &json!(1)), "{}", split.text);
    assert_eq!(server.as_("verifier").get(&format!("/v1/incidents/{one}")).json()["killed"], 1);
    let merged = server.as_("verifier").post(
        &format!("/v1/incidents/{other}/merge"),
        &json!({"into": one, "confirm": [{"pointer": "/occurred_on", "code": "differs"}]}),
    );
    assert_eq!((merged.status, &merged.json()["killed"]), (200, &json!(2)), "{}", merged.text);
    assert_eq!(server.as_("verifier").get(&format!("/v1/incidents/{other}")).json()["status"], "withdrawn");
    server.moved("releaser", &one, "released");
    assert_eq!(server.as_("guinea").get("/v1/incidents").references(), [one]);
}

#[test]
fn only_the_secretariat_imports() {
    let server = TestServer::start();
    for who in ["minusma", "mali", "auditor", "administrator"] {
        assert_eq!(server.as_(who).post_text("/v1/imports?dry_run=true", file(&[])).status, 403, "{who}");
    }
}

#[test]
fn a_newer_vintage_adds_several_to_one_incident_and_an_older_one_brings_nothing_back() {
    let server = TestServer::start();
    let row = |n: u32, date: &str, kind: &str, vintage: &str| {
        format!("{n},{date},MINUSMA-2016-02-0000{n},MINUSMA,Fatality,M,Guinea,Military,{kind},324.0,GIN,{vintage}")
    };
    let act = |n: u32, vintage: &str| row(n, "2016-02-12", "Malicious Act", vintage);
    import(&server, file(&[&act(1, "2025-04-04")]));
    let newer = import(&server, file(&[&act(1, "2025-06-01"), &act(2, "2025-06-01"), &act(3, "2025-06-01")]));
    assert_eq!((&newer["new_incidents"], &newer["new_victims"]), (&json!(0), &json!(2)));
    // What the newer file took back stays so.
    let back = import(&server, file(&[&row(9, "2016-03-01", "Malicious Act", "2025-01-01")]));
    assert_eq!((&back["new_incidents"], back["older"].as_array().unwrap().len()), (&json!(0), 1));
    // An incident of the day that was withdrawn stands for nothing: the row is a record of its own.
    let reference = server.as_("verifier").get("/v1/incidents").references().remove(0);
    let withdraw = json!({"to": "withdrawn", "reason": "out_of_scope"});
    let path = format!("/v1/incidents/{reference}/transitions");
    assert_eq!(server.as_("verifier").post(&path, &withdraw).status, 200);
    let rows = [act(4, "2025-07-01"), row(5, "2016-05-01", "Malicious Act", "2025-07-01")];
    let report = import(&server, file(&[&rows[0], &rows[1]]));
    assert_eq!((&report["new_incidents"], &report["new_victims"]), (&json!(2), &json!(2)), "{report}");
    // One that somebody is reviewing is reported, and stops nothing else.
    let known = server.as_("verifier").get("/v1/incidents?from=2016-05-01&to=2016-05-01").references().remove(0);
    let path = format!("/v1/incidents/{known}");
    let shown = server.as_("minusma").get(&path);
    assert_eq!(server.as_("minusma").patch(&path, &json!({"means": "ied"}), shown.etag()).status, 200);
    server.moved("minusma", &known, "submitted");
    let rows =
        [row(7, "2016-05-01", "Malicious Act", "2025-08-01"), row(8, "2016-06-01", "Malicious Act", "2025-08-01")];
    let report = import(&server, file(&[&rows[0], &rows[1]]));
    assert_eq!((&report["new_incidents"], &report["new_victims"]), (&json!(1), &json!(1)), "{report}");
    assert!(report["refused"][0]["reason"].as_str().unwrap().contains(&known), "{report}");
    let future = import(&server, file(&[&rows[1], &row(6, "2016-07-01", "Malicious Act", "9998-12-31")]));
    assert_eq!(future["refused"][0]["reason"], "last_update is in the future");
}

/// A row of a killing in Mali: its number, vintage, and the cells that differ.
fn killing(number: u32, vintage: u32) -> String {
    format!(
        "{number},2016-02-12,MADE-UP-{number},MINUSMA,Fatality,M,Guinea,Military,Malicious Act,324.0,GIN,{vintage}-01-01"
    )
}

#[test]
fn a_file_that_is_no_csv_of_the_dataset_is_called_by_its_name() {
    let server = TestServer::start();
    let refused = |file: &[u8]| {
        let answer = server.as_("verifier").post_text("/v1/imports", file);
        assert_eq!(answer.status, 400, "{}", answer.text);
        answer.json()["detail"].as_str().unwrap_or_default().to_owned()
    };
    assert!(
        refused(&[file(&[]).as_bytes(), b"1,\"2016-02-12,X\n"].concat())
            .contains("the quotation mark at line 3 is not closed")
    );
    assert!(refused(file(&[]).replace(',', ";").as_bytes()).contains("separated by a semicolon"));
    assert!(refused(b"PK\x03\x04").contains("Excel workbook"));
    assert!(refused(b"[{}]").contains("JSON"));
    // Three good rows before the quotation mark, and a hundred behind it: none is taken.
    let mut rows: Vec<String> = (1..4).map(|number| killing(number, 2020)).collect();
    rows.push("4,\"2016-02-12,MADE-UP-4".into());
    rows.extend((5..105).map(|number| killing(number, 2020)));
    let all: Vec<&str> = rows.iter().map(String::as_str).collect();
    assert!(refused(file(&all).as_bytes()).contains("line 5"));
    assert!(server.as_("verifier").get("/v1/incidents").references().is_empty());
    // Capitals in the header, and the file's own spelling of two missions, are read.
    let row = killing(1, 2020).replace("MINUSMA", "UN Secretariat");
    let other = killing(2, 2020).replace("MINUSMA", "OSE-Syria");
    let report = import(&server, file(&[&row, &other]).replacen(HEADER, &HEADER.to_uppercase(), 1));
    assert_eq!((&report["new_victims"], &report["refused"]), (&json!(2), &json!([])));
    let missions: Vec<String> = ["UNSecretariat", "OSESyria"].map(|of| format!("/v1/incidents?mission={of}")).to_vec();
    assert!(missions.iter().all(|path| server.as_("verifier").get(path).references().len() == 1));
}

#[test]
fn a_number_written_otherwise_is_no_change_and_a_row_that_is_gone_is_listed() {
    let server = TestServer::start();
    import(&server, file(&[&killing(1, 2020).replace("324.0", "324"), &killing(2, 2020)]));
    let report = import(&server, file(&[&killing(1, 2021)]));
    assert_eq!((&report["unchanged"], &report["changed"]), (&json!(1), &json!([])));
    assert_eq!(report["gone"][0]["casualty_id"], "MADE-UP-2");
    let incident = report["gone"][0]["incident"].as_str().unwrap();
    let stays = server.as_("verifier").get(&format!("/v1/incidents/{incident}")).json();
    assert_eq!((&stays["status"], &stays["killed"]), (&json!("verified"), &json!(2)), "the record stays");
    let older = import(&server, file(&[&killing(1, 2019)]));
    assert_eq!(older["gone"], json!([]), "an older file takes nothing away");
}

#[test]
fn a_row_of_the_day_of_a_released_or_a_withdrawn_incident_has_its_way() {
    let server = TestServer::start();
    let made = import(&server, file(&[&killing(1, 2020)]));
    assert_eq!(made["new_incidents"], 1);
    let reference = server.as_("verifier").get("/v1/incidents").references()[0].clone();
    server.moved("releaser", &reference, "released");
    let report = import(&server, file(&[&killing(1, 2021), &killing(2, 2021)]));
    assert_eq!(report["amended"], json!([reference]), "somebody submits the amendment");
    assert_eq!(server.as_("verifier").get(&format!("/v1/incidents/{reference}")).json()["status"], "draft");
    let server = TestServer::start();
    import(&server, file(&[&killing(1, 2020)]));
    let reference = server.as_("verifier").get("/v1/incidents").references()[0].clone();
    let withdraw = json!({"to": "withdrawn", "reason": "out_of_scope"});
    let path = format!("/v1/incidents/{reference}/transitions");
    assert_eq!(server.as_("verifier").post(&path, &withdraw).status, 200);
    let report = import(&server, file(&[&killing(2, 2021)]));
    assert_eq!((&report["new_incidents"], &report["refused"]), (&json!(1), &json!([])), "a record of its own");
}
