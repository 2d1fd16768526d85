//! How a server comes and goes among the hosts that share it.
//!
//! A host becomes a user before it looks whether the server runs, and stops being one before it looks whether others are left; both only
//! with the right to start, which one host has at a time. So a server is never stopped under a host that has just joined.

use std::{fs, io, path::Path};

use rustix::process::{Pid, Signal};
use tokio::{
    process::Child,
    time::{self, Instant},
};

use super::{
    DevelopmentDatabase, DevelopmentError, Options, POLL_INTERVAL, START_TIMEOUT, STOP_TIMEOUT,
    directory::Directory,
    membership::Membership,
    postmaster::{Postmaster, remove_misleading, runs_on, signal},
    programs::Programs,
    server, url,
};

/// How long a server that did not stop in time gets to drop everything, and what is left behind gets to go.
const ABORT_TIMEOUT: time::Duration = time::Duration::from_secs(5);

/// What the server says while processes of a killed one still work on its data. They notice, and go.
const STILL_IN_USE: &str = "is still in use";

/// Joins or starts the server that the options ask for.
pub(super) async fn start(options: &Options) -> Result<DevelopmentDatabase, DevelopmentError> {
    let deadline = Instant::now() + START_TIMEOUT;
    for directory in Directory::left_behind(options) {
        clear(directory).await;
    }
    let mut database = DevelopmentDatabase::attach(Directory::open(options)?)?;
    match database.bring_up(options, deadline).await {
        Ok(()) => Ok(database),
        Err(error) => {
            if let Err(second) = database.shut_down().await {
                tracing::warn!(error = %second, "what a failed start had begun was not undone");
            }
            Err(error)
        }
    }
}

/// Ends and removes a temporary database whose host was killed. One that is in use is left alone.
async fn clear(directory: Directory) {
    let path = directory.path().to_owned();
    let attempt = async {
        let mut database = DevelopmentDatabase::attach(directory)?;
        let free = database
            .membership
            .try_begin()
            .and_then(|begun| Ok(begun && database.membership.leave()?))
            .map_err(DevelopmentError::file("lock", &path))?;
        if free {
            tracing::debug!(directory = %path.display(), "removing a temporary database that was left behind");
            database.end().await?;
        }
        Ok::<(), DevelopmentError>(())
    };
    if let Err(error) = attempt.await {
        tracing::debug!(directory = %path.display(), %error, "a temporary database was left behind");
    }
}

impl DevelopmentDatabase {
    /// Opens the locks of a directory, and holds none.
    fn attach(directory: Directory) -> Result<Self, DevelopmentError> {
        let membership =
            Membership::open(&directory.start_lock(), &directory.users_lock()).map_err(
                DevelopmentError::file("open the locks in", directory.path()),
            )?;
        Ok(Self {
            directory,
            membership,
            starting: None,
            postmaster: None,
            server: String::new(),
            url: String::new(),
        })
    }

    async fn bring_up(
        &mut self,
        options: &Options,
        deadline: Instant,
    ) -> Result<(), DevelopmentError> {
        self.begin(deadline).await?;
        self.membership.join().map_err(self.lock_error())?;
        self.directory.publish()?;
        let postmaster = match self.join_running(deadline).await? {
            Some(postmaster) => postmaster,
            None => self.launch(options, deadline).await?,
        };
        self.url = url(&postmaster);
        self.postmaster = Some(postmaster);
        let version = self.directory.version();
        let version =
            fs::read_to_string(&version).map_err(DevelopmentError::file("read", &version))?;
        self.server = format!("PostgreSQL {version}");
        self.membership.end().map_err(self.lock_error())
    }

    /// Waits for the right to start or stop the server.
    async fn begin(&self, deadline: Instant) -> Result<(), DevelopmentError> {
        if self
            .membership
            .begin(deadline)
            .await
            .map_err(self.lock_error())?
        {
            Ok(())
        } else {
            let step = "waiting for another host that starts or stops";
            Err(self.directory.timeout(step))
        }
    }

    /// The server that runs already, once it accepts connections.
    async fn join_running(
        &self,
        deadline: Instant,
    ) -> Result<Option<Postmaster>, DevelopmentError> {
        let Some(running) = Postmaster::find(&self.directory.data()) else {
            return Ok(None);
        };
        let told = fs::read_to_string(self.directory.stopping()).unwrap_or_default();
        if told == running.pid.as_raw_nonzero().to_string() {
            self.wait_until_gone(running.pid).await?;
            return Ok(None);
        }
        let lives = || runs_on(running.pid, &self.directory.data());
        wait_until_ready(&self.directory, deadline, lives).await
    }

    /// Starts the server, after clearing away what a killed one has left.
    async fn launch(
        &mut self,
        options: &Options,
        deadline: Instant,
    ) -> Result<Postmaster, DevelopmentError> {
        let directory = &self.directory;
        let data = directory.data();
        let folders = options.programs.as_deref();
        let programs = Programs::find(folders, directory.account, &data).await?;
        directory.remove_unfinished();
        let socket = directory.prepare_socket()?;
        server::prepare(&programs, directory, deadline).await?;
        fs::write(directory.version(), &programs.version)
            .map_err(DevelopmentError::file("write", &directory.version()))?;
        server::shorten_log(directory)?;
        loop {
            for remains in [
                Postmaster::file(&data),
                Postmaster::socket_lock(&socket, server::PORT),
            ] {
                remove_misleading(&remains, &data)
                    .map_err(DevelopmentError::file("clear away", &remains))?;
            }
            remove_file(&directory.stopping())?;
            let said_before = directory.log_bytes();
            let child = self
                .starting
                .insert(server::launch(&programs, directory, &socket)?);
            let lives = || matches!(child.try_wait(), Ok(None));
            if let Some(postmaster) = wait_until_ready(directory, deadline, lives).await? {
                if let Some(child) = self.starting.take() {
                    tokio::spawn(reap(child));
                }
                return Ok(postmaster);
            }
            self.starting = None;
            // Another one may have won: one that was just being started by a host that was killed.
            if let Some(postmaster) = self.join_running(deadline).await? {
                return Ok(postmaster);
            }
            let in_use = directory.log_since(said_before).contains(STILL_IN_USE);
            if !in_use || Instant::now() >= deadline {
                return Err(DevelopmentError::Ended {
                    log: directory.log(),
                    tail: directory.log_tail(),
                });
            }
            time::sleep(POLL_INTERVAL * 10).await;
        }
    }

