//! Values of every type go to a real server and come back as they were.

#![expect(
    clippy::panic,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them, and lists of cases are long"
)]

use std::borrow::Cow;

use host::database::{
    Batch, ConversionError, Error, Field, Interval, Other, Returning, Rows, Selection, Session,
    TimeTz, Value,
};
use proptest::{
    prelude::*,
    strategy::{BoxedStrategy, ValueTree as _},
    test_runner::TestRunner,
};
use tests::TestDatabase;

use crate::operations::{decimal, session, text};

/// Whether two values are the same to the last bit, which `==` does not say of NaN and of the two zeros.
fn is_same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Float64(one), Value::Float64(other)) => {
            one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Value::Other(one), Value::Other(other)) => one.text == other.text,
        _ => one == other,
    }
}

fn cell(rows: &Rows, row: usize, column: usize) -> Value<'_> {
    rows.value(row, column).expect("the server is sound")
}

/// A type of the server and values that it keeps exactly as they are.
struct Kind {
    type_name: &'static str,
    /// The name in results, where it is another.
    shown: &'static str,
    extremes: Vec<Value<'static>>,
    any: BoxedStrategy<Value<'static>>,
}

fn kind(
    type_name: &'static str,
    shown: &'static str,
    extremes: impl IntoIterator<Item = Value<'static>>,
    any: impl Strategy<Value = Value<'static>> + 'static,
) -> Kind {
    Kind {
        type_name,
        shown,
        extremes: extremes.into_iter().collect(),
        any: any.boxed(),
    }
}

fn numbers() -> Vec<Kind> {
    let float = |number| Value::Float64(number);
    let digits = "(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?";
    vec![
        kind(
            "bool",
            "bool",
            [Value::Boolean(false)],
            any::<bool>().prop_map(Value::Boolean),
        ),
        kind(
            "int2",
            "int2",
            [i16::MIN, i16::MAX].map(|n| Value::Int64(n.into())),
            any::<i16>().prop_map(|n| Value::Int64(n.into())),
        ),
        kind(
            "int4",
            "int4",
            [i32::MIN, i32::MAX].map(|n| Value::Int64(n.into())),
            any::<i32>().prop_map(|n| Value::Int64(n.into())),
        ),
        kind(
            "int8",
            "int8",
            [i64::MIN, i64::MAX].map(Value::Int64),
            any::<i64>().prop_map(Value::Int64),
        ),
        kind(
            "oid",
            "oid",
            [0, u32::MAX].map(|n| Value::Int64(n.into())),
            any::<u32>().prop_map(|n| Value::Int64(n.into())),
        ),
        kind(
            "float4",
            "float4",
            [
                f32::MIN,
                f32::MAX,
                f32::MIN_POSITIVE,
                1e-45,
                -0.0,
                f32::NAN,
                f32::INFINITY,
                f32::NEG_INFINITY,
                0.1,
            ]
            .map(|n| float(n.into())),
            any::<f32>().prop_map(|n| Value::Float64(n.into())),
        ),
        kind(
            "float8",
            "float8",
            [
                f64::MIN,
                f64::MAX,
                f64::MIN_POSITIVE,
                5e-324,
                -0.0,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                0.1,
                1e21,
                1e-7,
            ]
            .map(float),
            (prop::num::f64::ANY | prop::num::f64::NORMAL).prop_map(Value::Float64),
        ),
        kind(
            "numeric",
            "numeric",
            [
                "NaN",
                "Infinity",
                "-Infinity",
                "0",
                "0.000",
                "10.50",
                "100000000",
                "0.00000001",
                "-12345678.9000",
            ]
            .map(decimal)
            .into_iter()
            .chain([Value::Decimal(
                format!("{}.{}", "9".repeat(1_000), "1".repeat(1_000)).into(),
            )]),
            ("-?", digits).prop_map(|(sign, digits)| {
                let is_zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
                Value::Decimal(
                    if is_zero {
                        digits
                    } else {
                        format!("{sign}{digits}")
                    }
                    .into(),
                )
            }),
        ),
    ]
}

