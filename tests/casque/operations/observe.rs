//! What an operator is told, and what not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
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
    let signed = node.try_sign_in(&accounts, "minusma");
    let tokens = signed.json();
    let token = tokens["access_token"].as_str().unwrap();
    let client = node.client(Some(token));
    let made = client.post("/v1/incidents", &ambush());
    let reference = made.json()["reference"].as_str().unwrap().to_owned();
    let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "follow_up", "note": "canary-note"});
    assert_eq!(node.disclose(&accounts, "minusma", token, &ask).status, 201);
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
        "casque_audit_unsigned_seconds ",
        "casque_ledger_behind_seconds ",
        "casque_audit_log_broken 0",
        "casque_restoration_unconfirmed 0",
    ] {
        assert!(metrics.contains(told), "{told}: {metrics}");
    }
    assert_eq!((operators.get("/healthz").status, operators.get("/readyz").status), (200, 200));
    let checks = operators.get("/readyz").json()["checks"].clone();
    let named: Vec<&str> = checks.as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap()).collect();
    let wanted =
        ["database", "audit_log", "class_keys", "checkpoint", "ledger", "ledger_places", "backup", "restoration"];
    assert_eq!(named, wanted);
    assert!(checks[3]["age_seconds"].is_number() && checks[4]["age_seconds"].is_number(), "{checks}");
    assert_eq!((&checks[6]["ok"], &checks[6]["required"]), (&json!(false), &json!(false)), "no backup was made yet");
    assert_eq!(node.client(None).get("/readyz").text, "ready\n", "strangers are told no more");

    until(Duration::from_secs(20), || node.log().contains("unrouted"));
    let log = node.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    let asked = lines
        .iter()
        .find(|line| line["fields"]["route"] == "/v1/incidents/{reference}" || line["fields"]["status"] == 201);
    assert!(asked.is_some_and(|line| line["fields"]["millis"].is_number()), "{log}");
    for (name, text) in [("the log", &log), ("the metrics", &metrics)] {
        for secret in [
            "canary-",
            &reference,
            token,
            tokens["refresh_token"].as_str().unwrap(),
            &account.password,
            &account.email,
            &account.totp_secret,
        ] {
            assert!(!text.contains(secret), "{name} says {secret}");
        }
    }
}

/// A collector of spans: gives its address, and what was sent there.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").unwrap();
            if tell.send((head, body)).is_err() {
                return;
            }
        }
    });
    (address, told)
}

/// Whether bytes hold a text: OTLP's protobuf writes texts as they are, and identifiers as their bytes.
fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_collector_is_sent_a_span_for_every_request_in_the_callers_trace_and_nothing_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = embedded(folder.path());
    let (address, told) = collector();
    let node = Node::start_tracing(&address, &["--data", folder.path().to_str().unwrap()]);
    let token = node.sign_in(&accounts, "minusma");
    let client = node.client(Some(&token));
    let made = client.post("/v1/incidents", &ambush());
    let reference = made.json()["reference"].as_str().unwrap().to_owned();
    let ask = json!({"record": format!("incidents/{reference}"), "class": "confidential", "purpose": "follow_up", "note": "canary-note"});
    assert_eq!(node.disclose(&accounts, "minusma", &token, &ask).status, 201);
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let client = client.with("traceparent", &format!("00-{trace}-{parent}-01")).with("tracestate", "canary=state");
    assert_eq!(client.get("/v1/incidents?noticas_id=canary-query").status, 200);
    assert_eq!(client.get(&format!("/v1/incidents/{reference}")).status, 200);
    assert_eq!(node.terminate(), Some(0), "the last spans are sent before it stops");

    let sent: Vec<(String, Vec<u8>)> = told.try_iter().collect();
    assert!(sent.iter().all(|(head, _)| head.starts_with("POST /v1/traces ")), "{sent:?}");
    let spans: Vec<u8> = sent.into_iter().flat_map(|(_, body)| body).collect();
    for told in ["casque-here", "POST /v1/sessions", "POST /v1/disclosures", "GET /v1/incidents/{reference}", "work"] {
        assert!(holds(&spans, told.as_bytes()), "{told}");
    }
    for identifier in [trace, parent] {
        let bytes: Vec<u8> = (0..identifier.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&identifier[at..at + 2], 16).unwrap())
            .collect();
        assert!(holds(&spans, &bytes), "{identifier}");
    }
    let account = accounts.iter().find(|account| account.email.starts_with("minusma")).unwrap();
    for secret in ["canary-note", "canary-query", &reference, &token, &account.password, &account.email] {
        assert!(!holds(&spans, secret.as_bytes()), "the spans say {secret}");
    }
}

#[test]
fn a_node_without_its_collector_answers_and_stops_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = embedded(folder.path());
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let node = Node::start_tracing(&format!("http://{nobody}"), &["--data", folder.path().to_str().unwrap()]);
    let token = node.sign_in(&accounts, "minusma");
    assert_eq!(node.client(Some(&token)).get("/v1/incidents").status, 200);
    assert_eq!(node.terminate(), Some(0));
}