    /// Gives up this host's share, and ends the server if that was the last.
    pub(super) async fn shut_down(&mut self) -> Result<(), DevelopmentError> {
        if !self.membership.is_joined() {
            return Ok(());
        }
        self.begin(Instant::now() + START_TIMEOUT).await?;
        let last = self.membership.leave().map_err(self.lock_error())?;
        if last {
            self.end().await?;
        }
        self.membership.end().map_err(self.lock_error())
    }

    /// Ends the server, whoever started it, and removes what was temporary.
    async fn end(&mut self) -> Result<(), DevelopmentError> {
        if let Some(pid) = self.tell_to_stop()? {
            self.wait_until_gone(pid).await?;
        }
        self.directory.remove_socket();
        if self.directory.temporary {
            self.directory.remove()?;
        }
        Ok(())
    }

    /// Asks for a fast shutdown: open transactions are rolled back, connections closed.
    fn tell_to_stop(&mut self) -> Result<Option<Pid>, DevelopmentError> {
        let running = Postmaster::find(&self.directory.data()).map(|it| it.pid);
        let Some(pid) = running.or_else(|| self.just_started()) else {
            return Ok(None);
        };
        let stopping = self.directory.stopping();
        fs::write(&stopping, pid.as_raw_nonzero().to_string())
            .map_err(DevelopmentError::file("write", &stopping))?;
        self.signal(pid, Signal::INT)?;
        Ok(Some(pid))
    }

    /// A server of ours that may not have written its file yet. Its number is its own for as long as nobody has waited for it.
    fn just_started(&mut self) -> Option<Pid> {
        let child = self.starting.as_mut()?;
        let lives = matches!(child.try_wait(), Ok(None));
        lives.then(|| server::pid(child)).flatten()
    }

    /// Waits for the end of a server that was told to stop; with less and less patience.
    async fn wait_until_gone(&self, pid: Pid) -> Result<(), DevelopmentError> {
        let data = self.directory.data();
        let gone = || !runs_on(pid, &data);
        if poll_until(STOP_TIMEOUT, gone).await {
            return remove_file(&self.directory.stopping());
        }
        self.signal(pid, Signal::QUIT)?;
        if poll_until(ABORT_TIMEOUT, gone).await {
            return remove_file(&self.directory.stopping());
        }
        self.signal(pid, Signal::KILL)?;
        Err(self.directory.timeout("stopping"))
    }

    fn signal(&self, pid: Pid, kind: Signal) -> Result<(), DevelopmentError> {
        let action = "signal the server of";
        signal(pid, kind).map_err(DevelopmentError::file(action, self.directory.path()))
    }

    fn lock_error(&self) -> impl FnOnce(io::Error) -> DevelopmentError + use<> {
        DevelopmentError::file("lock", self.directory.path())
    }
}

impl Drop for DevelopmentDatabase {
    /// Nobody can wait here, so a server that nobody else uses is only told to stop, and whoever comes next waits for that. While
    /// another host is starting or stopping, the server is left to it.
    fn drop(&mut self) {
        if !self.membership.is_joined() {
            return;
        }
        let last = self
            .membership
            .try_begin()
            .and_then(|begun| Ok(begun && self.membership.leave()?));
        let told = match last {
            Ok(true) => self.tell_to_stop(),
            Ok(false) => return,
            Err(error) => Err(DevelopmentError::file("lock", self.directory.path())(error)),
        };
        if let Err(error) = told {
            tracing::warn!(%error, "the development database was not told to stop");
        }
    }
}

/// Waits until the server of a directory accepts connections. `None` if it ends instead.
async fn wait_until_ready(
    directory: &Directory,
    deadline: Instant,
    mut lives: impl FnMut() -> bool,
) -> Result<Option<Postmaster>, DevelopmentError> {
    let data = directory.data();
    while lives() {
        if let Some(postmaster) = Postmaster::find(&data)
            && postmaster.accepts().await
        {
            return Ok(Some(postmaster));
        }
        if Instant::now() >= deadline {
            return Err(directory.timeout("starting"));
        }
        time::sleep(POLL_INTERVAL).await;
    }
    Ok(None)
}

async fn poll_until(timeout: time::Duration, condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + timeout;
    while !condition() {
        if Instant::now() >= deadline {
            return false;
        }
        time::sleep(POLL_INTERVAL).await;
    }
    true
}

/// Waits for the server's process, so that it does not stay in the table of processes when it ends before we do.
async fn reap(mut child: Child) {
    match child.wait().await {
        Ok(status) if status.success() => tracing::debug!("the development database has stopped"),
        Ok(status) => tracing::warn!(%status, "the development database has ended"),
        Err(error) => tracing::debug!(%error, "the development database cannot be waited for"),
    }
}

fn remove_file(path: &Path) -> Result<(), DevelopmentError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(DevelopmentError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}