fn texts() -> Vec<Kind> {
    let strings = || "[^\0]{0,40}".prop_map(|string| Value::Text(string.into()));
    let awkward = || {
        [
            "",
            "NULL",
            "\"",
            "'",
            "\\",
            "{}",
            ",",
            "\\x00",
            "\u{feff}é😀",
            " \t\r\n",
        ]
        .map(text)
    };
    let json = |text: &'static str| Value::Json(text.into());
    let uuid = |number: u128| {
        let mut digits = format!("{number:032x}");
        for place in [20, 16, 12, 8] {
            digits.insert(place, '-');
        }
        Value::Uuid(digits.into())
    };
    let other = |text: &'static str| {
        Value::Other(Other {
            type_name: "".into(),
            text: Some(text.into()),
            bytes: Cow::Borrowed(&[]),
        })
    };
    vec![
        kind("text", "text", awkward(), strings()),
        kind("varchar", "varchar", awkward(), strings()),
        kind("varchar(200)", "varchar", awkward(), strings()),
        kind(
            "char(5)",
            "bpchar",
            ["abcde", "é😀   "].map(text),
            "[a-z]{5}".prop_map(|string| Value::Text(string.into())),
        ),
        kind(
            "name",
            "name",
            ["", "a.b"].map(text),
            "[a-z]{0,63}".prop_map(|string| Value::Text(string.into())),
        ),
        kind(
            "\"char\"",
            "char",
            ["a"].map(text),
            "[a-z]".prop_map(|string| Value::Text(string.into())),
        ),
        kind(
            "bytea",
            "bytea",
            [vec![], (0..=255).collect()].map(|bytes: Vec<u8>| Value::Bytes(bytes.into())),
            any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())),
        ),
        kind(
            "uuid",
            "uuid",
            [0, u128::MAX].map(uuid),
            any::<u128>().prop_map(uuid),
        ),
        kind(
            "json",
            "json",
            [
                "null",
                "[]",
                "{}",
                "{\"a\":  1.50, \"a\": \"\\u00e9\\\\\"}",
                "123456789012345678901234567890.10",
            ]
            .map(json),
            any::<i64>().prop_map(|number| Value::Json(format!("[{number},  {{}}]").into())),
        ),
        kind(
            "jsonb",
            "jsonb",
            [
                "null",
                "[]",
                "{}",
                "{\"a\": 1.50, \"b\": \"é\\\\\"}",
                "123456789012345678901234567890.10",
            ]
            .map(json),
            any::<i64>().prop_map(|number| Value::Json(format!("[{number}, {{}}]").into())),
        ),
        kind(
            "inet",
            "inet",
            ["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10"].map(other),
            Just(other("127.0.0.1")),
        ),
        kind(
            "cidr",
            "cidr",
            ["10.0.0.1/32", "10.0.0.0/8"].map(other),
            Just(other("127.0.0.1/32")),
        ),
        kind(
            "bit(10)",
            "bit",
            ["1010000001"].map(other),
            Just(other("0000000001")),
        ),
        kind(
            "varbit",
            "varbit",
            ["", "1"].map(other),
            Just(other("10101010")),
        ),
        kind(
            "mood",
            "mood",
            ["happy", "it's \"complicated\""].map(other),
            Just(other("happy")),
        ),
        kind(
            "odd.\"Mood\"",
            "odd.Mood",
            ["x"].map(other),
            Just(other("x")),
        ),
    ]
}

fn times() -> Vec<Kind> {
    const DAY: i64 = 86_400_000_000;
    const FIRST_DAY: i32 = -2_440_588;
    let first = i64::from(FIRST_DAY) * DAY;
    let time_tz = |(microseconds, offset_seconds)| {
        Value::TimeTz(TimeTz {
            microseconds,
            offset_seconds,
        })
    };
    let interval = |(months, days, microseconds)| {
        Value::Interval(Interval {
            months,
            days,
            microseconds,
        })
    };
    let stamps = || first..i64::MAX;
    vec![
        kind(
            "date",
            "date",
            [
                i32::MIN,
                i32::MAX,
                FIRST_DAY,
                2_145_042_905,
                -719_163,
                -719_162,
                0,
                -1,
            ]
            .map(Value::Date),
            (FIRST_DAY..2_145_042_905).prop_map(Value::Date),
        ),
        kind(
            "time",
            "time",
            [0, DAY, 1, DAY - 1].map(Value::Time),
            (0..=DAY).prop_map(Value::Time),
        ),
        kind(
            "timetz",
            "timetz",
            [(0, 57_599), (DAY, -57_599), (1, -1), (DAY - 1, 3_600)].map(time_tz),
            (0..=DAY, -57_599..=57_599).prop_map(time_tz),
        ),
        kind(
            "timestamp",
            "timestamp",
            [i64::MIN, i64::MAX, first, i64::MAX - 1, 0, -1, 1].map(Value::Timestamp),
            stamps().prop_map(Value::Timestamp),
        ),
        kind(
            "timestamptz",
            "timestamptz",
            [i64::MIN, i64::MAX, first, i64::MAX - 1, 0, -1, 1].map(Value::TimestampTz),
            stamps().prop_map(Value::TimestampTz),
        ),
        kind(
            "interval",
            "interval",
            [
                (i32::MIN, i32::MIN, i64::MIN),
                (i32::MAX, i32::MAX, i64::MAX),
                (i32::MIN, i32::MAX, -1),
                (0, 0, 0),
                (13, -40, 90_000_000_001),
                (-1, 1, -1),
            ]
            .map(interval),
            any::<(i32, i32, i64)>().prop_map(interval),
        ),
    ]
}

