//! Makes a data directory and runs a server on it.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::{Output, Stdio},
};

use rustix::process::Pid;
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    time::{Instant, timeout_at},
};

use super::{DevelopmentError, account::Account, directory::Directory, programs::Programs};

/// The superuser, as in CockroachDB.
pub(super) const SUPERUSER: &str = "root";

/// The database that the URL names, as in CockroachDB.
pub(super) const DATABASE: &str = "defaultdb";

/// The port; of a socket it is only the end of its name.
pub(super) const PORT: u16 = 5432;

/// The log is started anew when it is longer than this at a start.
const MAX_LOG_BYTES: u64 = 1024 * 1024;

/// Settings of every server. They are given at each start and not written into the data directory, so that old data gets them as well.
const SETTINGS: [&str; 8] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "default_transaction_isolation=serializable",
    // Several hosts share the server, each with a pool of its own.
    "max_connections=200",
    // Coarser predicate locks make conflicts between transactions that have nothing to do with each other.
    "max_pred_locks_per_transaction=256",
    "timezone=UTC",
    "log_timezone=UTC",
    "cluster_name=chitin",
];

/// What a database that nobody keeps does without.
const TEMPORARY_SETTINGS: [&str; 3] = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
];

/// Makes the data directory, unless it is there, in another folder that is renamed when it is whole.
pub(super) async fn prepare(
    programs: &Programs,
    directory: &Directory,
    deadline: Instant,
) -> Result<(), DevelopmentError> {
    let data = directory.data();
    if data.exists() {
        return Ok(());
    }
    let unfinished = directory.unfinished_data()?;
    let mut initdb = command(&programs.initdb(), directory);
    initdb
        .arg("--pgdata")
        .arg(unfinished.path())
        .args(["--username", SUPERUSER])
        // Only who can enter the private directory reaches the socket, and nothing else listens.
        .args(["--auth-local=trust", "--auth-host=reject"])
        // Text in byte order, as in CockroachDB; letters beyond ASCII keep their upper and lower case where the system knows them.
        .args(["--encoding=UTF8", "--locale=C"])
        .arg(if cfg!(target_os = "linux") {
            "--lc-ctype=C.UTF-8"
        } else {
            "--lc-ctype=C"
        });
    initdb.arg("--no-sync");
    run("initdb", initdb, "", directory, deadline).await?;

    let mut single_user = command(&programs.postgres(), directory);
    single_user
        .arg("--single")
        .arg("-D")
        .arg(unfinished.path())
        .args(["-c", "exit_on_error=on"]);
    with_settings(&mut single_user, &TEMPORARY_SETTINGS);
    single_user.arg("template1");
    let statement = format!("CREATE DATABASE {DATABASE};\n");
    run("postgres", single_user, &statement, directory, deadline).await?;

    // One pass at the end, instead of one after each step.
    if !directory.temporary {
        let mut sync = command(&programs.initdb(), directory);
        sync.arg("--sync-only")
            .arg("--pgdata")
            .arg(unfinished.path());
        run("initdb", sync, "", directory, deadline).await?;
    }
    fs::rename(unfinished.path(), &data)
        .map_err(DevelopmentError::file("rename", unfinished.path()))
}

/// Starts the log anew if it has become long.
pub(super) fn shorten_log(directory: &Directory) -> Result<(), DevelopmentError> {
    let path = directory.log();
    if directory.log_bytes() > MAX_LOG_BYTES {
        fs::write(&path, "").map_err(DevelopmentError::file("write", &path))?;
    }
    Ok(())
}

/// Starts the server. It outlives this process: nothing of ours is open in it but its log.
pub(super) fn launch(
    programs: &Programs,
    directory: &Directory,
    socket: &Path,
) -> Result<Child, DevelopmentError> {
    let path = directory.log();
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .and_then(|log| Ok((log.try_clone()?, log)))
        .map_err(DevelopmentError::file("write", &path))?;

    let mut postgres = command(&programs.postgres(), directory);
    postgres
        .arg("-D")
        .arg(directory.data())
        .arg("-k")
        .arg(socket)
        .arg(format!("-p{PORT}"));
    with_settings(&mut postgres, &SETTINGS);
    if directory.temporary {
        with_settings(&mut postgres, &TEMPORARY_SETTINGS);
    }
    postgres
        .stdin(Stdio::null())
        .stdout(log.0)
        .stderr(log.1)
        .spawn()
        .map_err(|error| out_of_reach(error, directory))
}

/// The process of a server that nobody has waited for yet.
pub(super) fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id()?.try_into().ok()?)
}

/// A command of the server's account that works in the directory: the account may not be able to stay where we are.
fn command(program: &Path, directory: &Directory) -> Command {
    let mut command = directory.account.command(program);
    command.current_dir(directory.path());
    command
}

fn with_settings(command: &mut Command, settings: &[&str]) {
    for setting in settings {
        command.args(["-c", setting]);
    }
}

/// Runs a program to its end. Its failure is an error with what it wrote.
async fn run(
    program: &'static str,
    mut command: Command,
    input: &str,
    directory: &Directory,
    deadline: Instant,
) -> Result<(), DevelopmentError> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| out_of_reach(error, directory))?;
    let finish = async {
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends before it has read this says why by how it ends.
            drop(stdin.write_all(input.as_bytes()).await);
        }
        child.wait_with_output().await
    };
    let Output {
        status,
        stdout,
        stderr,
    } = timeout_at(deadline, finish)
        .await
        .map_err(|_| directory.timeout("making the data directory of"))?
        .map_err(DevelopmentError::file("run programs in", directory.path()))?;
    if status.success() {
        return Ok(());
    }
    let said = if stderr.is_empty() { stdout } else { stderr };
    Err(DevelopmentError::Prepare {
        program,
        status,
        output: String::from_utf8_lossy(&said).trim().to_owned(),
    })
}

/// The program has been run before, so what is denied is the directory in which to run it.
fn out_of_reach(error: io::Error, directory: &Directory) -> DevelopmentError {
    if let Account::Other { uid, .. } = directory.account
        && error.kind() == io::ErrorKind::PermissionDenied
    {
        return DevelopmentError::OutOfReach {
            directory: directory.path().to_owned(),
            uid,
        };
    }
    DevelopmentError::file("run the server in", directory.path())(error)
}
