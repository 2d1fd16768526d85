//! Connecting to real servers, lending connections and taking them back, with no guest in sight.

#![expect(
    clippy::panic,
    reason = "these are tests: what is not expected ends them"
)]

mod pool;

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use host::database::{ConnectError, ConnectOptions, Database, Limits, ServerKind, Session, Value};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::NamedTempFile;
use tests::{TestDatabase, cluster, unique_name, wait_until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_postgres::{Client, NoTls};

const PASSWORD: &str = "p@ss/word?#%";
const ENCODED_PASSWORD: &str = "p%40ss%2Fword%3F%23%25";

/// A role of the cluster that logs in over the network with [`PASSWORD`].
struct Login {
    role: String,
}

impl Login {
    async fn new(attributes: &str) -> Self {
        let role = unique_name("role");
        administer(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' {attributes}"
        ))
        .await;
        Self { role }
    }

    fn url(&self, hosts: &str, parameters: &str) -> String {
        let (role, port) = (&self.role, cluster().port);
        format!("postgresql://{role}:{ENCODED_PASSWORD}@{hosts}:{port}/postgres?{parameters}")
    }

    async fn drop(self) {
        administer(&format!("DROP ROLE {}", self.role)).await;
    }
}

/// Does something to the cluster, which is there whatever `TEST_DATABASE_URL` says.
async fn administer(statement: &str) {
    let connected = tokio_postgres::connect(&cluster().url("postgres"), NoTls).await;
    let (client, connection) = connected.expect("the superuser is let in");
    let connection = tokio::spawn(connection);
    client.simple_query(statement).await.expect("done");
    drop(client);
    connection.await.expect("ended").expect("in order");
}

async fn connect(url: &str) -> Result<Database, ConnectError> {
    let options = ConnectOptions::from_url(url).expect("a good URL");
    Database::connect(options, Limits::default()).await
}

async fn refusal(url: &str) -> ConnectError {
    let started = Instant::now();
    let Err(error) = connect(url).await else {
        panic!("{url} was accepted");
    };
    assert!(started.elapsed() < Duration::from_secs(4), "{error}");
    let shown = format!("{error} {error:?}");
    for secret in [PASSWORD, ENCODED_PASSWORD, "p@ss", "wrong-secret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    error
}

/// The host's front door to a test's database, with other options.
async fn opened(database: &TestDatabase, parameters: &str) -> Database {
    connect(&format!("{}&{parameters}", database.url()))
        .await
        .expect("it connects")
}

fn session(database: &Database) -> Session {
    limited(database, Limits::default())
}

fn limited(database: &Database, limits: Limits) -> Session {
    database.session(tests::session_options(limits))
}

async fn scalar(session: &mut Session, expression: &str) -> String {
    let sql = format!("SELECT ({expression})::text");
    let rows = session.query(&sql, &[]).await.expect("an answer");
    let value = rows.value(0, 0).expect("text");
    if let Value::Text(text) = value {
        return text.into_owned();
    }
    assert_eq!(value, Value::Null);
    "NULL".to_owned()
}

/// How many statements with this mark run on the server.
async fn running(client: &Client, mark: &str) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'";
    let row = client.query_one(sql, &[&mark]).await.expect("a count");
    row.get(0)
}

/// Ends every connection with this application name and waits until they are gone.
async fn terminate(client: &Client, application: &str) {
    let sql =
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
    let rows = client.query(sql, &[&application]).await.expect("ended");
    let pids: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
    wait_until("the connections to end", || async {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)";
        let row = client.query_one(sql, &[&pids]).await.expect("a count");
        row.get::<_, i64>(0) == 0
    })
    .await;
}

async fn connections(client: &Client, application: &str) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    let row = client.query_one(sql, &[&application]).await;
    row.expect("a count").get(0)
}

#[tokio::test]
async fn a_connection_over_a_socket_runs_transactions_serializable() {
    let test = tests::database().await;
    let weaker = "options=-c%20default_transaction_isolation%3Drepeatable%5C%20read";
    let database = opened(&test, weaker).await;
    let mut session = session(&database);
    let level = scalar(&mut session, "current_setting('transaction_isolation')").await;
    assert_eq!(level, "serializable");
    session.close().await;
    database.close().await;
    assert_eq!(database.open_connections(), 0);
}

