//! The server's main process, as its own `postmaster.pid` tells of it.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::net::UnixStream;

/// A running server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: Pid,
    /// The folder of its socket.
    pub(super) socket: PathBuf,
    pub(super) port: u16,
    /// It says that it accepts connections.
    ready: bool,
}

impl Postmaster {
    /// The file that a server keeps in its data directory while it runs.
    pub(super) fn file(data: &Path) -> PathBuf {
        data.join("postmaster.pid")
    }

    /// The file that a server keeps beside its socket; it begins like the other one.
    pub(super) fn socket_lock(socket: &Path, port: u16) -> PathBuf {
        socket.join(format!(".s.PGSQL.{port}.lock"))
    }

    /// The server that runs on a data directory.
    pub(super) fn find(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(Self::file(data)).ok()?;
        Self::parse(&text).filter(|postmaster| runs_on(postmaster.pid, data))
    }

    /// The lines are: process, data directory, start time, port, socket folder, address, shared memory, status.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = parse_pid(lines.next()?)?;
        let port = lines.nth(2)?.trim().parse().ok()?;
        let socket = PathBuf::from(lines.next()?);
        let ready = lines.nth(2).is_some_and(|status| status.trim() == "ready");
        Some(Self {
            pid,
            socket,
            port,
            ready,
        })
    }

    /// Whether it takes connections now.
    pub(super) async fn accepts(&self) -> bool {
        let socket = self.socket.join(format!(".s.PGSQL.{}", self.port));
        self.ready && UnixStream::connect(socket).await.is_ok()
    }
}

/// Removes the file of a dead server whose number another process has by now: a server would take that one for its predecessor, and refuse
/// to start. All other remains it knows better how to judge.
pub(super) fn remove_misleading(file: &Path, data: &Path) -> io::Result<()> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text?,
    };
    let pid = text.lines().next().and_then(parse_pid);
    if pid.is_some_and(|pid| test_kill_process(pid).is_ok() && !runs_on(pid, data)) {
        fs::remove_file(file)?;
    }
    Ok(())
}

/// A single-user server writes a negative number: nobody can connect to it.
fn parse_pid(line: &str) -> Option<Pid> {
    let pid: u32 = line.trim().parse().ok()?;
    Pid::from_raw(pid.try_into().ok()?)
}

/// Sends a signal. That the process is gone already is as good.
pub(super) fn signal(pid: Pid, signal: Signal) -> io::Result<()> {
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a process is alive and serves a data directory. After a crash or a restart of the machine its number may be another's; and a
/// dead process that nobody has waited for has no arguments. Neither has one whose program is just being loaded, so of a process that was
/// started a moment ago this says nothing.
pub(super) fn runs_on(pid: Pid, data: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    match fs::read(process.join("cmdline")) {
        Ok(arguments) => arguments
            .split(|byte| *byte == 0)
            .map(|argument| Path::new(OsStr::from_bytes(argument)))
            .any(|argument| argument == data),
        Err(_) if Path::new("/proc/self/cmdline").exists() => false,
        // Without that file system only the number is left to go by.
        Err(_) => test_kill_process(pid).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Postmaster;

    const STARTING: &str = "4711\n/d/data\n1700000000\n5432\n/d/socket\n\n";

    #[test]
    fn a_starting_server_is_known_and_not_ready() {
        let postmaster = Postmaster::parse(STARTING).unwrap();
        assert_eq!(postmaster.socket, PathBuf::from("/d/socket"));
        assert_eq!(postmaster.port, 5432);
        assert!(!postmaster.ready);
    }

    #[test]
    fn the_eighth_line_says_that_it_is_ready() {
        let line = |status: &str| format!("{STARTING}  1234  5678\n{status}\n");
        assert!(Postmaster::parse(&line("ready   ")).unwrap().ready);
        assert!(!Postmaster::parse(&line("stopping")).unwrap().ready);
    }

    #[test]
    fn a_file_cut_short_or_of_a_single_user_server_is_nobody() {
        assert_eq!(Postmaster::parse("4711\n/d/da"), None);
        assert_eq!(Postmaster::parse(""), None);
        assert_eq!(Postmaster::parse(&format!("-{STARTING}")), None);
    }
}
