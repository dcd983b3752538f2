//! Who is not concerned has the published tables of all years, the briefing and the public file of fatalities, and solves for what is
//! withheld.

use std::collections::HashMap;

use chrono::Datelike;
use microlp::{ComparisonOp, OptimizationDirection, Problem};
use serde_json::{Value, json};

use crate::harness::{TestServer, ambush};

const K: f64 = 5.0;

/// A made-up incident of a mission in a year with these outcomes, released.
fn incident(server: &TestServer, who: &str, mission: &str, year: i32, outcomes: &[&str]) -> String {
    let mut body = ambush();
    body["occurred_on"] = json!(format!("{year}-03-04"));
    body["mission"] = json!(mission);
    body["act"] = json!("killing");
    body["region"] = Value::Null;
    body["suspects"] = json!([]);
    for sealed in ["exact_place", "coordinates", "exact_time"] {
        body.as_object_mut().unwrap().remove(sealed);
    }
    let victim = |outcome: &&str| {
        let mut victim = json!({"category": "contingent_troop", "states": ["TCD"], "outcome": outcome});
        if *outcome == "killed" {
            victim["sex_of_dead"] = json!("male");
        }
        victim["kin_notified_on"] = json!(format!("{year}-03-06"));
        victim["state_notified_on"] = json!(format!("{year}-03-06"));
        victim
    };
    body["victims"] = outcomes.iter().map(victim).collect();
    let reference = server.report(who, &body);
    server.release(who, &reference);
    reference
}

/// A case of incidents whose proceeding reached a stage.
fn reached(server: &TestServer, mission: &str, year: i32, incidents: &[String], stage: &str) {
    let body = json!({"mission": mission, "opened_on": format!("{year}-04-01"), "incidents": incidents});
    let case = server.as_("verifier").post("/v1/cases", &body);
    assert_eq!(case.status, 201, "{}", case.text);
    let body = json!({"state": "MLI", "authority": "Made-up court", "opened_on": format!("{year}-04-02"),
        "cases": [case.json()["reference"]], "obstacles": ["suspects_at_large"]});
    let proceeding = server.as_("verifier").post("/v1/proceedings", &body);
    assert_eq!(proceeding.status, 201, "{}", proceeding.text);
    let steps = format!("/v1/proceedings/{}/steps", proceeding.json()["reference"].as_str().unwrap());
    let step = json!({"kind": "stage_reached", "stage": stage, "happened_on": format!("{year}-05-01")});
    let step = server.as_("verifier").post(&steps, &step);
    assert_eq!(step.status, 201, "{}", step.text);
    server.accepted(steps.trim_end_matches("/steps"));
}

fn publish(server: &TestServer, year: i32) -> Value {
    let proposed = server.as_("verifier").post("/v1/tables", &json!({"year": year}));
    assert_eq!(proposed.status, 201, "{}", proposed.text);
    let path = format!("/v1/tables/{year}/decision");
    assert_eq!(server.prove("releaser", &path, &json!({"release": true})).status, 204);
    let shown = server.as_("iceland").get(&format!("/v1/tables/{year}"));
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.json()
}

/// One number of a table: row and column.
type Key = (String, usize);

/// Linear equations over what is withheld of one table of one year: no two years count the same incident.
#[derive(Default)]
struct System {
    known: HashMap<Key, f64>,
    unknown: Vec<Key>,
    sums: Vec<(Vec<Key>, f64)>,
    /// What is public without the table.
    public: Vec<(Vec<Key>, f64)>,
    /// Columns whose totals are withheld, with their cells.
    totals: Vec<(usize, Vec<Key>)>,
}

