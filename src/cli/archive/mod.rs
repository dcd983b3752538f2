//! `casque backup`, `restore`, `export --all` and `import --all`: a whole database as two files, and back.

mod back;
mod files;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use self::back::{Back, bring_back, ledger_for};
use self::files::{Archive, KEYS, MANIFEST, VALUES, write};
use super::Outcome;
use super::output::{say, tell};
use crate::exchange::ledger;
use crate::node::key_files::KeyFiles;
use crate::node::private_files::make_private;
use crate::node::{InstanceArgs, OpenOptions};
use crate::policy::Viewer;
use crate::store::{ArchiveKind, SetBackKind};

type Failed = Box<dyn std::error::Error>;

/// Write a backup while the service runs: what is stored and what unwraps it as two files, with a manifest, in a folder of
/// its own below DIR; and, beside them, the ledger, which every later restore applies. What was written is read back into a temporary
/// database below DIR and compared, and where master.key is at hand one seal of each class is opened.
///
/// Example: casque backup --data casque-data /var/backups/casque --keys-to /mnt/keys
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Backup {
    #[command(subcommand)]
    what: Option<BackupWhat>,
    #[command(flatten)]
    instance: InstanceArgs,
    /// Folder of the backups.
    #[arg(value_name = "DIR", required = true)]
    to: Option<PathBuf>,
    /// Separate folder for the file of keys (recommended; keep that file for 35 days at most). The file goes into a subfolder with the
    /// backup's name.
    #[arg(long, value_name = "DIR")]
    keys_to: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum BackupWhat {
    /// Test a backup: read it into a temporary database, compare its audit log, and open one seal of each class (no value is shown).
    ///
    /// Example: casque backup verify /var/backups/casque/casque-20261128T020000Z --keys-from /mnt/keys --keys casque-data/keys
    Verify(BackupVerify),
}

/// Read a backup back into a temporary database beside it, apply the ledger, compare its audit log, and open one seal of each class,
/// showing none.
///
/// Example: casque backup verify /var/backups/casque/casque-20261128T020000Z --keys-from /mnt/keys --keys casque-data/keys
#[derive(Debug, Args)]
struct BackupVerify {
    /// Folder of the backup.
    from: PathBuf,
    /// Folder of the file of keys, or its parent folder. Needed if the keys are in a separate place.
    #[arg(long, value_name = "DIR")]
    keys_from: Option<PathBuf>,
    /// Folder of the operator's keys: master.key, operator.pub and audit.pub.
    #[arg(long, env = "CASQUE_KEYS", value_name = "DIR")]
    keys: PathBuf,
    #[command(flatten)]
    ledger: LedgerFrom,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Read a backup back into an empty database, apply the ledger, and begin a new origin of the audit log. The operator's keys (master.key,
/// system.key, operator.pub, audit.pub) are in the folder of keys already: no backup holds them. All sessions, links, machine keys, codes and
/// approvals end; what was erased or taken away since the backup is taken away again. Until an officer and an administrator have confirmed
/// that list (POST /v1/restorations/ID/confirmation), nobody else is served.
///
/// Example: casque restore --data casque-data /var/backups/casque/casque-20261128T020000Z --keys-from /mnt/keys
#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Folder of the backup.
    from: PathBuf,
    /// Folder of the file of keys, or its parent folder. Needed if the keys are in a separate place.
    #[arg(long, value_name = "DIR")]
    keys_from: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerFrom,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which ledger is applied.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LedgerFrom {
    /// The ledger file. Needed only if it is neither beside the backup nor in a place that the folder of keys remembers.
    #[arg(long, value_name = "FILE")]
    ledger_file: Option<PathBuf>,
    /// Accept the ledger that ends at the line with this hash, although a newer one is known. It needs --reason too.
    #[arg(long, value_name = "HASH", requires = "reason")]
    ledger_head: Option<String>,
    /// Why you accept an older ledger. The audit log records this text.
    #[arg(long, value_name = "TEXT", requires = "ledger_head")]
    reason: Option<String>,
}

/// Write everything, to be moved to another database.
///
/// Example: casque export --data casque-data --all /tmp/moving
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    instance: InstanceArgs,
    /// Folder to write to. It must not exist yet.
    #[arg(long, value_name = "DIR")]
    all: PathBuf,
}

fn print_back(back: &Back, how: &str) -> Result<(), Failed> {
    let Back { manifest, undone, lines, rotate } = back;
    say!("{} rows {how}, as of {}; {lines} lines of the ledger applied.", manifest.rows, manifest.made_at.and_utc())?;
    say!("The audit log begins a new origin after {} entries, root {}.", manifest.log.size, manifest.log.root)?;
    say!(
        "Older checkpoints that cover more entries can no longer be compared: `casque audit verify` says so, and the log says why."
    )?;
    for one in undone {
        say!("{}", one.said())?;
    }
    if !undone.is_empty() {
        say!(
            "Until an officer and an administrator have confirmed this list (GET /v1/restorations, POST \
             /v1/restorations/ID/confirmation), nobody else is served."
        )?;
    }
    if *rotate {
        say!(
            "The class keys are older than the keys that were used here: put operator.key into the folder of keys, then run casque keys rotate-classes."
        )?;
    }
    Ok(())
}

impl Backup {
    pub(super) fn run(self) -> Outcome {
        if let Some(BackupWhat::Verify(command)) = self.what {
            return command.run();
        }
        let to = std::path::absolute(self.to.ok_or("give the folder of the backups")?)?;
        make_private(&to)?;
        remove_leftovers(&to);
        let mut place = self.instance;
        let start =
            OpenOptions { without_private_keys: true, existing: true, doubtful: true, ..OpenOptions::default() };
        let node = place.open(start)?;
        // From now on the ledger is kept beside the backups, too.
        if place.ledger.is_empty() {
            place.ledger = node.keys.ledger_known()?.places;
            if !place.ledger.contains(&to) {
                place.ledger.push(to.clone());
            }
        }
        drop(node);
        let node = place.open(start)?;
        node.ship()?;
        let name = node.store.now().format("casque-%Y%m%dT%H%M%SZ").to_string();
        let folder = to.join(&name);
        if folder.exists() {
            return Err(format!("{} exists already", folder.display()).into());
        }
        let keys_to = self.keys_to.map_or_else(|| folder.clone(), |apart| apart.join(&name));
        let written = write(&node, ArchiveKind::Backup, &folder, &keys_to).and_then(|manifest| {
            let archive = Archive { folder: &folder, keys_from: keys_to.clone(), manifest: manifest.clone() };
            let open = node.keys.read("master.key")?.is_some();
            let opened = archive.verify(&to, &node.keys, Vec::new(), open)?;
            Ok((manifest, opened))
        });
        let (manifest, opened) = match written {
            Ok(written) => written,
            Err(error) => {
                // What cannot be read back is no backup.
                for path in [folder.join(MANIFEST), folder.join(VALUES), keys_to.join(KEYS)] {
                    let _ = fs::remove_file(path);
                }
                let _ = (fs::remove_dir(&folder), fs::remove_dir(&keys_to));
                return Err(error);
            }
        };
        node.store.backed_up(&Viewer::operator(), &manifest)?;
        let lines = node.ledger_head()?.map_or(0, |(number, _)| number);
        node.settle_audit()?;
        if self.json {
            let text = json!({
                "folder": folder, "keys": keys_to, "rows": manifest.rows, "log": manifest.log, "ledger_lines": lines, "opened": opened,
            });
            say!("{text}")?;
        } else {
            say!("{} rows in {}, keys in {}", manifest.rows, folder.display(), keys_to.display())?;
            say!("Audit log: {} entries, root {}", manifest.log.size, manifest.log.root)?;
            say!("Ledger: {lines} lines in {}", to.join(ledger::FILE).display())?;
            match opened[..] {
                [] => {
                    say!("Read back and compared. To open a seal too, run casque backup verify where master.key is.")?
                }
                _ => say!(
                    "Read back and compared. One seal of each class opens (no value was shown): {}",
                    opened.join(", ")
                )?,
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Temporary databases of verifications that were killed.
fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let old = |path: &Path| {
        let age = fs::metadata(path).and_then(|about| about.modified()).map(|at| at.elapsed().unwrap_or_default());
        age.is_ok_and(|age| age.as_secs() > 24 * 3_600)
    };
    for entry in entries.flatten() {
        let named = entry.file_name().to_str().is_some_and(|name| name.starts_with(".verify-"));
        if named && old(&entry.path()) && fs::remove_dir_all(entry.path()).is_ok() {
            tell(format_args!("Removed {}, which an interrupted verification left behind.", entry.path().display()));
        }
    }
}

impl BackupVerify {
    fn run(self) -> Outcome {
        let archive = Archive::of(&self.from, self.keys_from.as_deref())?;
        let keys = KeyFiles { folder: self.keys };
        let places: Vec<PathBuf> = std::iter::once(keys.folder.clone()).chain(keys.ledger_known()?.places).collect();
        let always = archive.manifest.kind == ArchiveKind::Backup;
        let chain = ledger_for(&archive, &places, &keys, &self.ledger, always)?;
        let beside = self.from.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let opened = archive.verify(beside, &keys, chain.acts(), true)?;
        let (manifest, lines) = (archive.manifest, chain.lines.len());
        if self.json {
            let text = json!({ "rows": manifest.rows, "log": manifest.log, "ledger_lines": lines, "opened": opened });
            say!("{text}")?;
        } else {
            say!("{} rows as they were written; the audit log has root {}", manifest.rows, manifest.log.root)?;
            say!("The ledger of {lines} lines applies to it.")?;
            say!("One seal of each class opens (no value was shown): {}", opened.join(", "))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub(super) fn run(self) -> Outcome {
        let archive = Archive::of(&self.from, self.keys_from.as_deref())?;
        let back = bring_back(&self.instance, archive, SetBackKind::Restore, &self.ledger)?;
        if self.json {
            say!(
                "{}",
                json!({ "rows": back.manifest.rows, "log": back.manifest.log, "ledger_lines": back.lines, "undone": back.undone })
            )?;
        } else {
            print_back(&back, "restored")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Export {
    pub(super) fn run(self) -> Outcome {
        if self.all.exists() {
            return Err(format!("{} exists already", self.all.display()).into());
        }
        let node =
            self.instance.open(OpenOptions { without_private_keys: true, existing: true, ..OpenOptions::default() })?;
        node.ship()?;
        let manifest = write(&node, ArchiveKind::Export, &self.all, &self.all)?;
        // The other place applies it: what is taken away meanwhile is added to it here.
        let ledger = node.keys.path(ledger::FILE);
        if ledger.exists() {
            fs::copy(ledger, self.all.join(ledger::FILE))?;
        }
        say!("{} rows in {}", manifest.rows, self.all.display())?;
        say!("Audit log: {} entries, root {}", manifest.log.size, manifest.log.root)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads what `export --all` wrote.
pub(super) fn import_all(instance: &InstanceArgs, from: &Path, ledger: &LedgerFrom) -> Outcome {
    let archive = Archive::of(from, None)?;
    if archive.manifest.kind == ArchiveKind::Backup {
        return Err("this is a backup: restore it with casque restore".into());
    }
    let back = bring_back(instance, archive, SetBackKind::Move, ledger)?;
    print_back(&back, "moved")?;
    Ok(ExitCode::SUCCESS)
}
