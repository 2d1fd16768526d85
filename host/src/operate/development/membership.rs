//! The two locks that hosts share a server by.
//!
//! The kernel frees them when a process ends, however it ends. The files are closed on exec, so the server never holds them.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use tokio::time::{self, Instant};

use super::POLL_INTERVAL;

/// This host's place among the users of a server.
#[derive(Debug)]
pub(super) struct Membership {
    start: File,
    users: File,
    joined: bool,
}

impl Membership {
    /// Opens the locks, and holds none.
    pub(super) fn open(start: &Path, users: &Path) -> io::Result<Self> {
        let open = |path| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(path)
        };
        Ok(Self {
            start: open(start)?,
            users: open(users)?,
            joined: false,
        })
    }

    /// Waits for the right to start or stop the server. `false` if it did not come in time.
    pub(super) async fn begin(&self, deadline: Instant) -> io::Result<bool> {
        while !self.try_begin()? {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            time::sleep(POLL_INTERVAL).await;
        }
        Ok(true)
    }

    /// Takes the right to start or stop the server, if nobody else has it. Having it already is fine.
    pub(super) fn try_begin(&self) -> io::Result<bool> {
        taken(self.start.try_lock())
    }

    /// Gives that right back.
    pub(super) fn end(&self) -> io::Result<()> {
        self.start.unlock()
    }

    /// Becomes a user. Only with the right to start: then nobody can be leaving.
    pub(super) fn join(&mut self) -> io::Result<()> {
        self.users.lock_shared()?;
        self.joined = true;
        Ok(())
    }

    /// Stops being a user. `true` if there is none left. Only with the right to start: then nobody can be joining.
    pub(super) fn leave(&mut self) -> io::Result<bool> {
        self.joined = false;
        // What locking does to a file that holds another kind of lock is left open by the standard library, so it is given back first.
        self.users.unlock()?;
        taken(self.users.try_lock())
    }

    /// Whether this host is a user.
    pub(super) fn is_joined(&self) -> bool {
        self.joined
    }
}

fn taken(attempt: Result<(), TryLockError>) -> io::Result<bool> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