impl System {
    fn of(table: &Value) -> Self {
        let mut system = Self::default();
        let columns = table["columns"].as_array().unwrap().len();
        let rows = table["rows"].as_array().unwrap();
        let name = |row: &Value, column: usize| (row["label"].as_str().unwrap().to_owned(), column);
        for row in rows {
            for (column, cell) in row["cells"].as_array().unwrap().iter().enumerate() {
                match cell.as_f64() {
                    Some(count) => drop(system.known.insert(name(row, column), count)),
                    None => system.unknown.push(name(row, column)),
                }
            }
            if let Some(total) = row["total"].as_f64() {
                let cells: Vec<Key> = (0..columns).map(|column| name(row, column)).collect();
                if table["table"] == "fatal_incidents_by_stage" {
                    system.public.push((cells.clone(), total));
                }
                system.sums.push((cells, total));
            }
        }
        let totals = table["totals"].as_array().unwrap();
        for (column, total) in totals.iter().enumerate() {
            if let Some(total) = total.as_f64() {
                system.sums.push((rows.iter().map(|row| name(row, column)).collect(), total));
            }
        }
        if let Some(total) = table["total"].as_f64() {
            let cells: Vec<Key> = rows.iter().flat_map(|row| (0..columns).map(|column| name(row, column))).collect();
            system.public.push((cells.clone(), total));
            system.sums.push((cells, total));
        }
        // Totals that are withheld are told as little as counts are.
        for (column, _) in totals.iter().enumerate().filter(|(_, total)| total.is_null()) {
            system.totals.push((column, rows.iter().map(|row| name(row, column)).collect()));
        }
        system
    }

    fn bound(&self, of: &[Key], direction: OptimizationDirection) -> f64 {
        let mut problem = Problem::new(direction);
        let variables: HashMap<&Key, _> = self
            .unknown
            .iter()
            .map(|key| (key, problem.add_var(if of.contains(key) { 1.0 } else { 0.0 }, (0.0, f64::INFINITY))))
            .collect();
        for (keys, total) in &self.sums {
            let terms: Vec<_> = keys.iter().filter_map(|key| variables.get(key)).map(|var| (*var, 1.0)).collect();
            let rest: f64 = keys.iter().filter_map(|key| self.known.get(key)).sum();
            if !terms.is_empty() {
                problem.add_constraint(&terms, ComparisonOp::Eq, total - rest);
            }
        }
        match problem.solve() {
            Ok(outcome) => {
                let known: f64 = of.iter().filter_map(|key| self.known.get(key)).sum();
                known + outcome.into_solution().unwrap().objective()
            }
            Err(microlp::Error::Unbounded) => f64::INFINITY,
            Err(error) => panic!("{error}"),
        }
    }

    /// Nothing withheld that may be less than five can be told to a range of less than five, but where less than five is public anyway.
    /// (Whoever knows which withheld counts are not zero is held off in the unit tests of `policy::suppression`.)
    fn solves_nothing(&self, what: &str) {
        let cells = self.unknown.iter().map(|key| vec![key.clone()]);
        for of in cells.chain(self.totals.iter().map(|(_, cells)| cells.clone())) {
            // Public without the table: how many incidents of a mission took lives, and how many of each there are.
            let public = self.public.iter().filter(|(keys, _)| of.iter().all(|key| keys.contains(key)));
            let public = public.map(|(_, total)| *total).fold(f64::INFINITY, f64::min);
            let low = self.bound(&of, OptimizationDirection::Minimize);
            let high = self.bound(&of, OptimizationDirection::Maximize);
            let is_told = low < K - 1e-6 && high - low < K.min(public - 1.0) - 1e-6;
            assert!(!is_told, "{what} {of:?} lies between {low} and {high} of {public}");
        }
    }
}

/// How many numbers are withheld, none of which can be solved for.
fn solves_nothing(releases: &[Value]) -> usize {
    let mut withheld = 0;
    for release in releases {
        for table in release["tables"].as_array().unwrap() {
            let system = System::of(table);
            system.solves_nothing(&format!("{} {}", release["year"], table["table"]));
            withheld += system.unknown.len();
        }
    }
    withheld
}

fn table<'a>(release: &'a Value, name: &str) -> &'a Value {
    release["tables"].as_array().unwrap().iter().find(|one| one["table"] == name).unwrap()
}

