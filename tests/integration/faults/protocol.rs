//! Answers that no server should give.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use host::database::{ConnectOptions, Database, Error, LimitExceeded, Limits};
use tests::fault::{
    Answer, FakeServer, Product, command_complete, data_row, error, frame, notice,
    parameter_status, ready, row_description,
};

use tokio::time::timeout;

use super::{connect, is_ambiguous, read, session, write};

const NUMBER: Option<&[u8]> = Some(&[0, 0, 0, 0, 0, 0, 0, 9]);

/// Frames by one letter each, in the order of an answer.
fn frames(letters: &str) -> Vec<u8> {
    let one = |letter| match letter {
        '1' | '2' | 'n' | 's' | 'I' | '?' => frame(u8::try_from(letter).expect("ASCII"), b""),
        't' => frame(b't', &[0, 0]),
        'T' => row_description(&[("number", 20)]),
        'D' => data_row(&[NUMBER]),
        '0' => data_row(&[]),
        '3' => data_row(&[NUMBER, NUMBER, NUMBER]),
        // A value that is longer than its frame, and a row that is shorter than it says.
        'L' => frame(b'D', &[0, 1, 0, 0, 9, 9, 7]),
        'S' => frame(b'D', &[0, 9]),
        'C' => command_complete("SELECT 1"),
        'Z' => ready(b'I'),
        'X' => ready(b'X'),
        'B' => ready(b'T'),
        'F' => ready(b'E'),
        'E' => error("ERROR", "23505", "twice"),
        // Errors without a code, without a field, and without an end.
        'e' => frame(b'E', b"SERROR\0VERROR\0Mwhat\0\0"),
        'f' => frame(b'E', b"\0"),
        'g' => frame(b'E', b"SERROR\0VERROR\0C40"),
        'G' => frame(b'G', &[0, 0, 1, 0, 0]),
        'H' => frame(b'H', &[0, 0, 1, 0, 0]),
        'W' => frame(b'W', &[0, 0, 1, 0, 0]),
        'R' => frame(b'R', &[0, 0, 0, 3]),
        'N' => notice("again").repeat(5_000),
        'P' => parameter_status("TimeZone", "UTC").repeat(50),
        'A' => frame(b'A', b"\0\0\0\x01channel\0payload\0"),
        'z' => b"D\0\0\0\0".to_vec(),
        other => panic!("no frame is called {other}"),
    };
    letters.chars().flat_map(one).collect()
}

/// A server whose first connection answers the first statement on a table like this.
async fn spoilt(answer: Answer) -> FakeServer {
    FakeServer::start(Product::PostgreSql, move |asked| {
        if asked.connection == 0 && asked.text.contains("\"t\"") {
            answer.clone()
        } else {
            Answer::Sound
        }
    })
    .await
}

const ONE: &str = "min_connections=1&max_connections=1&connect_timeout=2";

const BROKEN: &[&str] = &[
    "Z",
    "1Z",
    "12Z",
    "12tTZ",
    "12tTDZ",
    "12tTDsZ",
    "12tTIZ",
    "12tnDCZ",
    "12DCZ",
    "DCZ",
    "12tT0CZ",
    "12tT3CZ",
    "12tTLCZ",
    "12tTSCZ",
    "12tTTDCZ",
    "12tTZDCZ",
    "12tTDCX",
    "12tTDCB",
    "12tTDCF",
    "12tTDCZZ",
    "12tTDCZCZ",
    "12tTDC?Z",
    "?",
    "R",
    "12tTRDCZ",
    "eZ",
    "fZ",
    "gZ",
    "12tTDeZ",
    "12tTGZ",
    "12tTHZ",
    "12tTWZ",
    "G",
    "12tTDG",
    "12tTzCZ",
    "C",
    "2",
    "T",
    "D",
];

