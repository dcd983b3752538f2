//! The files of an archive, and reading them back.

use std::fs;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use seal::{MasterKey, unlock};

use super::Failed;
use crate::cli::output::bar;
use crate::disclosure::Desk;
use crate::node::Node;
use crate::node::key_files::KeyFiles;
use crate::node::private_files::{make_private, owners_file};
use crate::policy::Viewer;
use crate::store::{
    Access, Act, ArchiveKind, Clock, ConnectionOptions, Location, Manifest, OpenDatabase, SetBack, SetBackKind, Source,
    Trust, Undone,
};

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const VALUES: &str = "values.jsonl";
pub(super) const KEYS: &str = "keys.jsonl";

pub(super) fn new_file(path: &Path) -> Result<BufWriter<fs::File>, Failed> {
    Ok(BufWriter::new(owners_file(path)?))
}

/// Writes an archive; every file is on disk when it returns, the manifest last.
pub(super) fn write(node: &Node, kind: ArchiveKind, folder: &Path, keys_to: &Path) -> Result<Manifest, Failed> {
    make_private(folder)?;
    make_private(keys_to)?;
    let (values, keys) = (new_file(&folder.join(VALUES))?, new_file(&keys_to.join(KEYS))?);
    let bar = bar("writing");
    let manifest = node.store.archive(kind, node.ledger_head()?, values, keys, &mut |table, rows| {
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

pub(super) fn manifest(folder: &Path) -> Result<Manifest, Failed> {
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|_| format!("{} is not a manifest", path.display()))?;
    if manifest.format != "casque-archive" || manifest.version != 2 {
        return Err(format!("{} has a format that this program does not know", path.display()).into());
    }
    Ok(manifest)
}

/// Where the file of keys is: beside the values, in the folder that was named, or below that in one of the backup's name.
pub(super) fn keys_folder(folder: &Path, named: Option<&Path>) -> PathBuf {
    let named = named.unwrap_or(folder);
    let below = folder.file_name().map(|name| named.join(name));
    below.filter(|below| !named.join(KEYS).exists() && below.join(KEYS).exists()).unwrap_or_else(|| named.to_owned())
}

/// An archive that is read back.
pub(super) struct Archive<'a> {
    pub(super) folder: &'a Path,
    pub(super) keys_from: PathBuf,
    pub(super) manifest: Manifest,
}

impl Archive<'_> {
    pub(super) fn of<'a>(folder: &'a Path, keys_from: Option<&Path>) -> Result<Archive<'a>, Failed> {
        Ok(Archive { folder, keys_from: keys_folder(folder, keys_from), manifest: manifest(folder)? })
    }

    /// Reads it into an empty database.
    pub(super) fn read(
        &self,
        into: &OpenDatabase,
        back: &SetBack,
        ready: &mut dyn FnMut() -> Result<(), String>,
    ) -> Result<Vec<Undone>, Failed> {
        let open = |path: PathBuf| -> Result<BufReader<fs::File>, Failed> {
            Ok(BufReader::new(fs::File::open(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?))
        };
        let (mut values, mut keys) = (open(self.folder.join(VALUES))?, open(self.keys_from.join(KEYS))?);
        // Values name epochs, and keys name nothing but each other.
        let sources = vec![
            Source { file: &mut keys, sha256: &self.manifest.keys_sha256 },
            Source { file: &mut values, sha256: &self.manifest.values_sha256 },
        ];
        let bar = bar("reading");
        bar.set_length(self.manifest.rows);
        let undone = into.read_back(&self.manifest, sources, back, ready, &mut |table, rows| {
            bar.set_message(table.to_owned());
            bar.set_position(rows);
        });
        bar.finish_and_clear();
        Ok(undone?)
    }

    /// Reads it into a temporary embedded database in a folder, which is removed. Gives the classes of which a seal opened.
    pub(super) fn verify(
        &self,
        beside: &Path,
        keys: &KeyFiles,
        acts: Vec<Act>,
        open: bool,
    ) -> Result<Vec<&'static str>, Failed> {
        let named = || {
            let mut named = tempfile::Builder::new();
            named.prefix(".verify-");
            named
        };
        // Where nothing can be written beside the backup, in the system's own folder.
        let temporary = named().tempdir_in(beside).or_else(|_| named().tempdir())?;
        let file = temporary.path().join("casque.db");
        owners_file(&file)?;
        let (location, connections) = (Location::Sqlite(file), 4);
        let reach = ConnectionOptions { location, standby: None, connections, access: Access::Full };
        let opened = OpenDatabase::open(&reach, Clock::system(), true)?;
        let back = SetBack {
            kind: SetBackKind::Verify,
            acts,
            reason: None,
            as_of: self.manifest.made_at,
            log: self.manifest.log.clone(),
            origin: String::new(),
            previous: None,
        };
        self.read(&opened, &back, &mut || Ok(()))?;
        if !open {
            return Ok(Vec::new());
        }
        // No key is written anywhere: they stay in the operator's folder and in memory.
        let seed =
            keys.seed("master.key")?.ok_or_else(|| format!("{} is missing", keys.path("master.key").display()))?;
        let (granter, opener) = unlock(&MasterKey::from_bytes(*seed), &opened.class_keys()?)
            .map_err(|_| "master.key is not the one of this backup")?;
        let store = opened.into_store(&keys.operator()?, Some(granter), Trust::default())?;
        let desk = Desk::new(opener);
        Ok(desk.prove(&store, &Viewer::operator()).map_err(|e| format!("the backup does not open: {e}"))?)
    }
}
