//! `casque backup`, `restore`, `export --all` and `import --all`: a whole database as two files, and back.

use std::fs;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Outcome;
use super::house::{House, Place, Start};
use super::import::bar;
use super::key_files::{make_private, owners_file};
use crate::policy::Viewer;
use crate::store::{Erased, Manifest, Source};

type Failed = Box<dyn std::error::Error>;

/// Write a backup while the service runs: what is stored and what unwraps it as two files, with a manifest, in a folder of
/// its own below DIR; and, beside them, the ledger of what was erased, which every later restore applies.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Backup {
    #[command(subcommand)]
    what: Option<BackupWhat>,
    #[command(flatten)]
    place: Place,
    /// Folder of the backups.
    #[arg(value_name = "DIR", required = true)]
    to: Option<PathBuf>,
    /// Folder for the file of keys, when it is to be kept apart (it should be, and for 35 days at most).
    #[arg(long, value_name = "DIR")]
    keys_to: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum BackupWhat {
    /// Read a backup back into a temporary database, compare its audit log, and open one seal of each class, showing none.
    Verify(BackupVerify),
}

#[derive(Debug, Args)]
struct BackupVerify {
    /// Folder of the backup.
    from: PathBuf,
    /// Folder of the file of keys, when it is kept apart.
    #[arg(long, value_name = "DIR")]
    keys_from: Option<PathBuf>,
    /// Folder of the operator's keys: master.key and operator.pub.
    #[arg(long, env = "CASQUE_KEYS", value_name = "DIR")]
    keys: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Read a backup back into an empty database, apply the ledger of erasures, and begin a new origin of the audit log. The
/// operator's keys (master.key, operator.pub) are in the folder of keys already: no backup holds them.
#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    place: Place,
    /// Folder of the backup.
    from: PathBuf,
    /// Folder of the file of keys, when it is kept apart.
    #[arg(long, value_name = "DIR")]
    keys_from: Option<PathBuf>,
    /// Ledger of erasures; beside the backup's folder if absent. Without one nothing is restored.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

/// Write everything, to be moved to another database.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,
    /// Folder to write to; it does not exist yet.
    #[arg(long, value_name = "DIR")]
    all: PathBuf,
}

const MANIFEST: &str = "manifest.json";
const VALUES: &str = "values.jsonl";
const KEYS: &str = "keys.jsonl";
const LEDGER: &str = "erasures.jsonl";

fn new_file(path: &Path) -> Result<BufWriter<fs::File>, Failed> {
    Ok(BufWriter::new(owners_file(path)?))
}

/// Writes an archive; every file is on disk when it returns, the manifest last.
fn write(house: &House, folder: &Path, keys_to: &Path) -> Result<Manifest, Failed> {
    make_private(folder)?;
    make_private(keys_to)?;
    let (values, keys) = (new_file(&folder.join(VALUES))?, new_file(&keys_to.join(KEYS))?);
    let bar = bar("writing");
    let manifest = house.store.archive(values, keys, &mut |table, rows| {
        bar.set_message(table.to_owned());
        bar.set_position(rows);
    })?;
    bar.finish_and_clear();
    for path in [folder.join(VALUES), keys_to.join(KEYS)] {
        fs::File::open(path)?.sync_all()?;
    }
    let mut file = new_file(&folder.join(MANIFEST))?;
    file.write_all(serde_json::to_string_pretty(&manifest)?.as_bytes())?;
    file.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    Ok(manifest)
}

fn manifest(folder: &Path) -> Result<Manifest, Failed> {
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|_| format!("{} is no manifest", path.display()))?;
    if manifest.format != "casque-archive" || manifest.version != 1 {
        return Err(format!("{} is of a format that this program does not know", path.display()).into());
    }
    Ok(manifest)
}

/// Reads an archive into an empty database.
fn read(place: &Place, folder: &Path, keys_from: &Path, ledger: &[Erased]) -> Result<Manifest, Failed> {
    let manifest = manifest(folder)?;
    let open = |path: PathBuf| -> Result<BufReader<fs::File>, Failed> {
        Ok(BufReader::new(fs::File::open(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?))
    };
    let (mut values, mut keys) = (open(folder.join(VALUES))?, open(keys_from.join(KEYS))?);
    // Values name epochs, and keys name nothing but each other.
    let sources = vec![
        Source { file: &mut keys, sha256: &manifest.keys_sha256 },
        Source { file: &mut values, sha256: &manifest.values_sha256 },
    ];
    let bar = bar("reading");
    bar.set_length(manifest.rows);
    place.open_empty()?.restore(&manifest, sources, ledger, &mut |table, rows| {
        bar.set_message(table.to_owned());
        bar.set_position(rows);
    })?;
    bar.finish_and_clear();
    Ok(manifest)
}

/// Begins a new origin of the log, whose first entry says where it comes from.
fn begin_origin(place: &Place, manifest: &Manifest, how: &'static str) -> Result<(), Failed> {
    let house = place.open(Start { deskless: true, ..Start::default() })?;
    let last = house.keys.begin_origin()?;
    drop(house);
    let house = place.open(Start::default())?;
    house.store.write(&Viewer::operator(), |w| {
        let detail = json!({
            "made_at": manifest.made_at.and_utc(), "size": manifest.log.size, "root": manifest.log.root,
            "last_checkpoint": last.map(|checkpoint| checkpoint.note),
        });
        w.note_act(how, "log".into(), detail);
        Ok(())
    })?;
    house.settle_audit()
}

fn ledger_of(path: &Path) -> Result<Vec<Erased>, Failed> {
    let text = fs::read_to_string(path).map_err(|e| {
        format!(
            "the ledger of erasures {} cannot be read: {e}; without it what was erased would come back",
            path.display()
        )
    })?;
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).map_err(|_| "the ledger of erasures is damaged".into())).collect()
}

