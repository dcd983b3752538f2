//! Files and folders for their owner alone: keys, databases, backups.

use std::fs::{self, OpenOptions};
use std::path::Path;

type Failed = Box<dyn std::error::Error>;

/// Refuses a key that others may read, as ssh does. A secret that a container mounts belongs to root, and the service reads it as a member
/// of its group.
#[cfg(unix)]
pub(crate) fn refuse_shared(path: &Path, file: &fs::File) -> Result<(), Failed> {
    use std::os::unix::fs::MetadataExt as _;
    let about = file.metadata()?;
    let own = about.mode() & 0o077 == 0;
    let mounted = || {
        let in_group = rustix::process::getegid().as_raw() == about.gid()
            || rustix::process::getgroups()
                .is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == about.gid()));
        about.uid() == 0 && about.mode() & 0o037 == 0 && in_group
    };
    if own || mounted() {
        return Ok(());
    }
    Err(format!(
        "other users can read {} (mode {:04o}): let only its owner read it (chmod 600)",
        path.display(),
        about.mode() & 0o7777
    )
    .into())
}

#[cfg(not(unix))]
pub(crate) fn refuse_shared(_: &Path, _: &fs::File) -> Result<(), Failed> {
    Ok(())
}

/// Refuses to work as root in another's folder: the service could not read what root leaves there, and would not start again.
#[cfg(unix)]
pub(crate) fn refuse_root(folder: &Path) -> Result<(), Failed> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(about) = fs::metadata(folder) else { return Ok(()) };
    if !rustix::process::geteuid().is_root() || about.uid() == 0 {
        return Ok(());
    }
    let folder = folder.display();
    let uid = about.uid();
    Err(format!(
        "{folder} belongs to user {uid}, who could not read what root writes: run this as that user (setpriv --reuid={uid} --clear-groups casque \
         …, or runuser -u NAME -- casque …)"
    )
    .into())
}

#[cfg(not(unix))]
pub(crate) fn refuse_root(_: &Path) -> Result<(), Failed> {
    Ok(())
}

/// A new file that only its owner reads.
pub(crate) fn owners_file(path: &Path) -> Result<fs::File, Failed> {
    path.parent().map_or(Ok(()), refuse_root)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|e| format!("{} cannot be written: {e}", path.display()).into())
}

/// A folder that only its owner enters: made, or entered.
pub(crate) fn make_private(folder: &Path) -> Result<(), Failed> {
    refuse_root(folder)?;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|e| format!("{} cannot be made or entered: {e}", folder.display()).into())
}
