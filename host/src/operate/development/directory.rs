//! The private directory: where it is, what lies in it, and who may enter.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{DevelopmentError, Options, account::Account};

/// What the names of temporary directories begin with: before their locks are held, from then on, and while they are removed. What comes
/// after has no `-`.
const NEW_PREFIX: &str = "chitin-new-";
const TEMPORARY_PREFIX: &str = "chitin-dev-";
const REMOVED_PREFIX: &str = "chitin-removed-";

/// How old a directory has to be that never got the second of those names, before it counts as forgotten. Far longer than a host needs.
const LONGEST_UNPUBLISHED: Duration = Duration::from_hours(1);

/// What the names of unfinished data directories begin with.
const UNFINISHED_PREFIX: &str = "initdb-";

/// The longest folder that a socket may lie in. A socket's whole path has at most 107 bytes on Linux and 103 elsewhere, and
/// `/.s.PGSQL.5432` takes 14 of them.
const MAX_SOCKET_FOLDER_BYTES: usize = 103 - 14;

/// How much of the end of the server's log goes into an error.
const TAIL_LINES: usize = 20;

/// A directory that is ours.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Who runs the server.
    pub(super) account: Account,
    /// It is removed with the server.
    pub(super) temporary: bool,
}

impl Directory {
    /// Makes the directory that the options ask for, or takes the one that is there.
    pub(super) fn open(options: &Options) -> Result<Self, DevelopmentError> {
        let path = if options.ephemeral {
            let folder = temporary_folder(options)?;
            create_shared(&folder)?;
            tempfile::Builder::new()
                .prefix(NEW_PREFIX)
                .tempdir_in(&folder)
                .map_err(DevelopmentError::file("make a directory in", &folder))?
                .keep()
        } else {
            kept(options)?
        };
        let path = fs::canonicalize(&path).map_err(DevelopmentError::file("enter", &path))?;
        let directory = Self {
            account: Account::of(&path.join("data"))?,
            temporary: options.ephemeral,
            path,
        };
        // Others could not enter what lies in there anyway: this closes the outer door as well.
        directory
            .account
            .admit(&directory.path)
            .map_err(DevelopmentError::file("make private", &directory.path))?;
        Ok(directory)
    }

    /// Gives a new temporary directory the name by which it can be left behind. Only when its locks are held.
    pub(super) fn publish(&mut self) -> Result<(), DevelopmentError> {
        if self.temporary {
            self.rename(TEMPORARY_PREFIX)?;
        }
        Ok(())
    }

    /// Temporary directories that have been in use, and may be still: their locks tell. Remains that nobody can use are removed at once.
    pub(super) fn left_behind(options: &Options) -> Vec<Self> {
        let Ok(folder) = temporary_folder(options) else {
            return Vec::new();
        };
        let ours = rustix::process::geteuid().as_raw();
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if !metadata.is_dir() || metadata.uid() != ours {
                continue;
            }
            let name = entry.file_name();
            let begins = |prefix: &str| name.as_bytes().starts_with(prefix.as_bytes());
            let age = metadata.modified().map(|time| time.elapsed());
            let forgotten = matches!(age, Ok(Ok(age)) if age > LONGEST_UNPUBLISHED);
            if begins(TEMPORARY_PREFIX) {
                found.push(Self {
                    path: entry.path(),
                    account: Account::Ours,
                    temporary: true,
                });
            } else if begins(REMOVED_PREFIX) || (begins(NEW_PREFIX) && forgotten) {
                // Somebody else may be removing it at the same time, and the next start tries again.
                drop(fs::remove_dir_all(entry.path()));
            }
        }
        found
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The server's data.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// What the server writes.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    /// The version of the server that was started last.
    pub(super) fn version(&self) -> PathBuf {
        self.path.join("version")
    }

    /// Holds the process that was told to stop: until it has noticed, it looks as if it ran on.
    pub(super) fn stopping(&self) -> PathBuf {
        self.path.join("stopping")
    }

    pub(super) fn start_lock(&self) -> PathBuf {
        self.path.join("start.lock")
    }

    pub(super) fn users_lock(&self) -> PathBuf {
        self.path.join("users.lock")
    }

    /// The error of a step that took too long.
    pub(super) fn timeout(&self, step: &'static str) -> DevelopmentError {
        DevelopmentError::Timeout {
            step,
            log: self.log(),
            tail: self.log_tail(),
        }
    }

    /// How much the server has written.
    pub(super) fn log_bytes(&self) -> u64 {
        fs::metadata(self.log()).map_or(0, |log| log.len())
    }