/// Adds what was erased to the ledger beside the backups. It only grows.
fn keep_ledger(path: &Path, erased: &[Erased]) -> Result<usize, Failed> {
    let mut all = if path.exists() { ledger_of(path)? } else { Vec::new() };
    all.extend(
        erased.iter().filter(|one| !all.iter().any(|known| known.record == one.record)).cloned().collect::<Vec<_>>(),
    );
    let text: String = all.iter().map(|one| Ok(serde_json::to_string(one)? + "\n")).collect::<Result<_, Failed>>()?;
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh);
    let mut file = owners_file(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(fresh, path)?;
    Ok(all.len())
}

fn open(place: &Place) -> Result<House, Failed> {
    place.open(Start { deskless: true, existing: true, ..Start::default() })
}

impl Backup {
    pub(super) fn run(self) -> Outcome {
        if let Some(BackupWhat::Verify(command)) = self.what {
            return command.run();
        }
        let to = self.to.ok_or("give the folder of the backups")?;
        let house = open(&self.place)?;
        let name = house.store.now().format("casque-%Y%m%dT%H%M%SZ").to_string();
        let folder = to.join(&name);
        if folder.exists() {
            return Err(format!("{} exists already", folder.display()).into());
        }
        let keys_to = self.keys_to.map_or_else(|| folder.clone(), |apart| apart.join(&name));
        let manifest = write(&house, &folder, &keys_to)?;
        let erased = keep_ledger(&to.join(LEDGER), &house.store.erased()?)?;
        if self.json {
            let text = json!({ "folder": folder, "keys": keys_to, "rows": manifest.rows, "log": manifest.log, "erased": erased });
            println!("{text}");
        } else {
            println!("{} rows in {}, keys in {}", manifest.rows, folder.display(), keys_to.display());
            println!("Audit log: {} entries, root {}", manifest.log.size, manifest.log.root);
            println!("Ledger of erasures: {erased} records in {}", to.join(LEDGER).display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl BackupVerify {
    fn run(self) -> Outcome {
        let temporary = tempfile::Builder::new().prefix("casque-verify-").tempdir()?;
        let place = Place::folder(temporary.path());
        make_private(&temporary.path().join("keys"))?;
        for name in ["master.key", "operator.pub", "system.key"] {
            let from = self.keys.join(name);
            fs::copy(&from, temporary.path().join("keys").join(name))
                .map_err(|e| format!("{} cannot be read: {e}", from.display()))?;
        }
        let manifest = read(&place, &self.from, self.keys_from.as_deref().unwrap_or(&self.from), &[])?;
        let house = place.open(Start::default())?;
        let desk = house.desk.as_ref().ok_or("no desk")?;
        let opened =
            desk.prove(&house.store, &Viewer::operator()).map_err(|e| format!("the backup does not open: {e}"))?;
        if self.json {
            println!("{}", json!({ "rows": manifest.rows, "log": manifest.log, "opened": opened }));
        } else {
            println!("{} rows as they were written; the audit log has root {}", manifest.rows, manifest.log.root);
            println!("One seal opened, and shown to nobody, of each class: {}", opened.join(", "));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub(super) fn run(self) -> Outcome {
        let beside = self.from.parent().unwrap_or(Path::new(".")).join(LEDGER);
        let ledger = ledger_of(self.ledger.as_deref().unwrap_or(&beside))?;
        let manifest = read(&self.place, &self.from, self.keys_from.as_deref().unwrap_or(&self.from), &ledger)?;
        begin_origin(&self.place, &manifest, "log.restore")?;
        println!(
            "{} rows restored, as of {}; {} erasures applied",
            manifest.rows,
            manifest.made_at.and_utc(),
            ledger.len()
        );
        println!("The audit log begins a new origin after {} entries, root {}", manifest.log.size, manifest.log.root);
        Ok(ExitCode::SUCCESS)
    }
}

impl Export {
    pub(super) fn run(self) -> Outcome {
        if self.all.exists() {
            return Err(format!("{} exists already", self.all.display()).into());
        }
        let manifest = write(&open(&self.place)?, &self.all, &self.all)?;
        println!("{} rows in {}", manifest.rows, self.all.display());
        println!("Audit log: {} entries, root {}", manifest.log.size, manifest.log.root);
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads what `export --all` wrote.
pub(super) fn import_all(place: &Place, from: &Path) -> Outcome {
    let manifest = read(place, from, from, &[])?;
    begin_origin(place, &manifest, "log.move")?;
    println!(
        "{} rows moved; the audit log has root {} as before, and begins a new origin",
        manifest.rows, manifest.log.root
    );
    Ok(ExitCode::SUCCESS)
}