fn kinds() -> Vec<Kind> {
    [numbers(), texts(), times()]
        .into_iter()
        .flatten()
        .collect()
}

/// The extremes, some values by chance, and NULL.
fn samples(kind: &Kind, runner: &mut TestRunner) -> Vec<Value<'static>> {
    let mut samples = kind.extremes.clone();
    for _ in 0..60 {
        samples.push(kind.any.new_tree(runner).expect("a value").current());
    }
    samples.push(Value::Null);
    samples
}

async fn types(database: &TestDatabase) {
    let statement = "CREATE TYPE mood AS ENUM ('happy', 'it''s \"complicated\"'); CREATE SCHEMA odd; CREATE TYPE odd.\"Mood\" AS ENUM ('x')";
    database
        .client()
        .await
        .simple_query(statement)
        .await
        .expect("types");
}

/// Inserts values in one batch, which gives them back, and reads them once more.
async fn through_a_batch(session: &mut Session, kind: &Kind, values: &[Value<'static>]) {
    let rows = (0..)
        .zip(values)
        .map(|(place, value)| vec![Some(Value::Int64(place)), Some(value.clone())]);
    let batch = Batch {
        columns: vec!["place".to_owned(), "v".to_owned()],
        rows: rows.collect(),
    };
    let written = session
        .batch_insert("t", &batch, None, &Returning::Columns(vec!["v".to_owned()]))
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", kind.type_name));
    let returned = written.rows.expect("they were asked for");
    let selection = Selection {
        columns: vec!["v".to_owned()],
        order_by: vec![host::database::Ordering {
            column: "place".to_owned(),
            descending: false,
            nulls: None,
        }],
        ..Selection::default()
    };
    let read = session.select("t", &selection).await.expect("it is read");
    for rows in [returned, read] {
        assert_eq!(rows.len(), values.len());
        assert_eq!(
            rows.columns()[0].type_name.trim_end_matches("[]"),
            kind.shown
        );
        for (place, value) in values.iter().enumerate() {
            let came = cell(&rows, place, 0);
            assert!(
                is_same(value, &came),
                "{}: {value:?} came back as {came:?}",
                kind.type_name
            );
        }
    }
}

#[tokio::test]
async fn every_type_comes_back_as_it_went() {
    let database = tests::database().await;
    types(&database).await;
    let client = database.client().await;
    let mut session = session(&database).await;
    let mut runner = TestRunner::deterministic();
    for kind in kinds() {
        let statement = format!("CREATE TABLE t (place int8, v {})", kind.type_name);
        client.simple_query(&statement).await.expect("a table");
        let values = samples(&kind, &mut runner);
        through_a_batch(&mut session, &kind, &values).await;
        for value in values {
            let field = Field {
                column: "v".to_owned(),
                value: value.clone(),
            };
            let written = session.insert("t", &[field], &Returning::AllColumns).await;
            let rows = written
                .unwrap_or_else(|error| panic!("{}: {value:?}: {error}", kind.type_name))
                .rows;
            let rows = rows.expect("they were asked for");
            let came = cell(&rows, 0, 1);
            assert!(
                is_same(&value, &came),
                "{}: {value:?} came back as {came:?}",
                kind.type_name
            );
        }
        session
            .drop_table("t", false, false)
            .await
            .expect("dropped");
    }
}

#[tokio::test]
async fn arrays_of_every_type_come_back_as_they_went() {
    let database = tests::database().await;
    types(&database).await;
    let client = database.client().await;
    let mut session = session(&database).await;
    let mut runner = TestRunner::deterministic();
    for kind in kinds() {
        let statement = format!("CREATE TABLE t (place int8, v {}[])", kind.type_name);
        client.simple_query(&statement).await.expect("a table");
        let all = samples(&kind, &mut runner);
        let mut values: Vec<Value<'static>> = all
            .chunks(7)
            .map(|elements| Value::Array(elements.to_vec()))
            .collect();
        values.extend([
            Value::Array(all),
            Value::Array(Vec::new()),
            Value::Array(vec![Value::Null]),
            Value::Null,
        ]);
        through_a_batch(&mut session, &kind, &values).await;
        session
            .drop_table("t", false, false)
            .await
            .expect("dropped");
    }
}

#[tokio::test]
async fn parameters_of_sql_text_have_the_type_of_their_case() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let mut runner = TestRunner::deterministic();
    let plain = |kind: &Kind| {
        let first = kind.extremes.first().cloned().unwrap_or(Value::Null);
        !matches!(first, Value::Text(_) | Value::Other(_))
            && !matches!(kind.type_name, "int2" | "int4" | "oid" | "float4" | "json")
    };
    for kind in kinds().iter().filter(|kind| plain(kind)) {
        for value in samples(kind, &mut runner)
            .iter()
            .filter(|value| **value != Value::Null)
        {
            let elements = Value::Array(vec![value.clone(), Value::Null]);
            let parameters = [value.clone(), elements.clone()];
            let rows = session
                .query("SELECT $1 AS v, $2 AS a", &parameters)
                .await
                .expect("selected");
            assert_eq!(rows.columns()[0].type_name, kind.shown);
            for (place, value) in parameters.iter().enumerate() {
                let came = cell(&rows, 0, place);
                assert!(
                    is_same(value, &came),
                    "{}: {value:?} came back as {came:?}",
                    kind.type_name
                );
            }
        }
    }
}