#[tokio::test]
async fn an_answer_against_the_protocol_is_an_error_and_costs_the_connection() {
    let cases = BROKEN
        .iter()
        .flat_map(|letters| [(*letters, false), (*letters, true)]);
    stream::iter(cases)
        .for_each_concurrent(16, |(letters, ends)| async move {
            let bytes = frames(letters);
            let answer = if ends {
                Answer::Last(bytes)
            } else {
                Answer::Bytes(bytes)
            };
            // The answer itself was sound: what follows it is not.
            let is_whole = letters.ends_with("CZZ") || letters.ends_with("CZCZ");
            read_broken(letters, answer.clone(), is_whole).await;
            write_broken(letters, answer, is_whole).await;
        })
        .await;
}

async fn read_broken(letters: &str, answer: Answer, is_whole: bool) {
    let server = spoilt(answer).await;
    let database = connect(&server.url(ONE)).await;
    let mut session = session(&database);
    session.set_statement_timeout(Duration::from_millis(100));
    match read(&mut session).await {
        // What was cut off is read again, on the next connection.
        Ok(_) => assert!(is_whole || server.connections() > 1, "{letters}"),
        Err(error) => {
            let is_said = matches!(error, Error::Other(_) | Error::Timeout(_));
            assert!(is_said, "{letters}: {error:?}");
        }
    }
    session.set_statement_timeout(Duration::from_secs(9));
    let second = read(&mut session).await;
    assert!(second.is_ok(), "after {letters}: {second:?}");
    assert_eq!(server.connections(), 2, "{letters}");
    database.close().await;
}

async fn write_broken(letters: &str, answer: Answer, is_whole: bool) {
    let server = spoilt(answer).await;
    let database = connect(&server.url(ONE)).await;
    let mut session = session(&database);
    session.set_statement_timeout(Duration::from_millis(100));
    let written = write(&mut session, 1).await;
    let is_expected = is_ambiguous(&written) || (is_whole && written.is_ok());
    assert!(is_expected, "{letters}: {written:?}");
    let texts = server.texts();
    let inserts = texts.iter().filter(|text| text.starts_with("INSERT"));
    assert_eq!(inserts.count(), 1, "{letters}: a write is not repeated");
    database.close().await;
}

#[tokio::test]
async fn what_a_server_may_say_at_any_time_changes_nothing() {
    for letters in [
        "N12tTDCZ",
        "1N2tTDNCZ",
        "P12tTDCPZ",
        "12PtTADCAZ",
        "12tTDCNZN",
        "12tTDCZPA",
        "A12tTDCZ",
    ] {
        let server = spoilt(Answer::Bytes(frames(letters))).await;
        let database = connect(&server.url(ONE)).await;
        let mut session = session(&database);
        for _ in 0..2 {
            let rows = read(&mut session).await;
            let rows = rows.unwrap_or_else(|error| panic!("{letters}: {error}"));
            assert_eq!(rows.len(), 1, "{letters}");
        }
        assert_eq!(server.connections(), 1, "{letters}");
        database.close().await;
    }
}

#[tokio::test]
async fn a_frame_that_is_too_long_is_a_limit() {
    for start in [
        &b"D\xff\xff\xff\xff"[..],
        b"D\x7f\xff\xff\xff",
        b"T\x01\x00\x00\x01",
    ] {
        let server = spoilt(Answer::Bytes([&frames("12tT"), start].concat())).await;
        let database = connect(&server.url(ONE)).await;
        let mut session = session(&database);
        let Err(Error::Limit(LimitExceeded { name, .. })) = read(&mut session).await else {
            panic!("a limit was reached");
        };
        assert_eq!(name, "frame-bytes");
        read(&mut session).await.expect("the pool works");
        database.close().await;
    }
}

#[tokio::test]
async fn endless_silence_ends_in_time() {
    stream::iter(["", "1", "12tT", "12tTD", "12tTDC", "N"])
        .for_each_concurrent(6, |letters| async move {
            let bytes = frames(letters);
            let server = FakeServer::start(Product::PostgreSql, move |asked| {
                match (asked.connection, asked.text.contains("\"t\"")) {
                    (0 | 1, true) if bytes.is_empty() => Answer::Silence,
                    (0 | 1, true) => Answer::Bytes(bytes.clone()),
                    _ => Answer::Sound,
                }
            });
            let server = server.await;
            let database = connect(&server.url(ONE)).await;
            let mut session = session(&database);
            session.set_statement_timeout(Duration::from_millis(50));
            let silent = read(&mut session).await;
            let is_late = matches!(silent, Err(Error::Timeout(_)));
            assert!(is_late, "{letters}: {silent:?}");
            let unknown = write(&mut session, 1).await;
            assert!(is_ambiguous(&unknown), "{letters}: {unknown:?}");
            session.set_statement_timeout(Duration::from_secs(9));
            read(&mut session).await.expect("the pool works");
            database.close().await;
        })
        .await;
}

