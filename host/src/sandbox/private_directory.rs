use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _, Write as _},
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStringExt as _, fs::DirBuilderExt as _},
    },
    path::Path,
};

use rustix::{
    fs::{self, AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Timestamps},
    io::Errno,
    process::geteuid,
};

/// A directory that is this user's alone, with files that are this user's alone. Links in it are not followed.
///
/// Everything is done through the directory once opened: nobody can put another one in its place afterwards.
#[derive(Debug)]
pub(super) struct PrivateDirectory(OwnedFd);

/// A file in it, as it is listed.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: OsString,
    pub(super) bytes: u64,
    /// When it was written or last marked as used: seconds and nanoseconds since 1970.
    pub(super) used: (i64, u64),
}

impl PrivateDirectory {
    /// Opens it, after making it if it is not there.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path);
        made.map_err(|error| format!("it cannot be made: {error}"))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = fs::open(path, flags, Mode::empty())
            .map_err(|error| format!("it cannot be opened: {error}"))?;
        check_private(&directory)?;
        Ok(Self(directory))
    }

    /// Reads a file, if it is there.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        // A pipe in its place is opened without waiting, and then refused.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(format!("`{name}` cannot be opened: {error}")),
        };
        check_private(&file)?;
        read_all(file)
            .map(Some)
            .map_err(|error| format!("`{name}` cannot be read: {error}"))
    }

    /// Writes a file whole or not at all: under another name first, then renamed. One that is there is replaced.
    pub(super) fn write(&self, name: &str, parts: &[&[u8]]) -> Result<(), Errno> {
        self.write_as(name, parts, RenameFlags::empty())
    }

    /// The same, but a file that is there stays, and [`Errno::EXIST`] says so.
    pub(super) fn write_new(&self, name: &str, parts: &[&[u8]]) -> Result<(), Errno> {
        self.write_as(name, parts, RenameFlags::NOREPLACE)
    }

    fn write_as(&self, name: &str, parts: &[&[u8]], rename: RenameFlags) -> Result<(), Errno> {
        let temporary = format!("{}.tmp", hex::encode(rand::random::<[u8; 16]>()));
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&self.0, &temporary, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        let written = parts
            .iter()
            .try_for_each(|part| file.write_all(part))
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
            .and_then(|()| fs::renameat_with(&self.0, &temporary, &self.0, name, rename));
        if written.is_err()
            && let Err(error) = self.remove(&temporary)
        {
            tracing::debug!(%error, temporary, "a stray file is left behind");
        }
        written
    }

    pub(super) fn remove(&self, name: impl rustix::path::Arg) -> Result<(), Errno> {
        fs::unlinkat(&self.0, name, AtFlags::empty())
    }

    /// Marks a file as used now.
    pub(super) fn touch(&self, name: &str) -> Result<(), Errno> {
        let now = fs::Timespec {
            tv_sec: 0,
            tv_nsec: fs::UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        fs::utimensat(&self.0, name, &times, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Its regular files.
    pub(super) fn list(&self) -> Result<Vec<Entry>, Errno> {
        let mut entries = Vec::new();
        for file in Dir::read_from(&self.0)? {
            let name = file?.file_name().to_owned();
            let stat = match fs::statat(&self.0, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                // Another host removed it in between.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error),
            };
            if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
                entries.push(Entry {
                    name: OsString::from_vec(name.into_bytes()),
                    bytes: u64::try_from(stat.st_size).unwrap_or(0),
                    used: (stat.st_mtime, stat.st_mtime_nsec),
                });
            }
        }
        Ok(entries)
    }
}

/// Whether only this user can have written it.
fn check_private(file: &OwnedFd) -> Result<(), String> {
    let stat = fs::fstat(file).map_err(|error| error.to_string())?;
    let kind = FileType::from_raw_mode(stat.st_mode);
    if !matches!(kind, FileType::RegularFile | FileType::Directory) {
        return Err("it is neither a file nor a directory".to_owned());
    }
    if stat.st_uid != geteuid().as_raw() {
        return Err("it belongs to another user".to_owned());
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(format!(
            "others may use it (mode {:o}): take that away with `chmod go=`",
            stat.st_mode & 0o777
        ));
    }
    Ok(())
}

fn read_all(file: OwnedFd) -> io::Result<Vec<u8>> {
    let mut file = File::from(file);
    let mut bytes = Vec::with_capacity(usize::try_from(file.metadata()?.len()).unwrap_or(0));
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