#[tokio::test]
async fn what_has_no_case_is_read_as_other() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let sql = "SELECT '294276-12-31 23:59:59.999999'::timestamp, '{{1,2},{3,4}}'::int4[], point(1, 2), int4range(1, 5), \
               '<a/>'::xml, ROW(1, 'x'), '08:00:2b:01:02:03'::macaddr, '$.a'::jsonpath";
    let rows = session
        .query(sql, &[])
        .await
        .expect("everything can be read");
    let named: Vec<(&str, Option<String>)> = (0..rows.columns().len())
        .map(|column| match cell(&rows, 0, column) {
            Value::Other(other) => (
                rows.columns()[column].type_name.as_str(),
                other.text.map(Cow::into_owned),
            ),
            value => panic!("{value:?}"),
        })
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        named,
        [
            ("timestamp", text("294276-12-31 23:59:59.999999")),
            ("int4[]", None),
            ("point", None),
            ("int4range", None),
            ("xml", text("<a/>")),
            ("record", None),
            ("macaddr", None),
            ("jsonpath", text("$.\"a\"")),
        ]
    );
}

#[tokio::test]
async fn domains_are_written_and_read_as_what_they_are_made_of() {
    let database = tests::database().await;
    let statement =
        "CREATE DOMAIN small AS int4 CHECK (value < 10); CREATE TABLE t (a small, b small[])";
    database
        .client()
        .await
        .simple_query(statement)
        .await
        .expect("a table");
    let mut session = session(&database).await;
    let row = vec![
        Some(Value::Int64(3)),
        Some(Value::Array(vec![Value::Int64(4), Value::Null])),
    ];
    let batch = Batch {
        columns: vec!["a".to_owned(), "b".to_owned()],
        rows: vec![row.clone()],
    };
    let written = session
        .batch_insert("t", &batch, None, &Returning::AllColumns)
        .await
        .expect("inserted");
    let rows = written.rows.expect("they were asked for");
    assert_eq!(
        [Some(cell(&rows, 0, 0)), Some(cell(&rows, 0, 1))].to_vec(),
        row
    );
    assert_eq!(rows.columns()[0].type_name, "int4");
}

