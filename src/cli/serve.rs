//! `casque serve` and `casque migrate`.

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use super::Outcome;
use super::house::{House, Place, Start};

/// Serve the API and its interactive documentation (at /docs).
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    place: Place,
    /// Address to listen on.
    #[arg(long, env = "CASQUE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8589")]
    listen: String,
    /// Hold no private keys: answer and accept everything but disclosures.
    #[arg(long)]
    sealed: bool,
    /// Threads that answer.
    #[arg(long, env = "CASQUE_WORKERS", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    workers: u16,
}

/// Bring the database to this program's schema.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    place: Place,
}

impl Migrate {
    pub(super) fn run(self) -> Outcome {
        self.place.migrate()?;
        println!("The database has this program's schema.");
        Ok(ExitCode::SUCCESS)
    }
}

impl Serve {
    pub(super) fn run(self) -> Outcome {
        let house = self.place.open(Start { sealed: self.sealed, ..Start::default() })?;
        let listener = TcpListener::bind(&self.listen).map_err(|e| format!("cannot listen on {}: {e}", self.listen))?;
        let address = listener.local_addr()?;
        until_stopped(house, listener, self.workers.into(), || {
            println!("Casque answers at http://{address}, interactive documentation at /docs/");
        })
    }
}

/// How often entries are placed, and how often the tree is signed.
const PLACE_EVERY: Duration = Duration::from_millis(500);
const SIGN_EVERY: Duration = Duration::from_secs(60);

/// Serves until Ctrl-C or SIGTERM; then lets requests end, places the last audit entries and signs. Tells `ready` once it
/// answers, and listens for the signal to stop.
pub(super) fn until_stopped(house: House, listener: TcpListener, workers: usize, ready: impl FnOnce()) -> Outcome {
    let (app, keeper) = house.into_app()?;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let keeping = std::thread::spawn(move || {
        let mut signed: Option<Instant> = None;
        loop {
            let ended = !matches!(stopped.recv_timeout(PLACE_EVERY), Err(std::sync::mpsc::RecvTimeoutError::Timeout));
            let due = ended || signed.is_none_or(|at| at.elapsed() >= SIGN_EVERY);
            let done = if due { keeper.sign() } else { keeper.place() };
            if let Err(error) = done {
                tracing::error!(%error, "the audit log");
            }
            if due {
                signed = Some(Instant::now());
            }
            if ended {
                return;
            }
        }
    });
    let served = actix_web::rt::System::new().block_on(async {
        let server = actix_web::rt::spawn(crate::api::serve(actix_web::web::Data::new(app), listener, workers)?);
        // Its first turn starts the workers and listens for signals.
        tokio::task::yield_now().await;
        ready();
        server.await.map_err(std::io::Error::other)?
    });
    drop(stop);
    let kept = keeping.join();
    served?;
    kept.map_err(|_| "the audit log's keeper failed")?;
    println!("Stopped.");
    Ok(ExitCode::SUCCESS)
}
