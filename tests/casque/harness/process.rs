//! Other programs: the one under test and the system's. None is waited for longer than a minute: a test whose child does not end fails.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

pub use rustix::process::Signal;

/// The longest that a program may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a signal to a process of ours.
pub fn signal(id: u32, signal: Signal) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(id, signal).unwrap();
}

/// Sends a signal to a group of processes of ours; it may have ended.
pub fn signal_group(id: u32, signal: Signal) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    let _ = rustix::process::kill_process_group(id, signal);
}

/// Waits until a child ends.
pub fn ended(child: &mut Child) -> ExitStatus {
    ended_within(child, PATIENCE)
}

/// Waits for so long until a child ends.
pub fn ended_within(child: &mut Child, patience: Duration) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > patience {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("a program did not end within {patience:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a program to its end, and gives what it printed.
pub fn output(command: &mut Command) -> Output {
    output_of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// What a child prints until its end.
pub fn output_of(child: Child) -> Output {
    output_within(child, PATIENCE)
}

/// What a child prints until its end, which it reaches in so long.
pub fn output_within(mut child: Child, patience: Duration) -> Output {
    fn read(from: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut read = Vec::new();
            let _ = from.map(|mut from| from.read_to_end(&mut read));
            read
        })
    }
    drop(child.stdin.take());
    let (out, err) = (read(child.stdout.take()), read(child.stderr.take()));
    let status = ended_within(&mut child, patience);
    Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

/// Writes a file that only its owner reads, as keys are.
pub fn write_private(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// Whether the system has a program.
pub fn has(program: &str) -> bool {
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).exists())
}