fn conversion(result: Result<impl std::fmt::Debug, Error>) -> ConversionError {
    match result.expect_err("it does not fit") {
        Error::Conversion(error) => *error,
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_named_and_nothing_is_kept() {
    let database = tests::database().await;
    let statement = "CREATE TABLE t (id int8, small int2, word varchar(3), day date, doc jsonb, key uuid, raw bytea, label text)";
    database
        .client()
        .await
        .simple_query(statement)
        .await
        .expect("a table");
    let mut session = session(&database).await;
    for (column, value, type_name) in [
        ("id", Value::Float64(1.5), "bigint"),
        ("id", decimal("1.5"), "bigint"),
        ("id", Value::Float64(1e300), "bigint"),
        ("small", Value::Int64(40_000), "smallint"),
        ("word", text("four"), "character varying(3)"),
        ("day", text("yesterday-ish"), "date"),
        ("day", Value::Date(i32::MAX - 1), "date"),
        ("doc", Value::Json("{".into()), "json"),
        ("key", Value::Uuid("no".into()), "uuid"),
        ("label", text("a\0b"), ""),
    ] {
        let field = |column: &str, value| Field {
            column: column.to_owned(),
            value,
        };
        let fields = [
            field("raw", Value::Bytes(vec![1].into())),
            field(column, value.clone()),
        ];
        let error = conversion(session.insert("t", &fields, &Returning::Nothing).await);
        assert_eq!(
            (error.column.as_str(), error.row),
            (column, None),
            "{value:?}: {error}"
        );
        if value != Value::Date(i32::MAX - 1) {
            assert_eq!(error.type_name, type_name, "{value:?}: {error}");
        }

        let good = vec![Some(Value::Null), Some(Value::Null)];
        let rows = vec![
            good.clone(),
            vec![Some(Value::Null), Some(value.clone())],
            good,
        ];
        let batch = Batch {
            columns: vec!["raw".to_owned(), column.to_owned()],
            rows,
        };
        let error = conversion(
            session
                .batch_insert("t", &batch, None, &Returning::Nothing)
                .await,
        );
        assert_eq!(
            (error.column.as_str(), error.row),
            (column, Some(1)),
            "{value:?}: {error}"
        );
    }
    assert_eq!(session.count("t", &[]).await, Ok(0));
}

#[tokio::test]
async fn sql_text_never_rounds_a_parameter_on_its_way_into_a_column() {
    let database = tests::database().await;
    database
        .client()
        .await
        .simple_query("CREATE TABLE t (id int8, f float8)")
        .await
        .expect("a table");
    let mut session = session(&database).await;
    for value in [Value::Float64(1.5), decimal("1.5")] {
        let error = conversion(
            session
                .execute("INSERT INTO t (id) VALUES ($1)", &[value])
                .await,
        );
        assert_eq!(
            (error.column.as_str(), error.type_name.as_str()),
            ("$1", "bigint")
        );
    }
    assert_eq!(
        session
            .execute(
                "INSERT INTO t VALUES ($1, $2)",
                &[Value::Float64(3.0), Value::Float64(0.1)]
            )
            .await,
        Ok(1)
    );
    let rows = session
        .query("SELECT id, f, $1 * 2 FROM t", &[Value::Float64(0.5)])
        .await
        .expect("selected");
    let values: Vec<Value<'_>> = (0..3).map(|column| cell(&rows, 0, column)).collect();
    assert_eq!(
        values,
        [Value::Int64(3), Value::Float64(0.1), Value::Float64(1.0)]
    );
}

#[tokio::test]
async fn a_type_of_the_users_own_is_looked_up_once_for_all_sessions() {
    let database = tests::database().await;
    types(&database).await;
    let statement = "CREATE TABLE t AS SELECT 'happy'::mood AS one, '{happy}'::mood[] AS many FROM generate_series(1, 3000)";
    database
        .client()
        .await
        .simple_query(statement)
        .await
        .expect("rows");
    let connected = database.connect().await;
    for round_trips in [2, 1] {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_mins(1);
        let (grants, limits) = (
            host::tenancy::Grants::all(),
            host::database::Limits::default(),
        );
        let mut session = connected.session(host::database::SessionOptions {
            grants,
            limits,
            deadline,
            retry: host::database::RetryPolicy::default(),
        });
        // On a task of its own, as the runtime's are: what a session does can move between threads.
        let (session, rows) = tokio::spawn(async move {
            let rows = session.select("t", &Selection::default()).await;
            (session, rows.expect("selected"))
        })
        .await
        .expect("it ends");
        assert_eq!(session.statistics().round_trips, round_trips);
        let happy = Value::Other(Other {
            type_name: "mood".into(),
            text: Some("happy".into()),
            bytes: b"happy"[..].into(),
        });
        assert_eq!((rows.len(), cell(&rows, 2_999, 0)), (3_000, happy.clone()));
        assert_eq!(cell(&rows, 0, 1), Value::Array(vec![happy]));
    }
}
