//! Who is not concerned has the published tables, every release of them, the briefing's totals and the public file of fatalities, and
//! solves for what is withheld.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;
use microlp::{ComparisonOp, OptimizationDirection, Problem};
use serde_json::{Value, json};

use crate::harness::{House, ambush};

const K: f64 = 5.0;

/// A made-up incident of a mission with these acts and outcomes, released.
fn incident(house: &House, who: &str, mission: &str, act: &str, outcomes: &[&str]) -> String {
    let mut body = ambush();
    body["mission"] = json!(mission);
    body["act"] = json!(act);
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
        victim["kin_notified_on"] = json!("2022-03-06");
        victim["state_notified_on"] = json!("2022-03-06");
        victim
    };
    body["victims"] = outcomes.iter().map(victim).collect();
    let reference = house.report(who, &body);
    house.release(who, &reference);
    reference
}

/// A case of incidents whose proceeding reached a stage.
fn reached(house: &House, mission: &str, incidents: &[String], stage: &str) {
    let body = json!({"mission": mission, "opened_on": "2022-04-01", "incidents": incidents});
    let case = house.as_("verifier").post("/v1/cases", &body);
    assert_eq!(case.status, 201, "{}", case.text);
    let body = json!({"state": "MLI", "authority": "Made-up court", "opened_on": "2022-04-02",
        "cases": [case.json()["reference"]], "obstacles": ["suspects_at_large"]});
    let proceeding = house.as_("verifier").post("/v1/proceedings", &body);
    assert_eq!(proceeding.status, 201, "{}", proceeding.text);
    let steps = format!("/v1/proceedings/{}/steps", proceeding.json()["reference"].as_str().unwrap());
    let step = json!({"kind": "stage_reached", "stage": stage, "happened_on": "2022-05-01"});
    let step = house.as_("verifier").post(&steps, &step);
    assert_eq!(step.status, 201, "{}", step.text);
}

fn quarter(house: &House) -> String {
    casque::store::quarter_of(house.store.now())
}

fn publish(house: &House) -> Value {
    let quarter = quarter(house);
    let proposed = house.as_("verifier").post("/v1/tables", &json!({"quarter": quarter}));
    assert_eq!(proposed.status, 201, "{}", proposed.text);
    let path = format!("/v1/tables/{quarter}/decision");
    assert_eq!(house.as_("releaser").post(&path, &json!({"release": true})).status, 204);
    let shown = house.as_("iceland").get(&format!("/v1/tables/{quarter}"));
    assert_eq!(shown.status, 200, "{}", shown.text);
    shown.json()
}

/// One number of a table: row, the release with which it was counted, and column.
type Key = (String, String, usize);

/// Linear equations over what is withheld of one table.
#[derive(Default)]
struct System {
    known: HashMap<Key, f64>,
    unknown: Vec<Key>,
    sums: Vec<(Vec<Key>, f64)>,
}

impl System {
    /// Takes in a release of a table. A row that was not counted anew is the row that it was.
    fn take(&mut self, table: &Value) {
        let columns = table["columns"].as_array().unwrap().len();
        let rows = table["rows"].as_array().unwrap();
        let name = |row: &Value, column: usize| {
            (row["label"].as_str().unwrap().to_owned(), row["as_of"].as_str().unwrap().to_owned(), column)
        };
        for row in rows {
            for (column, cell) in row["cells"].as_array().unwrap().iter().enumerate() {
                match cell.as_f64() {
                    Some(count) => drop(self.known.insert(name(row, column), count)),
                    None => self.unknown.push(name(row, column)),
                }
            }
            if let Some(total) = row["total"].as_f64() {
                self.sums.push(((0..columns).map(|column| name(row, column)).collect(), total));
            }
        }
        for (column, total) in table["totals"].as_array().unwrap().iter().enumerate() {
            self.sums.push((rows.iter().map(|row| name(row, column)).collect(), total.as_f64().unwrap()));
        }
        self.unknown.sort();
        self.unknown.dedup();
    }

