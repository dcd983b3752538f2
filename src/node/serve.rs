//! Serving: the listener, the threads that answer, and the background tasks beside them, until the node is told to stop.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::{BackgroundTasks, Failed, Node};
use crate::api::Limits;

/// How often heartbeats are read and sent, audit entries placed and tallies folded, and the tree is signed.
const HEARTBEAT_EVERY: Duration = Duration::from_millis(250);
const PLACE_EVERY: Duration = Duration::from_millis(500);
const SIGN_EVERY: Duration = Duration::from_secs(60);
/// How often keys are read again.
const KEYS_EVERY: Duration = Duration::from_secs(15);

/// Runs the background tasks until the node stops; then places and signs the last audit entries. Returns whether that succeeded.
fn run_background(tasks: &BackgroundTasks, stopped: &std::sync::mpsc::Receiver<()>) -> bool {
    let tell = |what: &'static str, done: Result<(), Box<dyn std::error::Error>>| match done {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "{what}");
            false
        }
    };
    let (mut placed, mut signed): (Option<Instant>, Option<Instant>) = (None, None);
    let mut read = Instant::now();
    loop {
        tell("the heartbeat", tasks.heartbeat());
        let ended = !matches!(stopped.recv_timeout(HEARTBEAT_EVERY), Err(std::sync::mpsc::RecvTimeoutError::Timeout));
        if ended || signed.is_none_or(|at| at.elapsed() >= SIGN_EVERY) {
            let is_signed = tell("the audit log", tasks.sign());
            if ended {
                return is_signed;
            }
            (placed, signed) = (Some(Instant::now()), Some(Instant::now()));
        } else if placed.is_none_or(|at| at.elapsed() >= PLACE_EVERY) {
            tell("the audit log", tasks.place());
            placed = Some(Instant::now());
        }
        if read.elapsed() >= KEYS_EVERY {
            tell("the keys", tasks.keys());
            read = Instant::now();
        }
    }
}

/// How a node serves.
#[derive(Debug)]
pub(crate) struct Serving {
    /// Where the API answers.
    pub(crate) listener: TcpListener,
    /// Where operators are answered.
    pub(crate) operators: Option<TcpListener>,
    /// Threads that answer.
    pub(crate) workers: usize,
    /// What the node takes at once.
    pub(crate) limits: Limits,
    /// With what it answers over TLS, if it does.
    pub(crate) tls: Option<rustls::ServerConfig>,
}

/// Serves until Ctrl-C or SIGTERM; then lets requests end, places the last audit entries and signs. Calls `ready` once it
/// answers and listens for the signal to stop.
///
/// # Errors
/// One sentence: the listener, or that the last audit entries are not signed.
pub(crate) fn until_stopped(node: Node, serving: Serving, ready: impl FnOnce()) -> Result<(), Failed> {
    let Serving { listener, operators, workers, limits, tls } = serving;
    // Keys and what passes through are in this process's memory: when it falls, none of it is written down.
    rlimit::setrlimit(rlimit::Resource::CORE, 0, 0)?;
    let (mut app, tasks) = node.into_app()?;
    app.limits = limits;
    let app = actix_web::web::Data::new(app);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let background = std::thread::spawn(move || run_background(&tasks, &stopped));
    let served = actix_web::rt::System::new().block_on(async {
        if let Some(operators) = operators {
            actix_web::rt::spawn(crate::api::serve_operators(app.clone(), operators)?);
        }
        let server = actix_web::rt::spawn(crate::api::serve(app, listener, workers, tls)?);
        // Its first turn starts the workers and listens for signals.
        tokio::task::yield_now().await;
        ready();
        server.await.map_err(std::io::Error::other)?
    });
    drop(stop);
    let signed = background.join();
    served?;
    if !signed.map_err(|_| "the background tasks failed")? {
        return Err("the service stopped, but the last entries of the audit log are not signed: the service's log on standard error says why".into());
    }
    Ok(())
}
