//! Nothing that SQL text leaves on a connection is seen by the next session, and no default of a role changes what a value means.

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them"
)]

use host::database::{ConnectOptions, Database, Interval, Limits, Session, Value};
use tests::{
    TestDatabase,
    fault::{Answer, FakeServer, Product, Proxy},
    unique_name,
};

fn session(database: &Database) -> Session {
    database.session(tests::session_options(Limits::default()))
}

async fn connect(url: &str) -> Database {
    let options = ConnectOptions::from_url(url).expect("a good URL");
    let database = Database::connect(options, Limits::default()).await;
    database.expect("it connects")
}

async fn one_connection(test: &TestDatabase) -> Database {
    connect(&format!(
        "{}&min_connections=1&max_connections=1",
        test.url()
    ))
    .await
}

async fn scalar(session: &mut Session, expression: &str) -> String {
    let sql = format!("SELECT ({expression})::text");
    let rows = session.query(&sql, &[]).await;
    let rows = rows.unwrap_or_else(|error| panic!("{expression}: {error}"));
    match rows.value(0, 0).expect("text") {
        Value::Text(text) => text.into_owned(),
        other => format!("{other:?}"),
    }
}

/// Something that a session can hold.
struct Held {
    what: &'static str,
    /// How it comes to be held: statements, run by a function, so that no check of the host's stands before them.
    take: &'static str,
    /// An expression that is something else as long as it is held.
    seen: &'static str,
}