    fn bound(&self, of: &Key, direction: OptimizationDirection) -> f64 {
        let mut problem = Problem::new(direction);
        let variables: HashMap<&Key, _> = self
            .unknown
            .iter()
            .map(|key| (key, problem.add_var(if key == of { 1.0 } else { 0.0 }, (0.0, f64::INFINITY))))
            .collect();
        for (keys, total) in &self.sums {
            let terms: Vec<_> = keys.iter().filter_map(|key| variables.get(key)).map(|var| (*var, 1.0)).collect();
            let rest: f64 = keys.iter().filter_map(|key| self.known.get(key)).sum();
            if !terms.is_empty() {
                problem.add_constraint(&terms, ComparisonOp::Eq, total - rest);
            }
        }
        match problem.solve() {
            Ok(outcome) => outcome.into_solution().unwrap().objective(),
            Err(microlp::Error::Unbounded) => f64::INFINITY,
            Err(error) => panic!("{error}"),
        }
    }

    /// The least and the most that each withheld number can be, with the most that is public of it.
    fn solved(&self) -> Vec<(Key, f64, f64, f64)> {
        let solve = |key: &Key| {
            let public = self.sums.iter().filter(|(keys, _)| keys.contains(key)).map(|(_, total)| *total);
            let low = self.bound(key, OptimizationDirection::Minimize);
            (key.clone(), low, self.bound(key, OptimizationDirection::Maximize), public.fold(f64::INFINITY, f64::min))
        };
        self.unknown.iter().map(solve).collect()
    }
}

/// Nothing withheld that may be less than five can be told to a range of less than five, but where less than five is public anyway.
fn solves_nothing(releases: &[Value]) -> usize {
    let mut systems: BTreeMap<String, System> = BTreeMap::new();
    for release in releases {
        for table in release["tables"].as_array().unwrap() {
            systems.entry(table["table"].as_str().unwrap().to_owned()).or_default().take(table);
        }
    }
    let mut withheld = 0;
    for (table, system) in &systems {
        for (key, low, high, public) in system.solved() {
            withheld += 1;
            let is_told = low < K - 1e-6 && high - low < K.min(public) - 1e-6;
            assert!(!is_told, "{table} {key:?} lies between {low} and {high} of {public}");
        }
    }
    withheld
}

#[test]
fn a41_figures_of_all_releases_with_the_briefing_and_the_public_file_give_no_withheld_figure() {
    let house = House::start();
    let mut made: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (who, mission, fatal) in [("minusma", "MINUSMA", 12), ("unifil", "UNIFIL", 7)] {
        for _ in 0..fatal {
            made.entry(mission).or_default().push(incident(&house, who, mission, "killing", &["killed"]));
        }
    }
    // Three whose proceedings came to a judgement, in one mission: what the attacker is after.
    reached(&house, "MINUSMA", &made["MINUSMA"][..3], "first_judgement");
    reached(&house, "UNIFIL", &made["UNIFIL"][..6], "investigation");
    for act in ["unlawful_detention", "attack_on_premises", "assault", "assault", "assault", "assault", "assault"] {
        incident(&house, "minusma", "MINUSMA", act, &["injured", "unharmed"]);
        incident(&house, "unifil", "UNIFIL", act, &["detained", "injured"]);
    }
    let first = publish(&house);
    let stages =
        first["tables"].as_array().unwrap().iter().find(|one| one["table"] == "fatal_incidents_by_stage").unwrap();
    let row =
        |label: &str| stages["rows"].as_array().unwrap().iter().find(|row| row["label"] == label).unwrap().clone();
    assert_eq!((&row("MINUSMA")["total"], &row("MINUSMA")["cells"][3]), (&json!(12), &Value::Null), "{stages:#}");
    assert!(solves_nothing(std::slice::from_ref(&first)) > 0);

    // Next quarter: one more judgement changes nothing that is published; many more do.
    house.pass(TimeDelta::days(95));
    reached(&house, "UNIFIL", &made["UNIFIL"][6..], "first_judgement");
    let second = publish(&house);
    let tables = |release: &Value| release["tables"].clone();
    assert!(tables(&first) == tables(&second), "one incident moved, and nobody sees it");
    house.pass(TimeDelta::days(95));
    for _ in 0..24 {
        made.get_mut("UNIFIL").unwrap().push(incident(&house, "unifil", "UNIFIL", "killing", &["killed"]));
    }
    reached(&house, "UNIFIL", &made["UNIFIL"][7..14], "first_judgement");
    reached(&house, "UNIFIL", &made["UNIFIL"][14..20], "trial");
    reached(&house, "UNIFIL", &made["UNIFIL"][20..26], "investigation");
    let third = publish(&house);
    assert!(tables(&second) != tables(&third), "{third:#}");
    let all = [first, second, third];
    assert!(solves_nothing(&all) > 0);

    // The briefing's totals are those of all missions, which the tables state too: they tell nothing more.
    let year = "2022";
    let figures = house.store.read(&casque::policy::Scope::Everything, |r| {
        casque::briefing::figures(r, year.parse().unwrap(), house.store.now())
    });
    let figures = serde_json::to_value(figures.unwrap()).unwrap();
    let public: i64 = figures["by_mission"]["missions"]
        .as_object()
        .unwrap()
        .values()
        .map(|one| one["incidents"].as_i64().unwrap())
        .sum();
    let total = |table: &str| {
        let tables = all[2]["tables"].as_array().unwrap();
        let found = tables.iter().find(|one| one["table"] == table).unwrap();
        found["totals"].as_array().unwrap().iter().map(|one| one.as_i64().unwrap()).sum::<i64>()
    };
    assert_eq!(total("fatal_incidents_by_stage") + total("other_incidents_by_act"), public);
    // The public file has the dead row by row: the totals of rows are its own, and were never withheld.
    for release in &all {
        let table = release["tables"].as_array().unwrap().iter().find(|one| one["table"] == "fatal_incidents_by_stage");
        assert!(table.unwrap()["rows"].as_array().unwrap().iter().all(|row| row["total"].is_number()));
    }
}

