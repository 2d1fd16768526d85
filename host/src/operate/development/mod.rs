//! The development database: a PostgreSQL server that the host starts by itself in a private directory, when it is given no URL.
//!
//! Everything that belongs to it lies in one directory, reachable by our user only (and by the server's, when we are root):
//!
//! - `data/`: the server's own; made under another name and renamed, so that it is there whole or not at all
//! - `socket/`: the unix socket, the only way in; elsewhere when the path is too long for a socket
//! - `start.lock`: held exclusively by the host that starts or stops the server
//! - `users.lock`: held shared by every host for as long as it uses the server
//! - `server.log`, `version`, `stopping`: what the server said, which one it is, and the process that was told to stop
//!
//! The hosts share the server, and the last one stops it. Nothing is remembered outside the kernel's locks and the server's own
//! `postmaster.pid`, so a host that is killed leaves nothing wrong behind: the next one finds the server and uses it, or finds its
//! remains and clears them.
//!
//! It stands in for CockroachDB: the same protocol and isolation, the same names of superuser and database, text in byte order, times in
//! UTC. CockroachDB itself is never started, even where it is installed: its URL has to be given. The server never listens on a network
//! and never runs as root.

mod account;
mod directory;
mod error;
mod lifecycle;
mod membership;
mod postmaster;
mod programs;
mod server;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use tokio::process::Child;

use self::{directory::Directory, membership::Membership, postmaster::Postmaster};

pub use self::error::DevelopmentError;

/// How long a start may take, from waiting for other hosts to an accepting socket. Making a new data directory takes about a second; the
/// rest is for slow disks and for recovery after a crash.
pub const START_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a stop may take before the server is told to drop everything at once. A fast shutdown writes one checkpoint.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a condition is looked at again while waiting for it.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What a URL's query may hold as it is: a path stays readable.
const KEPT_IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What to start, and where.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The private directory, made if it is missing. Absent: `chitin/development` under `$XDG_DATA_HOME` or `~/.local/share`, and
    /// `/var/lib/chitin/development` for root, because the server's user cannot enter root's home.
    ///
    /// With [`ephemeral`](Self::ephemeral), the folder in which the temporary directory is made. Absent: the system's.
    pub directory: Option<PathBuf>,
    /// A new, empty database in a temporary directory, shared with nobody and removed at the end. It trades durability for speed.
    pub ephemeral: bool,
    /// The only folders in which to look for the programs `postgres` and `initdb`. Absent: the usual ones.
    pub programs: Option<Vec<PathBuf>>,
}

/// A running development database, and this host's share in it.
///
/// End it by [`stop`](Self::stop). If it is dropped instead, and nobody else uses the server, the server is told to stop and not waited
/// for.
#[derive(Debug)]
pub struct DevelopmentDatabase {
    directory: Directory,
    membership: Membership,
    /// A server that this host has started, until it is ready.
    starting: Option<Child>,
    /// The server's process and socket, once it is ready.
    postmaster: Option<Postmaster>,
    server: String,
    url: String,
}

impl DevelopmentDatabase {
    /// Joins the server of the directory, or starts it if it is not running, and waits until it accepts connections.
    pub async fn start(options: &Options) -> Result<Self, DevelopmentError> {
        lifecycle::start(options).await
    }

    /// Where to connect: over the unix socket, as the superuser, without a password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The private directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The server's name and version, such as `PostgreSQL 15.18`.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The server's process.
    pub fn process_id(&self) -> Option<u32> {
        let postmaster = self.postmaster.as_ref()?;
        u32::try_from(postmaster.pid.as_raw_nonzero().get()).ok()
    }

    /// Gives up this host's share. The last host stops the server, waits for its end, and removes what was temporary.
    pub async fn stop(mut self) -> Result<(), DevelopmentError> {
        self.shut_down().await
    }
}

/// The URL of the database behind a socket.
fn url(postmaster: &Postmaster) -> String {
    use std::os::unix::ffi::OsStrExt as _;

    let socket = percent_encode(postmaster.socket.as_os_str().as_bytes(), KEPT_IN_QUERY);
    format!(
        "postgresql://{}@/{}?host={socket}&port={}",
        server::SUPERUSER,
        server::DATABASE,
        postmaster.port
    )
}
