use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{Asked, Relation, client::Prepared, frame, parameter_status, ready, serve};

/// A server that speaks the protocol and answers as a test tells it. It ends when it is dropped.
#[derive(Debug)]
pub struct FakeServer {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: JoinHandle<()>,
}

/// What the server says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// It reports `crdb_version` (A1: pkg/sql/pgwire/conn.go of cockroachdb/cockroach).
    CockroachDb,
    /// It reports its version.
    PostgreSql,
}

/// What the server does about a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// What a sound server would: `SELECT` gives one number, all else is done.
    Sound,
    /// It sends these bytes and goes on.
    Bytes(Vec<u8>),
    /// It sends these bytes and closes the connection.
    Last(Vec<u8>),
    /// It says nothing more, and keeps the connection open.
    Silence,
}

type Script = Arc<Mutex<dyn FnMut(&Asked) -> Answer + Send>>;

impl FakeServer {
    /// Starts a server that asks `script` about every request, the start-up included, but not those that only close statements.
    pub async fn start(
        product: Product,
        script: impl FnMut(&Asked) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Script = Arc::new(Mutex::new(script));
        let log = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            let number = Arc::new(AtomicUsize::new(0));
            while let Ok((stream, _)) = listener.accept().await {
                let talk = Conversation {
                    product,
                    connections: Arc::clone(&number),
                    script: Arc::clone(&script),
                    log: Arc::clone(&log),
                };
                connections.spawn(talk.hold(stream));
            }
        });
        Self {
            port,
            asked,
            serving,
        }
    }

    /// How to connect to it.
    pub fn url(&self, parameters: &str) -> String {
        format!(
            "postgresql://somebody@127.0.0.1:{}/d?sslmode=disable&{parameters}",
            self.port
        )
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections were made to it so far.
    pub fn connections(&self) -> usize {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|asked| asked.kinds == "start").count()
    }

    /// The texts that it was asked to run so far, without those of setting up a connection, and those that were only prepared.
    pub fn texts(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = |asked: &&Asked| asked.kinds.contains(['E', 'Q']) && !is_set_up(asked);
        let asked = asked.iter().filter(runs);
        asked.map(|asked| asked.text.clone()).collect()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Whether it is part of making a connection ready.
fn is_set_up(asked: &Asked) -> bool {
    asked.text.starts_with("SHOW") || asked.text.starts_with("SET")
}

struct Conversation {
    product: Product,
    /// How many connections there were before, without those that only ask to cancel.
    connections: Arc<AtomicUsize>,
    script: Script,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Conversation {
    /// Talks until one of both has had enough.
    async fn hold(self, mut stream: TcpStream) {
        let Some(mut asked) = Asked::start(&mut stream).await else {
            return;
        };
        let connection = self.connections.fetch_add(1, Ordering::SeqCst);
        let (mut number, mut status) = (0, b'I');
        let mut prepared = Prepared::default();
        loop {
            asked.connection = connection;
            asked.number = number;
            prepared.resolve(&mut asked);
            status = status_after(&asked.text, status);
            let answer = self.answer(&asked);
            number += usize::from(!asked.closes());
            let (bytes, goes_on) = match answer {
                Answer::Sound => (self.sound(&asked, status).concat(), true),
                Answer::Bytes(bytes) => (bytes, true),
                Answer::Last(bytes) => (bytes, false),
                Answer::Silence => {
                    // Until the client has had enough.
                    let mut rest = Vec::new();
                    drop(stream.read_to_end(&mut rest).await);
                    return;
                }
            };
            // Whether the client still listens is its own affair.
            if stream.write_all(&bytes).await.is_err() || !goes_on {
                drop(stream.shutdown().await);
                return;
            }
            let Some(next) = Asked::read(&mut stream).await else {
                return;
            };
            asked = next;
        }
    }

    fn answer(&self, asked: &Asked) -> Answer {
        if asked.closes() {
            return Answer::Sound;
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(asked.clone());
        drop(log);
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script(asked)
    }

    fn sound(&self, asked: &Asked, status: u8) -> Vec<Vec<u8>> {
        if asked.kinds == "start" {
            return greeting(self.product);
        }
        serve(asked, &usual(&asked.text), status)
    }
}

/// What a statement usually gives.
fn usual(text: &str) -> Relation {
    let level = Relation {
        columns: vec![("transaction_isolation", 25)],
        rows: vec![vec![Some(b"serializable".to_vec())]],
        tag: "SHOW",
    };
    match text.split(' ').next().unwrap_or_default() {
        "SHOW" => level,
        "INSERT" => Relation::done("INSERT 0 1"),
        "UPDATE" => Relation {
            tag: "UPDATE 1",
            ..Relation::number(1)
        },
        "BEGIN" => Relation::done("BEGIN"),
        "COMMIT" => Relation::done("COMMIT"),
        "ROLLBACK" => Relation::done("ROLLBACK"),
        "SET" => Relation::done("SET"),
        // By a statement that was prepared, or to read.
        _ => Relation::number(1),
    }
}

fn status_after(text: &str, status: u8) -> u8 {
    match text.split(' ').next().unwrap_or_default() {
        "BEGIN" => b'T',
        "COMMIT" | "ROLLBACK" => b'I',
        _ => status,
    }
}

/// What a sound server sends after the start-up message: a list of frames.
pub fn greeting(product: Product) -> Vec<Vec<u8>> {
    let mut frames = vec![frame(b'R', &[0; 4])];
    match product {
        Product::CockroachDb => {
            frames.push(parameter_status("server_version", "13.0.0"));
            let version = "CockroachDB CCL v26.2.0 (scripted)";
            frames.push(parameter_status("crdb_version", version));
        }
        Product::PostgreSql => frames.push(parameter_status("server_version", "15.18")),
    }
    frames.push(parameter_status("client_encoding", "UTF8"));
    frames.push(frame(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]));
    frames.push(ready(b'I'));
    frames
}
