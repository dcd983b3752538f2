//! What a stranger may cost: the head of a request is judged before anything else of it is read.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Map, json};

use crate::harness::{Client, TestServer};

fn asks(server: &TestServer, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn status(stream: &mut TcpStream) -> String {
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[9..]).into_owned()
}

#[test]
fn slow_bodies_of_one_network_leave_everybody_else_served() {
    let server = TestServer::behind_proxy();
    let slow: Vec<TcpStream> = (0..300)
        .map(|at| {
            asks(&server, &format!(
                "POST /v1/sessions HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.{}\r\nContent-Type: application/json\r\n\
                 Content-Length: 500\r\n\r\n{{",
                at % 250
            ))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    let account = server.account("verifier").clone();
    let elsewhere = |client: Client| client.with("x-forwarded-for", "203.0.113.9");
    let began = Instant::now();
    let body = json!({"email": account.email, "password": account.password, "code": server.code("verifier")});
    let signed = elsewhere(server.anonymous()).post("/v1/sessions", &body);
    assert_eq!(signed.status, 201, "{}", signed.text);
    let client = elsewhere(server.with_token(signed.json()["access_token"].as_str().unwrap()));
    for _ in 0..20 {
        assert_eq!(client.get("/v1/incidents").status, 200);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let told = slow.into_iter().filter_map(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).ok().map(|()| String::from_utf8_lossy(&answer[9..]).into_owned())
    });
    let told: Vec<String> = told.collect();
    assert!(told.len() >= 268 && told.iter().all(|status| status == "429"), "32 are read at once: {}", told.len());
}

#[test]
fn nothing_of_a_body_is_read_without_a_good_token() {
    let server = TestServer::start();
    let file = "POST /v1/imports HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 16000000\r\n";
    for authorization in
        ["", "Authorization: x\r\n", "Authorization: Bearer x\r\n", "Authorization: Bearer casque_x\r\n"]
    {
        let began = Instant::now();
        let mut stream = asks(&server, &format!("{file}{authorization}\r\n"));
        assert_eq!(status(&mut stream), "401", "{authorization}");
        assert!(began.elapsed() < Duration::from_secs(2));
    }
    // Whoever imports nothing sends no file.
    let token = server.as_("minusma").token().unwrap().to_owned();
    let mut stream = asks(&server, &format!("{file}Authorization: Bearer {token}\r\n\r\n"));
    assert_eq!(status(&mut stream), "403");
    let long = json!({"email": "x".repeat(20_000), "password": "x"});
    assert_eq!(server.anonymous().post("/v1/sessions", &long).status, 413, "a stranger sends 16 KiB");
}

#[test]
fn an_answer_lists_a_hundred_faults_and_an_address_is_no_book() {
    let server = TestServer::start();
    let many: String = (0..2_000).map(|at| format!("n{at}&")).collect();
    assert_eq!(server.anonymous().get(&format!("/v1/incidents?{many}")).status, 400);
    let some: String = (0..500).map(|at| format!("n{at}&")).collect();
    assert_eq!(server.anonymous().get(&format!("/v1/incidents?{some}")).status, 401, "who asks comes first");
    assert_eq!(server.as_("mali").get(&format!("/v1/incidents?{some}")).pointers().len(), 100);
    let body = Map::from_iter((0..400).map(|at| (format!("n{at}"), json!(1))));
    assert_eq!(server.as_("minusma").post("/v1/incidents", &json!(body)).pointers().len(), 100);
}

#[test]
fn an_account_sends_one_file_at_a_time() {
    let server = TestServer::start();
    let head = |who: &str| {
        format!(
            "POST /v1/imports?dry_run=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: text/csv\r\n",
            server.as_(who).token().unwrap()
        )
    };
    let first = asks(&server, &format!("{}Content-Length: 1000000\r\n\r\nid,", head("verifier")));
    std::thread::sleep(Duration::from_millis(300));
    let mut second = asks(&server, &format!("{}Content-Length: 3\r\n\r\nid,", head("verifier")));
    assert_eq!(status(&mut second), "503");
    let mut other = asks(&server, &format!("{}Content-Length: 3\r\n\r\nid,", head("releaser")));
    assert_eq!(status(&mut other), "400", "another's is read");
    drop(first);
    std::thread::sleep(Duration::from_millis(300));
    let mut again = asks(&server, &format!("{}Content-Length: 3\r\n\r\nid,", head("verifier")));
    assert_eq!(status(&mut again), "400", "until the first ends");
}

#[test]
fn a_file_of_nothing_but_faults_is_refused_whole() {
    let server = TestServer::start();
    let header = "id,incident_date,casualty_id,mission_acronym,type_of_casualty,gender,casualty_nationality,\
                  casualty_personnel_type,type_of_incident,m49_code,isocode3,last_update\n";
    let of = |rows: usize| {
        server.as_("verifier").post_text("/v1/imports?dry_run=true", format!("{header}{}", "x\n".repeat(rows)))
    };
    let refused = of(100_000);
    assert_eq!(refused.status, 400);
    assert!(refused.text.len() < 1_000 && refused.text.contains("more than 10000 rows"), "{}", refused.text);
}
