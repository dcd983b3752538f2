//! What an operator is told, and what not.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use super::node::{Node, embedded, until};
use crate::harness::{Client, ambush};

#[test]
fn metrics_and_logs_tell_of_every_request_and_of_nothing_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = embedded(folder.path());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let node = Node::start_logging("debug", &["--data", folder.path().to_str().unwrap(), "--metrics", &free]);
    let account = accounts.iter().find(|account| account.email.starts_with("minusma")).unwrap();
    let signed = node.client(None).post("/v1/sessions", &json!({"email": account.email, "password": account.password}));
    let tokens = signed.json();
    let token = tokens["access_token"].as_str().unwrap();
    let client = node.client(Some(token));
    let made = client.post("/v1/incidents", &ambush());
    let reference = made.json()["reference"].as_str().unwrap().to_owned();
    let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "follow_up", "note": "canary-note"});
    assert_eq!(client.post("/v1/disclosures", &ask).status, 201);
    assert_eq!(client.get("/v1/incidents?noticas_id=canary-query").status, 200);
    assert_eq!(client.get("/v1/nowhere/canary-path").status, 404);
    assert_eq!(node.client(None).get("/metrics").status, 404, "not where the public asks");

    let operators = Client::at(&format!("http://{free}"), None);
    let metrics = operators.get("/metrics").text;
    for told in [
        "casque_requests_total{method=\"POST\",route=\"/v1/incidents\",status=\"201\"} 1",
        "casque_requests_total{method=\"GET\",route=\"unrouted\",status=\"404\"}",
        "casque_request_seconds_bucket{method=\"GET\",route=\"/v1/incidents\"",
        "casque_requests_in_flight ",
        "casque_database_connections ",
        "casque_audit_entries_unplaced ",
        "casque_values_opened ",
        "casque_resident_bytes ",
    ] {
        assert!(metrics.contains(told), "{told}: {metrics}");
    }
    assert_eq!((operators.get("/healthz").status, operators.get("/readyz").status), (200, 200));

    until(Duration::from_secs(20), || node.log().contains("unrouted"));
    let log = node.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    let asked = lines
        .iter()
        .find(|line| line["fields"]["route"] == "/v1/incidents/{reference}" || line["fields"]["status"] == 201);
    assert!(asked.is_some_and(|line| line["fields"]["millis"].is_number()), "{log}");
    for (name, text) in [("the log", &log), ("the metrics", &metrics)] {
        for secret in
            ["canary-", &reference, token, tokens["refresh_token"].as_str().unwrap(), &account.password, &account.email]
        {
            assert!(!text.contains(secret), "{name} says {secret}");
        }
    }
}