#[tokio::test]
async fn tls_is_as_strict_as_its_mode() {
    let login = Login::new("").await;
    let ours = cluster().root_certificate.display().to_string();
    let other_root = other_root();
    let other = other_root.path().display().to_string();
    for (host, parameters, refused) in [
        ("localhost", "sslmode=disable".to_owned(), None),
        ("127.0.0.1", "sslmode=require".to_owned(), None),
        (
            "127.0.0.1",
            format!("sslmode=verify-ca&sslrootcert={ours}"),
            None,
        ),
        (
            "127.0.0.1",
            format!("sslmode=require&sslrootcert={ours}"),
            None,
        ),
        (
            "localhost",
            format!("sslmode=verify-full&sslrootcert={ours}"),
            None,
        ),
        (
            "localhost",
            format!("sslrootcert={ours}&channel_binding=require"),
            None,
        ),
        (
            "localhost",
            format!("sslrootcert={ours}&ssl_min_protocol_version=TLSv1.3"),
            None,
        ),
        (
            "127.0.0.1",
            format!("sslmode=verify-full&sslrootcert={ours}"),
            Some("is for another name"),
        ),
        (
            "localhost",
            format!("sslmode=verify-ca&sslrootcert={other}"),
            Some("no known authority signed"),
        ),
        (
            "localhost",
            format!("sslmode=require&sslrootcert={other}"),
            Some("no known authority signed"),
        ),
    ] {
        let url = login.url(host, &parameters);
        if let Some(reason) = refused {
            let error = refusal(&url).await;
            assert!(
                matches!(error, ConnectError::Tls { .. }),
                "{parameters}: {error:?}"
            );
            assert!(error.to_string().contains(reason), "{parameters}: {error}");
            continue;
        }
        let database = connect(&url).await;
        let database = database.unwrap_or_else(|error| panic!("{parameters}: {error}"));
        let mut session = session(&database);
        let used = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let expected = (parameters != "sslmode=disable").to_string();
        assert_eq!(scalar(&mut session, used).await, expected, "{parameters}");
        session.close().await;
        database.close().await;
    }
    login.drop().await;
}

/// The certificate of an authority that signed nothing here.
fn other_root() -> NamedTempFile {
    let mut authority = CertificateParams::new([]).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(authority, key).expect("a root");
    let mut file = NamedTempFile::new().expect("a file");
    file.write_all(authority.pem().as_bytes()).expect("written");
    file
}

#[tokio::test]
async fn a_file_of_certificates_that_cannot_be_used_is_named() {
    for path in ["/nowhere/root.crt", "/dev/null"] {
        let error = refusal(&format!("postgresql://localhost:1/d?sslrootcert={path}")).await;
        assert!(matches!(error, ConnectError::Options(_)), "{error:?}");
        assert!(error.to_string().contains(path), "{error}");
    }
}

#[tokio::test]
async fn a_refused_login_says_whose_and_why() {
    let login = Login::new("").await;
    let right = login.url("localhost", "");
    for (url, reason) in [
        (
            right.replace(ENCODED_PASSWORD, "wrong-secret"),
            "password authentication failed",
        ),
        (
            right.replace(&format!(":{ENCODED_PASSWORD}"), ""),
            "none is given",
        ),
        (
            right.replace(&login.role, "nobody_of_this_name"),
            "password authentication failed",
        ),
    ] {
        let error = refusal(&url).await;
        assert!(
            matches!(error, ConnectError::LoginRefused { .. }),
            "{error:?}"
        );
        let message = error.to_string();
        assert!(
            message.contains("localhost:") && message.contains(reason),
            "{message}"
        );
    }
    login.drop().await;
}

