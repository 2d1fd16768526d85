//! What an error or a lost connection means for a statement alone, for a transaction, and for its COMMIT.

use host::database::{Error, ServerKind};
use tests::fault::{
    Answer, Asked, FakeServer, Product, Relation, command_complete, error, notice,
    parameter_status, ready, serve,
};

use super::{connect, is_ambiguous, read, session, update, write};

const ONE: &str = "min_connections=1&max_connections=1";

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Write,
    Update,
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Ambiguous,
    RolledBack,
    SchemaChangeFailed,
}

/// Which statement is answered so, for the first time.
const READ: &str = "SELECT * FROM";
const WRITE: &str = "INSERT";
const UPDATE: &str = "UPDATE";
const COMMIT: &str = "COMMIT";

struct Case {
    name: &'static str,
    call: Call,
    /// The statement whose first answer is another.
    statement: &'static str,
    answer: fn(&Asked) -> Answer,
    outcome: Outcome,
    /// How often that statement is sent in all.
    times: usize,
}

fn refused(asked: &Asked, code: &str, message: &str, status: u8) -> Answer {
    let mut frames = serve(asked, &Relation::number(1), status);
    // The error takes the place of the tag, after what came before it.
    frames.truncate(frames.len() - 2);
    frames.push(error("ERROR", code, message));
    frames.push(ready(status));
    Answer::Bytes(frames.concat())
}

fn race(asked: &Asked, status: u8) -> Answer {
    let message = "restart transaction: TransactionRetryWithProtoRefreshError: …";
    refused(asked, "40001", message, status)
}

fn unclear(asked: &Asked, status: u8) -> Answer {
    refused(asked, "40003", "result is ambiguous: lost contact", status)
}

fn drained(_: &Asked) -> Answer {
    Answer::Last(error("FATAL", "57P01", "server is shutting down"))
}

fn cut(_: &Asked) -> Answer {
    Answer::Last(Vec::new())
}

/// The exchanges are those of cockroachdb/cockroach: pkg/sql/conn_fsm.go, pkg/sql/txn_restart_test.go and pkg/sql/pgwire/testdata/pgtest.
const CASES: &[Case] = &[
    Case {
        name: "a read that lost a race after rows had come is read again",
        call: Call::Read,
        statement: READ,
        answer: |asked| {
            let mut frames = serve(asked, &Relation::number(1), b'I');
            frames.pop();
            frames.push(error("ERROR", "40001", "restart transaction: …"));
            frames.push(ready(b'I'));
            Answer::Bytes(frames.concat())
        },
        outcome: Outcome::Done,
        times: 2,
    },
    Case {
        name: "a read of unclear end is read again",
        call: Call::Read,
        statement: READ,
        answer: |asked| unclear(asked, b'I'),
        outcome: Outcome::Done,
        times: 2,
    },
    Case {
        name: "a read whose server goes away is read elsewhere",
        call: Call::Read,
        statement: READ,
        answer: drained,
        outcome: Outcome::Done,
        times: 2,
    },
    Case {
        name: "a read that is lost in flight is read again",
        call: Call::Read,
        statement: READ,
        answer: cut,
        outcome: Outcome::Done,
        times: 2,
    },
    Case {
        name: "a write that lost a race is written again",
        call: Call::Write,
        statement: WRITE,
        answer: |asked| race(asked, b'I'),
        outcome: Outcome::Done,
        times: 2,
    },
    Case {
        name: "a write of unclear end is not repeated",
        call: Call::Write,
        statement: WRITE,
        answer: |asked| unclear(asked, b'I'),
        outcome: Outcome::Ambiguous,
        times: 1,
    },
    Case {
        name: "a write whose server goes away is not repeated",
        call: Call::Write,
        statement: WRITE,
        answer: drained,
        outcome: Outcome::Ambiguous,
        times: 1,
    },
    Case {
        name: "a write that is lost in flight is not repeated",
        call: Call::Write,
        statement: WRITE,
        answer: cut,
        outcome: Outcome::Ambiguous,
        times: 1,
    },
    Case {
        name: "a transaction whose statement lost a race runs again",
        call: Call::Update,
        statement: UPDATE,
        answer: |asked| race(asked, b'E'),
        outcome: Outcome::Done,
        times: 2,
    },
    Case {
        name: "a transaction whose connection is lost before COMMIT runs again",
        call: Call::Update,
        statement: UPDATE,
        answer: cut,
        outcome: Outcome::Done,
        times: 2,
    },
    Case {
        name: "a transaction whose server goes away before COMMIT runs again",
        call: Call::Update,
        statement: UPDATE,
        answer: drained,
        outcome: Outcome::Done,
        times: 2,
    },
    Case {
        name: "a transaction that lost a race at COMMIT runs again",
        call: Call::Update,
        statement: COMMIT,
        answer: |_| {
            let lost = error(
                "ERROR",
                "40001",
                "restart transaction: … RETRY_SERIALIZABLE …",
            );
            Answer::Bytes([lost, ready(b'I')].concat())
        },
        outcome: Outcome::Done,
        times: 2,
    },
    Case {
        name: "a COMMIT of unclear end is not repeated",
        call: Call::Update,
        statement: COMMIT,
        answer: |_| {
            let unclear = error("ERROR", "40003", "result is ambiguous: …");
            Answer::Bytes([unclear, ready(b'I')].concat())
        },
        outcome: Outcome::Ambiguous,
        times: 1,
    },
    Case {
        name: "a COMMIT that is lost in flight is not repeated",
        call: Call::Update,
        statement: COMMIT,
        answer: cut,
        outcome: Outcome::Ambiguous,
        times: 1,
    },
    Case {
        name: "a COMMIT that is half answered is not repeated",
        call: Call::Update,
        statement: COMMIT,
        answer: |_| Answer::Last(command_complete("COMMIT")),
        outcome: Outcome::Ambiguous,
        times: 1,
    },
    Case {
        name: "a COMMIT that is answered with ROLLBACK has not committed",
        call: Call::Update,
        statement: COMMIT,
        answer: |_| Answer::Bytes([command_complete("ROLLBACK"), ready(b'I')].concat()),
        outcome: Outcome::RolledBack,
        times: 1,
    },
    Case {
        name: "a COMMIT whose schema change failed has committed the data",
        call: Call::Update,
        statement: COMMIT,
        answer: |_| {
            let message = "transaction committed but schema change aborted with error: (23505): …";
            Answer::Bytes([error("ERROR", "XXA00", message), ready(b'I')].concat())
        },
        outcome: Outcome::SchemaChangeFailed,
        times: 1,
    },
    Case {
        name: "notices and parameters before the answer are none of its business",
        call: Call::Write,
        statement: WRITE,
        answer: |asked| {
            let answer = serve(asked, &Relation::done("INSERT 0 1"), b'I').concat();
            let before = [notice("…"), parameter_status("TimeZone", "UTC")].concat();
            Answer::Bytes([before, answer].concat())
        },
        outcome: Outcome::Done,
        times: 1,
    },
];

