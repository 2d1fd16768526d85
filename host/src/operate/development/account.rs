//! Who the server runs as. PostgreSQL refuses root, so root's server gets another account.

use std::{
    env, fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
};

use tokio::process::Command;

use super::DevelopmentError;

/// The accounts that root's server may run as, the best first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Where the system lists its own accounts.
const ACCOUNTS: &str = "/etc/passwd";

/// What the server's programs inherit of our environment. Nothing else: a client's variables would change the server's settings, and a
/// secret of the host's has no business in there.
const INHERITED: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// The account of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// Our own.
    Ours,
    /// Another one, because we are root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// The account for a data directory: its owner, if it exists.
    pub(super) fn of(data: &Path) -> Result<Self, DevelopmentError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ours);
        }
        if let Ok(owner) = fs::metadata(data)
            && owner.uid() != 0
        {
            return Ok(Self::Other {
                uid: owner.uid(),
                gid: owner.gid(),
            });
        }
        let accounts = fs::read_to_string(ACCOUNTS)
            .map_err(DevelopmentError::file("read", ACCOUNTS.as_ref()))?;
        CANDIDATES
            .iter()
            .find_map(|name| find(&accounts, name))
            .ok_or(DevelopmentError::NoAccount)
    }

    /// The user that owns the server's files.
    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Ours => rustix::process::geteuid().as_raw(),
            Self::Other { uid, .. } => uid,
        }
    }

    /// A command that runs as this account, in a process group of its own, so that the terminal's interrupt does not reach it.
    pub(super) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("LC_ALL", "C").process_group(0);
        for name in INHERITED {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Lets the server enter a directory that stays ours, and nobody else.
    pub(super) fn admit(self, directory: &Path) -> io::Result<()> {
        let mode = match self {
            Self::Ours => 0o700,
            Self::Other { gid, .. } => {
                chown(directory, None, Some(gid))?;
                0o710
            }
        };
        fs::set_permissions(directory, fs::Permissions::from_mode(mode))
    }

    /// Makes a new directory the server's own, and nobody else's.
    pub(super) fn give(self, directory: &Path) -> io::Result<()> {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
        match self {
            Self::Ours => Ok(()),
            Self::Other { uid, gid } => chown(directory, Some(uid), Some(gid)),
        }
    }
}

/// Finds a user in the text of `/etc/passwd`.
fn find(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account::Other { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::{Account, find};

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:7:8::/:\npostgres:x:101:104:,,,:/var/lib:/bin/sh\n";
        assert_eq!(
            find(accounts, "postgres"),
            Some(Account::Other { uid: 101, gid: 104 })
        );
        assert_eq!(find(accounts, "nobody"), None);
    }
}
