use std::{
    ffi::OsStr,
    future::Future,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Once,
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    time,
};

use crate::guest;

/// How long a test waits for what must come. Long, so that a slow machine is no failure.
const PATIENCE: Duration = Duration::from_mins(2);

/// The host's program, built from source.
pub fn host_binary() -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| guest::cargo(&["build", "--quiet", "--bin", "host"]));
    guest::target().join("debug/host")
}

/// A command line of the host, in an environment that holds nothing of this machine.
#[derive(Debug)]
#[must_use]
pub struct HostCommand {
    command: Command,
    input: Option<Vec<u8>>,
}

/// How the host ended, and what it said.
#[derive(Debug)]
pub struct Finished {
    /// The exit code, or 128 and the number of the signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Begins a command line of the host.
pub fn host<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> HostCommand {
    let mut command = Command::new(host_binary());
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // One cache of compiled components for all tests: compiling is not what they are about.
    command
        .env("HOME", guest::target().join("tests-home"))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    HostCommand {
        command,
        input: None,
    }
}

/// Begins `host run` of a component on the database of this URL, with every grant.
pub fn run(component: &Path, url: &str) -> HostCommand {
    host(["run".as_ref(), component.as_os_str()])
        .arg("--grant")
        .arg("all")
        .arg("--database-url")
        .arg(url)
}

impl HostCommand {
    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives standard input; without it, it is empty.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Works in this directory.
    pub fn directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Starts it and leaves the rest to the test. It is killed when the handle is dropped.
    pub fn start(mut self) -> Child {
        assert!(
            self.input.is_none(),
            "a test that starts the host feeds it as well"
        );
        self.command.spawn().expect("the host starts")
    }

    /// Runs it to its end.
    pub async fn run(mut self) -> Finished {
        if self.input.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.command.spawn().expect("the host starts");
        let feeding = child
            .stdin
            .take()
            .zip(self.input.take())
            .map(|(mut stdin, input)| {
                tokio::spawn(async move {
                    // A host that ends early closes its end: that is its answer, not a failure of the test.
                    drop(stdin.write_all(&input).await);
                })
            });
        let finished = Finished::of(child).await;
        if let Some(feeding) = feeding {
            feeding.await.expect("feeding does not panic");
        }
        finished
    }
}

impl Finished {
    /// Waits for a started host.
    pub async fn of(child: Child) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let output = time::timeout(PATIENCE, child.wait_with_output())
            .await
            .expect("the host ends in time")
            .expect("it ran");
        let code = output
            .status
            .code()
            .or(output.status.signal().map(|signal| 128 + signal));
        Self {
            code: code.expect("it ended one way or the other"),
            stdout: String::from_utf8(output.stdout).expect("output is text"),
            stderr: String::from_utf8(output.stderr).expect("errors are text"),
        }
    }

    /// Asserts the exit code and that standard error says each of these.
    #[track_caller]
    pub fn expect(&self, code: i32, words: &[&str]) -> &Self {
        let Self { stdout, stderr, .. } = self;
        assert_eq!(
            self.code, code,
            "exit code\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        );
        for word in words {
            assert!(
                stderr.contains(word),
                "standard error does not say {word:?}:\n{stderr}"
            );
        }
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in {:?}\n{}", self.stdout, self.stderr))
    }
}

/// Waits until a condition holds.
pub async fn wait_until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let waiting = async {
        while !condition().await {
            time::sleep(Duration::from_millis(10)).await;
        }
    };
    time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for: {what}"));
}