#[tokio::test]
async fn an_unknown_database_is_named() {
    let error = refusal(&cluster().url("no_such_database")).await;
    let ConnectError::UnknownDatabase { database, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(database, "no_such_database");
}

#[tokio::test]
async fn a_role_without_connections_left_is_told_so() {
    let login = Login::new("CONNECTION LIMIT 1").await;
    let url = login.url("localhost", "min_connections=1");
    let first = connect(&url).await.expect("the only one");
    let error = refusal(&url).await;
    assert!(
        matches!(error, ConnectError::TooManyConnections { .. }),
        "{error:?}"
    );
    first.close().await;
    login.drop().await;
}

#[tokio::test]
async fn a_refused_connection_is_reported_at_once() {
    let started = Instant::now();
    let error = refusal("postgresql://me:wrong-secret@localhost:1,127.0.0.1:2/d").await;
    assert!(started.elapsed() < Duration::from_secs(1), "{error}");
    let message = error.to_string();
    for word in [
        "localhost:1: ",
        "127.0.0.1:2: ",
        "the connection was refused",
    ] {
        assert!(message.contains(word), "{message}");
    }
    for (url, reason) in [
        ("postgresql://%2Fnowhere/d", "there is no such socket"),
        (
            "postgresql://no.such.host.invalid/d?sslmode=disable",
            "cannot be resolved",
        ),
    ] {
        let error = refusal(url).await;
        assert!(matches!(error, ConnectError::Unreachable(_)), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let login = Login::new("").await;
    for order in ["disable", "random"] {
        let hosts = "localhost:1,localhost";
        let url = login.url(hosts, &format!("load_balance_hosts={order}"));
        let database = connect(&url).await.expect("the second answers");
        database.close().await;
    }
    login.drop().await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let error = refusal(&format!(
        "postgresql://127.0.0.1:{port}/d?connect_timeout=1"
    ))
    .await;
    let message = error.to_string();
    assert!(
        message.contains("the connection was accepted, but no login"),
        "{message}"
    );
}

#[tokio::test]
async fn what_is_no_database_is_told_from_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let web_server = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let answer = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            answer.await.expect("written");
        }
    });
    for (mode, reason) in [
        ("disable", "what listens there is no database"),
        ("require", "does not support TLS"),
    ] {
        let error = refusal(&format!("postgresql://127.0.0.1:{port}/d?sslmode={mode}")).await;
        assert!(error.to_string().contains(reason), "{error}");
    }
    web_server.abort();
}

/// A server that says it is CockroachDB and that its transactions run at this level; it keeps the texts that it was sent.
async fn scripted_cockroachdb(level: &'static str) -> (u16, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let length = stream.read_u32().await.expect("a start-up message");
        let mut start_up = vec![0; usize::try_from(length).expect("short") - 4];
        stream.read_exact(&mut start_up).await.expect("read");
        let mut texts = vec![String::from_utf8_lossy(&start_up).into_owned()];
        let version = b"crdb_version\0CockroachDB CCL v26.2.0 (scripted)\0";
        for (kind, body) in [
            (b'R', [0; 4].as_slice()),
            (b'S', version),
            (b'K', &[0, 0, 0, 1, 0, 0, 0, 2]),
            (b'Z', b"I"),
        ] {
            send(&mut stream, kind, body).await;
        }
        while let Ok(b'Q') = stream.read_u8().await {
            let length = stream.read_u32().await.expect("a length");
            let mut text = vec![0; usize::try_from(length).expect("short") - 4];
            stream.read_exact(&mut text).await.expect("read");
            let text = String::from_utf8_lossy(&text).into_owned();
            if text.starts_with("SHOW") {
                let column = b"\0\x01level\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0";
                send(&mut stream, b'T', column).await;
                let length = u32::try_from(level.len()).expect("short").to_be_bytes();
                let row = [&[0, 1], &length[..], level.as_bytes()].concat();
                send(&mut stream, b'D', &row).await;
            }
            send(&mut stream, b'C', b"DONE\0").await;
            send(&mut stream, b'Z', b"I").await;
            texts.push(text);
        }
        texts
    });
    (port, serving)
}

async fn send(stream: &mut TcpStream, kind: u8, body: &[u8]) {
    let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
    let frame = [&[kind], &length[..], body].concat();
    stream.write_all(&frame).await.expect("written");
}

#[tokio::test]
async fn cockroachdb_is_told_by_what_it_says_and_set_up_its_own_way() {
    let (port, serving) = scripted_cockroachdb("serializable").await;
    let url = format!("postgresql://127.0.0.1:{port}/d?min_connections=0");
    let database = connect(&url).await.expect("it connects");
    assert_eq!(database.server().kind, ServerKind::CockroachDb);
    assert!(
        database
            .server()
            .version
            .starts_with("CockroachDB CCL v26.2.0")
    );
    database.close().await;
    let texts = serving.await.expect("served");
    assert!(
        texts[0].contains("default_transaction_isolation=serializable"),
        "{texts:?}"
    );
    assert_eq!(texts[1], "SHOW transaction_isolation\0");
    assert_eq!(texts[2], "SET autocommit_before_ddl = off\0");
}

#[tokio::test]
async fn a_server_that_is_not_serializable_is_refused() {
    let (port, serving) = scripted_cockroachdb("read committed").await;
    let error = refusal(&format!("postgresql://127.0.0.1:{port}/d")).await;
    let ConnectError::Isolation { found, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(found, "read committed");
    serving.await.expect("served");
}