const HELD: &[Held] = &[
    Held {
        what: "a setting",
        take: "SET work_mem = '77MB'",
        seen: "current_setting('work_mem')",
    },
    Held {
        what: "a setting of one's own",
        take: "SET my.own = 'secret'",
        seen: "coalesce(current_setting('my.own', true), '')",
    },
    Held {
        what: "the search path",
        take: "SET search_path = pg_catalog",
        seen: "current_setting('search_path')",
    },
    Held {
        what: "the time zone",
        take: "SET TimeZone = 'Asia/Tokyo'",
        seen: "current_setting('TimeZone')",
    },
    Held {
        what: "how arrays are read",
        take: "SET array_nulls = off",
        seen: "current_setting('array_nulls')",
    },
    Held {
        what: "the isolation of later transactions",
        take: "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
        seen: "current_setting('default_transaction_isolation') || current_setting('default_transaction_read_only')",
    },
    Held {
        what: "a role",
        take: "SET ROLE pg_monitor",
        seen: "current_user",
    },
    Held {
        what: "the session's authorization",
        take: "SET SESSION AUTHORIZATION pg_monitor",
        seen: "session_user",
    },
    Held {
        what: "a temporary table",
        take: "CREATE TEMP TABLE mine (a int8)",
        seen: "coalesce(to_regclass('mine')::text, 'none')",
    },
    Held {
        what: "a temporary view",
        take: "CREATE TEMP VIEW my_view AS SELECT 1 AS a",
        seen: "coalesce(to_regclass('my_view')::text, 'none')",
    },
    Held {
        what: "a temporary sequence",
        take: "CREATE TEMP SEQUENCE my_sequence",
        seen: "coalesce(to_regclass('my_sequence')::text, 'none')",
    },
    Held {
        what: "a temporary function",
        take: "CREATE FUNCTION pg_temp.mine() RETURNS int8 LANGUAGE sql AS 'SELECT 1'",
        seen: "coalesce(to_regproc('pg_temp.mine')::text, 'none')",
    },
    Held {
        what: "a temporary type",
        take: "CREATE TYPE pg_temp.my_type AS ENUM ('a')",
        seen: "coalesce(to_regtype('pg_temp.my_type')::text, 'none')",
    },
    Held {
        what: "a prepared statement",
        take: "PREPARE mine AS SELECT 1",
        seen: "SELECT count(*) FROM pg_prepared_statements WHERE name = 'mine'",
    },
    Held {
        what: "a held cursor",
        take: "DECLARE mine CURSOR WITH HOLD FOR SELECT 1",
        seen: "SELECT count(*) FROM pg_cursors WHERE name = 'mine'",
    },
    Held {
        what: "a channel",
        take: "LISTEN mine",
        seen: "SELECT count(*) FROM pg_listening_channels()",
    },
    Held {
        what: "advisory locks",
        take: "SELECT pg_advisory_lock(42), pg_advisory_lock_shared(1, 2)",
        seen: "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    },
    Held {
        what: "where a sequence stands",
        take: "SELECT nextval('public.numbers')",
        seen: "public.last_number()",
    },
    Held {
        what: "a temporary replication slot",
        take: "SELECT pg_create_physical_replication_slot('mine', false, true)",
        seen: "SELECT count(*) FROM pg_replication_slots WHERE temporary",
    },
];

/// Functions that are there before any session begins.
const FUNCTIONS: &str = "
    CREATE SEQUENCE numbers;
    CREATE FUNCTION run(text text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE text; RETURN 'done'; END $$;
    CREATE FUNCTION last_number() RETURNS text LANGUAGE plpgsql AS $$
        BEGIN RETURN lastval(); EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END $$";

#[tokio::test]
async fn nothing_that_a_session_holds_is_seen_by_the_next() {
    let test = tests::database().await;
    test.client()
        .await
        .simple_query(FUNCTIONS)
        .await
        .expect("made");
    let database = one_connection(&test).await;
    for held in HELD {
        let Held { what, take, seen } = held;
        let mut fresh = session(&database);
        let before = scalar(&mut fresh, seen).await;
        fresh.close().await;

        let mut holder = session(&database);
        let quoted = take.replace('\'', "''");
        // The last statement of a text decides whether a snapshot is held, so it is one that holds none.
        let taken = scalar(&mut holder, &format!("public.run('{quoted}')")).await;
        assert_eq!(taken, "done", "{what}");
        assert_ne!(scalar(&mut holder, seen).await, before, "{what} is held");
        // One that takes over while the holder is still there, and one that comes after it.
        let mut next = session(&database);
        let trips = next.statistics().round_trips;
        assert_eq!(scalar(&mut next, seen).await, before, "{what} is left over");
        assert_eq!(next.statistics().round_trips - trips, 1, "{what}");
        holder.close().await;
        next.close().await;
        let mut last = session(&database);
        assert_eq!(scalar(&mut last, seen).await, before, "{what} is left over");
    }
    database.close().await;
}

#[tokio::test]
async fn a_reset_is_one_round_trip_and_only_between_sessions() {
    let test = tests::database().await;
    let proxy = Proxy::start(&test.url()).await;
    let database = connect(&proxy.url(test.name(), "min_connections=1&max_connections=1")).await;
    let mut sessions = [session(&database), session(&database)];
    for which in [0, 0, 1, 0] {
        scalar(&mut sessions[which], "1").await;
    }
    database.close().await;
    let asked = proxy.statements();
    let word = |text: &str| text.split([' ', ';']).next().map(str::to_owned);
    let asked: Vec<_> = asked.iter().filter_map(|it| word(&it.text)).collect();
    let (ask, reset) = ("SELECT", "CLOSE");
    let after_login = asked.iter().skip_while(|word| *word != ask);
    let after_login: Vec<_> = after_login.take(6).collect();
    assert_eq!(after_login, [ask, ask, reset, ask, reset, ask]);
}

#[tokio::test]
async fn a_connection_is_reset_where_that_is_enough_and_closed_where_it_is_not() {
    let test = tests::database().await;
    let client = test.client().await;
    client.simple_query(FUNCTIONS).await.expect("made");
    let database = one_connection(&test).await;
    for (left, is_kept) in [
        ("SELECT 1", true),
        ("CREATE EXTENSION IF NOT EXISTS citext", true),
        (
            "SELECT pg_create_physical_replication_slot('slot', false, true)",
            false,
        ),
        // It keeps connections to other servers under names of its own.
        ("CREATE EXTENSION IF NOT EXISTS dblink", false),
    ] {
        let mut first = session(&database);
        let quoted = left.replace('\'', "''");
        scalar(&mut first, &format!("public.run('{quoted}')")).await;
        let backend = scalar(&mut first, "pg_backend_pid()").await;
        let mut second = session(&database);
        let other = scalar(&mut second, "pg_backend_pid()").await;
        assert_eq!(other == backend, is_kept, "{left}");
    }
    database.close().await;
}

#[tokio::test]
async fn a_seed_that_one_session_sets_tells_nothing_of_what_the_next_draws() {
    let test = tests::database().await;
    let database = one_connection(&test).await;
    let mut drawn = Vec::new();
    for _ in 0..3 {
        let mut first = session(&database);
        scalar(&mut first, "setseed(0.5)").await;
        drawn.push(scalar(&mut session(&database), "random()").await);
    }
    assert_ne!(drawn[0], drawn[1]);
    assert_ne!(drawn[1], drawn[2]);
    database.close().await;
}

#[tokio::test]
async fn what_lives_as_long_as_a_statement_is_gone_with_it() {
    let test = tests::database().await;
    let database = one_connection(&test).await;
    let mut first = session(&database);
    scalar(&mut first, "set_config('work_mem', '77MB', true)").await;
    assert_ne!(
        scalar(&mut first, "current_setting('work_mem')").await,
        "77MB"
    );
    // The descriptor of a large object, and the lock of a transaction.
    let object = scalar(&mut first, "lo_create(0)").await;
    let descriptor = scalar(&mut first, &format!("lo_open({object}, 262144)")).await;
    let read = first
        .query(&format!("SELECT loread({descriptor}, 1)"), &[])
        .await;
    read.expect_err("it was closed with its transaction");
    scalar(&mut first, "pg_advisory_xact_lock(7)").await;
    let locks =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    assert_eq!(scalar(&mut first, locks).await, "0");
    database.close().await;
}

/// A role whose defaults would change what values mean.
const HOSTILE: &[&str] = &[
    "TimeZone = 'Asia/Tokyo'",
    "DateStyle = 'SQL, DMY'",
    "IntervalStyle = 'sql_standard'",
    "extra_float_digits = -15",
    "bytea_output = 'escape'",
    "client_encoding = 'LATIN1'",
    "standard_conforming_strings = off",
    "array_nulls = off",
    "xmloption = document",
    "transform_null_equals = on",
    "timezone_abbreviations = 'India'",
    "default_transaction_isolation = 'read committed'",
];

/// Texts that mean something else under such defaults, with what they mean, and values in both directions.
const MEANINGS: &[(&str, &str)] = &[
    ("'02/03/2024'::date::text", "2024-02-03"),
    (
        "'2024-01-01 12:00'::timestamptz::text",
        "2024-01-01 12:00:00+00",
    ),
    (
        "'2024-01-01 12:00 IST'::timestamptz::text",
        "2024-01-01 10:00:00+00",
    ),
    ("'-1 2:03:04'::interval::text", "-1 days +02:03:04"),
    ("(1.0/3.0)::float8::text", "0.3333333333333333"),
    (r"'\x00ff'::bytea::text", r"\x00ff"),
    (
        "'{NULL}'::text[] IS NOT DISTINCT FROM ARRAY[NULL::text]",
        "true",
    ),
    (r"'a\b'", r"a\b"),
    ("'é€'", "é€"),
    ("NULL = NULL IS NULL", "true"),
    ("current_setting('transaction_isolation')", "serializable"),
];

#[tokio::test]
async fn the_defaults_of_a_role_do_not_change_what_a_value_means() {
    let test = tests::database().await;
    let client = test.client().await;
    let role = unique_name("hostile");
    client
        .simple_query(&format!("CREATE ROLE {role} LOGIN"))
        .await
        .expect("made");
    for default in HOSTILE {
        let set = format!("ALTER ROLE {role} SET {default}");
        client.simple_query(&set).await.expect("set");
    }
    let url = test.url().replace("//root@", &format!("//{role}@"));
    let database = connect(&format!("{url}&min_connections=1&max_connections=1")).await;
    let point = Value::TimestampTz(1_704_110_400_000_000);
    let span = Value::Interval(Interval {
        months: -14,
        days: 3,
        microseconds: -3_723_000_001,
    });
    let list = Value::Array(vec![Value::Null, Value::Text("NULL".into())]);
    // At first, and after a reset.
    for _ in 0..2 {
        let mut session = session(&database);
        for (expression, meaning) in MEANINGS {
            assert_eq!(
                scalar(&mut session, expression).await,
                *meaning,
                "{expression}"
            );
        }
        let given = [point.clone(), span.clone(), list.clone()];
        let text = "SELECT $1::timestamptz, $2::interval, $3::text[]";
        let rows = session.query(text, &given).await.expect("read");
        let back: Vec<_> = (0..3)
            .map(|column| rows.value(0, column).expect("sound"))
            .collect();
        assert_eq!(back, given);
    }
    database.close().await;
    drop(
        client
            .simple_query(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
            .await,
    );
}

/// No text is known to undo everything on CockroachDB: `DISCARD ALL` leaves the role in the versions that we have read (pkg/sql/discard.go),
/// and PostgreSQL's functions are not all there. So a connection that SQL text ran on is lent to nobody else.
#[tokio::test]
async fn on_cockroachdb_a_connection_that_sql_text_ran_on_is_closed() {
    let server = FakeServer::start(Product::CockroachDb, |_| Answer::Sound).await;
    let database = connect(&server.url("min_connections=1&max_connections=1")).await;
    let mut first = session(&database);
    for _ in 0..2 {
        first.query("SELECT 1", &[]).await.expect("read");
    }
    let mut second = session(&database);
    second.query("SELECT 2", &[]).await.expect("read");
    assert_eq!(server.connections(), 2, "one for each session");
    database.close().await;
    let texts = server.texts();
    assert_eq!(
        texts
            .iter()
            .filter(|text| text.starts_with("SELECT"))
            .count(),
        3
    );
}