#[test]
fn tables_are_released_by_a_second_person_once_a_quarter_and_are_the_same_for_everybody() {
    let house = House::start();
    for _ in 0..6 {
        incident(&house, "minusma", "MINUSMA", "killing", &["killed"]);
    }
    let quarter = quarter(&house);
    let propose = |who: &str, quarter: &str| house.as_(who).post("/v1/tables", &json!({"quarter": quarter}));
    for who in ["minusma", "mali", "iceland", "auditor", "administrator"] {
        assert_eq!(propose(who, &quarter).status, 403, "{who}");
    }
    assert_eq!(propose("verifier", "1999-Q1").pointers(), ["/quarter"]);
    assert_eq!(propose("verifier", &quarter).status, 201);
    let path = format!("/v1/tables/{quarter}");
    assert_eq!((house.as_("iceland").get(&path).status, house.as_("releaser").get(&path).status), (404, 200));
    assert_eq!(house.as_("iceland").get("/v1/tables").json()["items"], json!([]));
    let decide = |who: &str, release: bool| {
        house.as_(who).post(&format!("{path}/decision"), &json!({"release": release})).status
    };
    assert_eq!((decide("verifier", true), decide("mali", true), decide("minusma", true)), (403, 403, 403));
    assert_eq!(decide("releaser", false), 204, "declined");
    assert_eq!((decide("releaser", true), propose("releaser", &quarter).status), (404, 201));
    assert_eq!(decide("briefing", true), 204);
    assert_eq!((propose("verifier", &quarter).status, decide("senior", false)), (409, 404));
    let (iceland, mali) = (house.as_("iceland").get(&path), house.as_("mali").get(&path));
    assert_eq!((iceland.status, &iceland.text), (200, &mali.text));
    assert_eq!(iceland.text, house.as_("auditor").get(&path).text);
    let mut cells = Vec::new();
    let mut next = Some("/v1/tables?limit=7".to_owned());
    while let Some(path) = next {
        let page = house.as_("iceland").get(&path).json();
        cells.extend(page["items"].as_array().unwrap().clone());
        next = page["next"].as_str().map(|next| format!("/v1/tables?limit=7&after={next}"));
    }
    let whole = house.as_("iceland").get("/v1/tables?limit=200").json();
    assert_eq!(json!(cells), whole["items"]);
    let csv = house.as_("iceland").get("/v1/tables?format=csv").text;
    assert_eq!(csv.lines().count(), cells.len() + 1);
    assert!(csv.starts_with("quarter,table,row,as_of,column,count\n"), "{csv}");
}
