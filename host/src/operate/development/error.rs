use std::{
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

/// Why the development database cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevelopmentError {
    /// There is no home directory to put it in.
    #[error(
        "no place for the development database: neither XDG_DATA_HOME nor HOME is set; name a directory for it"
    )]
    NoHome,
    /// The directory holds something else.
    #[error(
        "{} is not empty and holds no development database; name an empty or a new directory for it",
        .0.display()
    )]
    NotOurs(PathBuf),
    /// Something in the directory cannot be read or written.
    #[error(
        "cannot {action} {}; if that cannot be mended, name another directory for the development database",
        .path.display()
    )]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or directory concerned.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A folder for the socket exists and belongs to somebody else, or others can enter it.
    #[error(
        "{} is not private, so the development database's socket cannot lie there; remove it, or name a directory with a shorter path",
        .0.display()
    )]
    SocketNotPrivate(PathBuf),
    /// The host runs as root, and no account was found for the server.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor a user `nobody` to run it as; run the host as an \
         ordinary user, or give the URL of a database"
    )]
    NoAccount,
    /// The host runs as root, and the account of the server cannot enter the directory.
    #[error(
        "PostgreSQL refuses to run as root, and the user that it runs as instead (uid {uid}) cannot enter {}; name a directory below \
         folders that all users may enter, such as /var/lib/chitin/development",
        .directory.display()
    )]
    OutOfReach {
        /// The directory.
        directory: PathBuf,
        /// The server's user.
        uid: u32,
    },
    /// No server can be run.
    #[error(
        "no usable PostgreSQL server (15 or newer) for the development database; looked for `postgres` and `initdb` in:\n{}\n\
         give the URL of a database, or install one: `apt-get install postgresql`, `dnf install postgresql-server`, \
         `brew install postgresql`, or without the system's package manager:\n  {install}",
        .looked.join("\n")
    )]
    NoServer {
        /// Each folder, with what is wrong with it.
        looked: Vec<String>,
        /// The commands that install one for this user.
        install: String,
    },
    /// The data was made by another major version.
    #[error(
        "the data in {} is of PostgreSQL {data}, and the server found is of another major version: {}; install PostgreSQL {data}, or \
         keep the data elsewhere (pg_dump with PostgreSQL {data}) and remove the directory",
        .directory.display(), .found.join(", ")
    )]
    OtherVersion {
        /// The directory.
        directory: PathBuf,
        /// The major version of the data.
        data: u32,
        /// The versions that could be run, with their folders.
        found: Vec<String>,
    },
    /// A program that prepares the data directory failed.
    #[error("{program} ended with {status} while it made the data directory: {output}")]
    Prepare {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        output: String,
    },
    /// The server ended before it accepted a connection.
    #[error("PostgreSQL did not start; the end of its log {}:\n{tail}", .log.display())]
    Ended {
        /// Its log.
        log: PathBuf,
        /// The last lines.
        tail: String,
    },
    /// A step took too long.
    #[error("timeout while {step} the development database; the end of its log {}:\n{tail}", .log.display())]
    Timeout {
        /// The step.
        step: &'static str,
        /// The server's log.
        log: PathBuf,
        /// The last lines.
        tail: String,
    },
}

impl DevelopmentError {
    /// Puts an action and a path to what the system says.
    pub(super) fn file(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