#[test]
fn a41_tables_of_all_years_with_the_briefing_and_the_public_file_give_no_withheld_figure() {
    let server = TestServer::start();
    let mut all = Vec::new();
    for (year, in_mali, in_lebanon) in [(2020, 12, 7), (2021, 31, 24), (2022, 6, 1)] {
        let made = |who: &str, mission: &str, fatal: usize| {
            (0..fatal).map(|_| incident(&server, who, mission, year, &["killed"])).collect::<Vec<_>>()
        };
        let (mali, lebanon) = (made("minusma", "MINUSMA", in_mali), made("unifil", "UNIFIL", in_lebanon));
        // Three whose proceedings came to a judgement, in one mission: what the attacker is after.
        reached(&server, "MINUSMA", year, &mali[..3], "first_judgement");
        if lebanon.len() > 1 {
            reached(&server, "UNIFIL", year, &lebanon[..lebanon.len() / 2], "investigation");
        }
        incident(&server, "minusma", "MINUSMA", year, &["injured"]);
        let release = publish(&server, year);
        let stages = table(&release, "fatal_incidents_by_stage");
        let fatal: i64 = stages["rows"].as_array().unwrap().iter().map(|row| row["total"].as_i64().unwrap()).sum();
        assert_eq!(fatal, i64::try_from(in_mali + in_lebanon).unwrap(), "what the public file has is not withheld");
        assert!(stages["rows"].as_array().unwrap().iter().all(|row| row["cells"][3] != 3), "{stages:#}");
        assert_ne!(stages["totals"][3], 3, "{stages:#}");
        // What the briefing says of the year adds up to the same, and to nothing more: it has incidents by mission, not their stages.
        let figures = server
            .store
            .read(&casque::policy::Scope::Everything, |r| casque::briefing::figures(r, year, server.store.now()));
        let figures = serde_json::to_value(figures.unwrap()).unwrap();
        assert_eq!(figures["by_mission"]["total"]["killed"], json!(fatal));
        all.push(release);
    }
    assert!(solves_nothing(&all) > 4);
    assert_eq!(
        table(&all[2], "fatal_incidents_by_stage")["rows"].as_array().unwrap().len(),
        1,
        "too few stand with others"
    );
}

#[test]
fn tables_of_a_year_are_released_once_by_a_second_person_and_are_the_same_for_everybody() {
    let server = TestServer::start();
    for _ in 0..6 {
        incident(&server, "minusma", "MINUSMA", 2022, &["killed"]);
    }
    let propose = |who: &str, year: i32| server.as_(who).post("/v1/tables", &json!({"year": year}));
    for who in ["minusma", "mali", "iceland", "auditor", "administrator"] {
        assert_eq!(propose(who, 2022).status, 403, "{who}");
    }
    assert_eq!(propose("verifier", server.store.now().year()).pointers(), ["/year"], "it is not over");
    assert_eq!(propose("verifier", 2022).status, 201);
    let path = "/v1/tables/2022";
    assert_eq!((server.as_("iceland").get(path).status, server.as_("releaser").get(path).status), (404, 200));
    assert_eq!(server.as_("iceland").get("/v1/tables").json()["items"], json!([]));
    let decide =
        |who: &str, release: bool| server.prove(who, &format!("{path}/decision"), &json!({"release": release})).status;
    assert_eq!((decide("verifier", true), decide("mali", true), decide("minusma", true)), (403, 403, 403));
    assert_eq!(decide("releaser", false), 204, "declined");
    assert_eq!((decide("releaser", true), propose("releaser", 2022).status), (404, 201));
    assert_eq!(decide("briefing", true), 204);
    assert_eq!((propose("verifier", 2022).status, decide("senior", false)), (409, 404));
    let (iceland, mali) = (server.as_("iceland").get(path), server.as_("mali").get(path));
    assert_eq!((iceland.status, &iceland.text), (200, &mali.text));
    assert_eq!(iceland.text, server.as_("auditor").get(path).text);
    incident(&server, "minusma", "MINUSMA", 2022, &["killed"]);
    assert_eq!(iceland.text, server.as_("iceland").get(path).text, "it is frozen");
    for odd in ["/v1/tables/22", "/v1/tables/2021", "/v1/tables/nonsense"] {
        assert_eq!(server.as_("iceland").get(odd).status, 404, "{odd}");
    }
    let mut cells = Vec::new();
    let mut next = Some("/v1/tables?limit=7".to_owned());
    while let Some(path) = next {
        let page = server.as_("iceland").get(&path).json();
        cells.extend(page["items"].as_array().unwrap().clone());
        next = page["next"].as_str().map(|next| format!("/v1/tables?limit=7&after={next}"));
    }
    let whole = server.as_("iceland").get("/v1/tables?limit=200").json();
    assert_eq!(json!(cells), whole["items"]);
    assert_eq!(server.as_("iceland").get("/v1/tables?year=2021").json()["items"], json!([]));
    let csv = server.as_("iceland").get("/v1/tables?format=csv").text;
    assert_eq!(csv.lines().count(), cells.len() + 1);
    assert!(csv.starts_with("year,table,row,column,count\n"), "{csv}");
}