/// A login that goes another way: its name, what the server says to the start-up and then to each step, and whether it lets us in.
type Login = (&'static str, Vec<Vec<u8>>, bool);

fn logins() -> Vec<Login> {
    let key = frame(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]);
    let ok = frame(b'R', &[0; 4]);
    vec![
        ("no key", vec![[&ok[..], &ready(b'I')].concat()], true),
        (
            "a short key",
            vec![[&ok[..], &frame(b'K', b"\0"), &ready(b'I')].concat()],
            false,
        ),
        (
            "no state",
            vec![[&ok[..], &key, &frame(b'Z', b"")].concat()],
            false,
        ),
        (
            "a failed transaction",
            vec![[&ok[..], &key, &ready(b'E')].concat()],
            true,
        ),
        ("rows", vec![frames("TDCZ")], false),
        (
            "an unknown method",
            vec![frame(b'R', &[0, 0, 0, 99])],
            false,
        ),
        ("no method", vec![frame(b'R', b"")], false),
        (
            "a method of no name",
            vec![frame(b'R', b"\0\0\0\x0aX")],
            false,
        ),
        (
            "a password in clear",
            vec![frame(b'R', &[0, 0, 0, 3])],
            false,
        ),
        ("an error without a code", vec![frames("e")], false),
        (
            "an error of no kind",
            vec![error("WHATEVER", "28000", "go away")],
            false,
        ),
        (
            "garbage",
            vec![b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03".to_vec()],
            false,
        ),
    ]
}

#[tokio::test]
async fn a_login_goes_wrong_in_words() {
    for (name, answers, is_let_in) in logins() {
        let server = FakeServer::start(Product::PostgreSql, move |asked| {
            match answers.get(asked.number) {
                Some(bytes) if asked.number == 0 || asked.kinds.starts_with('p') => {
                    Answer::Bytes(bytes.clone())
                }
                _ => Answer::Sound,
            }
        });
        let server = server.await;
        let url = server
            .url("connect_timeout=2&min_connections=0")
            .replace("somebody@", "somebody:word@");
        let options = ConnectOptions::from_url(&url).expect("a good URL");
        let connecting = Database::connect(options, Limits::default());
        let connected = timeout(Duration::from_secs(9), connecting).await;
        let connected = connected.unwrap_or_else(|_| panic!("{name}: it hangs"));
        assert_eq!(connected.is_ok(), is_let_in, "{name}: {connected:?}");
    }
}

/// The driver hashes the password as often as the server says, in one piece: it would hold a thread of the host for an hour.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_cannot_keep_the_host_busy_with_hashing() {
    let server = FakeServer::start(Product::PostgreSql, |asked| {
        let said = String::from_utf8_lossy(&asked.bytes);
        match said.split_once(",r=") {
            None => Answer::Bytes(frame(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")),
            Some((_, nonce)) => {
                let next = format!("\0\0\0\u{b}r={nonce}more,s=c2FsdA==,i=4294967295");
                Answer::Bytes(frame(b'R', next.as_bytes()))
            }
        }
    });
    let server = server.await;
    let url = server
        .url("min_connections=0")
        .replace("somebody@", "somebody:word@");
    let options = ConnectOptions::from_url(&url).expect("a good URL");
    let connecting = tokio::spawn(Database::connect(options, Limits::default()));
    let connected = timeout(Duration::from_secs(9), connecting).await;
    let connected = connected.expect("it ends").expect("it does not panic");
    connected.expect_err("nobody logs in like that");
}