#[tokio::test]
async fn nothing_is_repeated_that_may_have_happened_and_all_else_is() {
    for product in [Product::CockroachDb, Product::PostgreSql] {
        for case in CASES {
            let Case {
                name,
                call,
                statement,
                answer,
                outcome,
                times,
            } = case;
            let mut is_first = true;
            let server = FakeServer::start(product, move |asked| {
                if asked.text.starts_with(statement) && std::mem::take(&mut is_first) {
                    answer(asked)
                } else {
                    Answer::Sound
                }
            });
            let server = server.await;
            let database = connect(&server.url(ONE)).await;
            let is_cockroachdb = database.server().kind == ServerKind::CockroachDb;
            assert_eq!(is_cockroachdb, product == Product::CockroachDb);
            let mut session = session(&database);
            let seen = match call {
                Call::Read => read(&mut session).await.map(drop),
                Call::Write => write(&mut session, 1).await.map(drop),
                Call::Update => update(&mut session).await.map(drop),
            };
            let is_expected = match outcome {
                Outcome::Done => seen.is_ok(),
                Outcome::Ambiguous => is_ambiguous(&seen),
                Outcome::RolledBack => {
                    matches!(&seen, Err(Error::Database(error)) if error.sqlstate == "25P02")
                }
                Outcome::SchemaChangeFailed => {
                    matches!(&seen, Err(Error::Other(text)) if text.starts_with("schema-change-failed"))
                }
            };
            assert!(is_expected, "{name}: {seen:?}");
            let texts = server.texts();
            let sent = texts
                .iter()
                .filter(|text| text.starts_with(statement))
                .count();
            assert_eq!(sent, *times, "{name}: {texts:?}");
            read(&mut session).await.expect("the pool works");
            database.close().await;
        }
    }
}

#[tokio::test]
async fn a_server_that_is_drained_is_left_for_the_next() {
    let draining = FakeServer::start(Product::CockroachDb, |asked| match asked.connection {
        // The first connection is told only after its first answer, and by nobody's question.
        0 if asked.text.starts_with(READ) => {
            let answer = serve(asked, &Relation::number(1), b'I').concat();
            Answer::Last([answer, error("FATAL", "57P01", "server is shutting down")].concat())
        }
        0 => Answer::Sound,
        _ => Answer::Last(error(
            "FATAL",
            "57P01",
            "server is not accepting clients, try another node",
        )),
    })
    .await;
    let other = FakeServer::start(Product::CockroachDb, |_| Answer::Sound).await;
    let (first, second) = (draining.port(), other.port());
    let hosts =
        format!("postgresql://me@127.0.0.1:{first},127.0.0.1:{second}/d?sslmode=disable&{ONE}");
    let database = connect(&hosts).await;
    let mut session = session(&database);
    for _ in 0..3 {
        read(&mut session).await.expect("read");
    }
    write(&mut session, 1).await.expect("written");
    assert!(draining.connections() >= 2 && other.connections() == 1);
    database.close().await;
}
