//! Load and its measurement: keep-alive connections that ask one after another, and what that took.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use casque::cli::DemoAccount;
use casque::identity::{code_at, step_at};
use serde_json::{Value, json};

/// One keep-alive connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::with_capacity(1 << 16, stream), body: Vec::new() }
    }

    /// Sends a request and reads the body of its answer, which is a good one.
    pub fn ask(&mut self, request: &str) -> &[u8] {
        let status = self.try_ask(request);
        assert!(status.contains(" 20"), "{status} {} {request}", String::from_utf8_lossy(&self.body));
        &self.body
    }

    /// Sends a request and reads its answer, whose body has its length; gives the status line.
    fn try_ask(&mut self, request: &str) -> String {
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut length, mut line, mut status) = (0, String::new(), String::new());
        loop {
            line.clear();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "the server hung up: {request}");
            if status.is_empty() {
                status = line.clone();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body).unwrap();
        status
    }
}

/// Sends a request and counts the bytes of a body in chunks, to the end.
pub fn drain(address: &str, request: &str) -> u64 {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
    stream.write_all(request.as_bytes()).unwrap();
    let (mut buffer, mut total, mut tail) = (vec![0; 1 << 16], 0, Vec::new());
    loop {
        let read = stream.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        if total == 0 {
            assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..read]));
        }
        total += read as u64;
        tail.extend_from_slice(&buffer[read.saturating_sub(8)..read]);
        tail.drain(..tail.len().saturating_sub(8));
    }
    assert!(tail.ends_with(b"0\r\n\r\n"), "the body was cut off");
    total
}

/// A GET with a bearer token.
pub fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n")
}

/// A POST of JSON.
pub fn post(path: &str, token: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Rate and latencies of one round.
#[derive(Debug, Clone, Copy, Default)]
pub struct Round {
    /// Requests a second.
    pub rate: f64,
    /// Median latency, ms.
    pub median: f64,
    /// The 99th percentile of latency, ms.
    pub p99: f64,
}

/// Asks over `connections` for `time`; `request` makes each request from its number.
pub fn round(address: &str, connections: usize, time: Duration, request: &(dyn Fn(u64) -> String + Sync)) -> Round {
    let (stop, next) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = Instant::now();
    let mut took: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| {
                    let (mut connection, mut took) = (Connection::open(address), Vec::new());
                    while !stop.load(Ordering::Relaxed) {
                        let request = request(next.fetch_add(1, Ordering::Relaxed));
                        let asked = Instant::now();
                        connection.ask(&request);
                        took.push(asked.elapsed().as_secs_f64() * 1_000.0);
                    }
                    took
                })
            })
            .collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let rate = took.len() as f64 / began.elapsed().as_secs_f64();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| {
        took.get(((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1))).copied().unwrap_or(0.0)
    };
    Round { rate, median: at(0.5), p99: at(0.99) }
}

/// The median of some rounds, by rate.
pub fn median(mut rounds: Vec<Round>) -> Round {
    rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    rounds[rounds.len() / 2]
}

/// A process that ends with this value.
pub struct Running(pub Child);

impl Running {
    /// Starts a program, and gives the first address that it prints.
    pub fn start(command: &mut Command) -> (Self, String) {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("127.0.0.1:").nth(1).unwrap_or_else(|| panic!("{line}"));
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        (Self(child), format!("127.0.0.1:{port}"))
    }

    /// Resident memory, in MB: now, or at its most.
    pub fn resident(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Posts what takes a code of the second factor: the first that was not used yet.
pub fn with_a_code(address: &str, account: &DemoAccount, path: &str, token: &str, body: &Value) -> Value {
    let mut body = body.clone();
    loop {
        let present = step_at(chrono::Utc::now().naive_utc());
        for step in [present, present + 1] {
            body["code"] = json!(code_at(&account.totp_secret, step).unwrap());
            let mut connection = Connection::open(address);
            if connection.try_ask(&post(path, token, "", &body.to_string())).contains(" 20") {
                return serde_json::from_slice(&connection.body).unwrap();
            }
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}