    /// What the server has written after that.
    pub(super) fn log_since(&self, bytes: u64) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let start = usize::try_from(bytes).unwrap_or(usize::MAX).min(log.len());
        String::from_utf8_lossy(&log[start..]).into_owned()
    }

    /// The last lines of the server's log.
    pub(super) fn log_tail(&self) -> String {
        let log = self.log_since(0);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Makes the folder of the socket, private to the server's user.
    pub(super) fn prepare_socket(&self) -> Result<PathBuf, DevelopmentError> {
        let socket = self.socket();
        make_private(&socket, self.account)?;
        Ok(socket)
    }

    /// Removes the socket's folder if it is not in this directory.
    pub(super) fn remove_socket(&self) {
        let socket = self.socket();
        if !socket.starts_with(&self.path) {
            // Only an empty folder goes, and an empty folder harms nobody if it stays.
            drop(fs::remove_dir(socket));
        }
    }

    /// The folder of the socket: in this directory, or somewhere shorter, the same for every host.
    fn socket(&self) -> PathBuf {
        let inside = self.path.join("socket");
        if inside.as_os_str().len() <= MAX_SOCKET_FOLDER_BYTES {
            inside
        } else {
            short_socket_folder(&self.path)
        }
    }

    /// A new, empty, unfinished data directory of the server's account. It goes with the handle, unless it has been renamed.
    pub(super) fn unfinished_data(&self) -> Result<TempDir, DevelopmentError> {
        let unfinished = tempfile::Builder::new()
            .prefix(UNFINISHED_PREFIX)
            .tempdir_in(&self.path)
            .map_err(DevelopmentError::file("make a directory in", &self.path))?;
        self.account
            .give(unfinished.path())
            .map_err(DevelopmentError::file("make private", unfinished.path()))?;
        Ok(unfinished)
    }

    /// Removes what hosts that were killed have left half done.
    pub(super) fn remove_unfinished(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if entry
                .file_name()
                .as_bytes()
                .starts_with(UNFINISHED_PREFIX.as_bytes())
            {
                // An orphaned initdb may still be writing there. The next start tries again.
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }

    /// Removes everything. It gets another name first, so that nobody takes half of it for a directory to use.
    pub(super) fn remove(&mut self) -> Result<(), DevelopmentError> {
        self.rename(REMOVED_PREFIX)?;
        fs::remove_dir_all(&self.path).map_err(DevelopmentError::file("remove", &self.path))
    }

    /// Puts another beginning before the random end of a temporary directory's name.
    fn rename(&mut self, prefix: &str) -> Result<(), DevelopmentError> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let (_, random) = name.rsplit_once('-').unwrap_or_default();
        let renamed = self.path.with_file_name(format!("{prefix}{random}"));
        fs::rename(&self.path, &renamed).map_err(DevelopmentError::file("rename", &self.path))?;
        self.path = renamed;
        Ok(())
    }
}

/// Where our user's data lies, as the XDG base directory specification has it. Root's is the system's, because the server's user could
/// not enter root's home.
pub(super) fn data_home() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/var/lib"));
    }
    let named = env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    named
        .filter(|path| path.is_absolute())
        .or_else(|| env::home_dir().map(|home| home.join(".local/share")))
}

fn temporary_folder(options: &Options) -> Result<PathBuf, DevelopmentError> {
    match &options.directory {
        Some(folder) if options.ephemeral => absolute(folder),
        _ => Ok(env::temp_dir()),
    }
}

/// A directory that outlives the server. One that was there before has to be empty or ours.
fn kept(options: &Options) -> Result<PathBuf, DevelopmentError> {
    let path = match &options.directory {
        Some(path) => absolute(path)?,
        None => data_home()
            .ok_or(DevelopmentError::NoHome)?
            .join("chitin/development"),
    };
    if let Some(parent) = path.parent() {
        create_shared(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(DevelopmentError::file("make", &path)(error))
        }
        _ => {
            let mut entries = fs::read_dir(&path).map_err(DevelopmentError::file("read", &path))?;
            if entries.next().is_some() && !path.join("users.lock").exists() {
                return Err(DevelopmentError::NotOurs(path));
            }
            Ok(path)
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, DevelopmentError> {
    std::path::absolute(path).map_err(DevelopmentError::file("resolve", path))
}

/// Makes the folders above. Root's have to let the server's user pass.
fn create_shared(folder: &Path) -> Result<(), DevelopmentError> {
    let mode = if rustix::process::geteuid().is_root() {
        0o755
    } else {
        0o700
    };
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(folder)
        .map_err(DevelopmentError::file("make", folder))
}

/// A short folder for the socket of a directory, the same for every host that uses it.
fn short_socket_folder(directory: &Path) -> PathBuf {
    let digest = hex::encode(Sha256::digest(directory.as_os_str().as_bytes()));
    let name = format!("chitin-{}", digest.get(..16).unwrap_or(&digest));
    let user = rustix::process::geteuid();
    let runtime = if user.is_root() {
        PathBuf::from("/run")
    } else {
        PathBuf::from(format!("/run/user/{}", user.as_raw()))
    };
    let base = if runtime.is_dir() {
        runtime
    } else {
        PathBuf::from("/tmp")
    };
    base.join(name)
}

/// Makes a folder that only the account can enter. In a folder like `/tmp` somebody else may have made it first.
fn make_private(folder: &Path, account: Account) -> Result<(), DevelopmentError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(DevelopmentError::file("make", folder)(error));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(folder).map_err(DevelopmentError::file("look at", folder))?;
    if !found.is_dir() || found.mode() & 0o077 != 0 {
        return Err(DevelopmentError::SocketNotPrivate(folder.to_owned()));
    }
    if found.uid() == account.uid() {
        Ok(())
    } else if found.uid() == rustix::process::geteuid().as_raw() {
        account
            .give(folder)
            .map_err(DevelopmentError::file("make private", folder))
    } else {
        Err(DevelopmentError::SocketNotPrivate(folder.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MAX_SOCKET_FOLDER_BYTES, short_socket_folder};

    #[test]
    fn a_long_path_gets_a_short_socket_folder_of_its_own() {
        let one = short_socket_folder(Path::new("/a/long/path"));
        assert!(one.as_os_str().len() <= MAX_SOCKET_FOLDER_BYTES);
        assert_eq!(one, short_socket_folder(Path::new("/a/long/path")));
        assert_ne!(one, short_socket_folder(Path::new("/another")));
    }
}
