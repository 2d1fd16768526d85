//! Values go to a real server and come back as they were, with no guest in sight.

use host::database::{
    Batch, Condition, Operator, Ordering, Returning, Selection, Session, Target, Value,
};
use proptest::test_runner::TestRunner;

use super::{
    cell, field, is_same,
    kinds::{Kind, kinds, samples},
    make_types, prepare,
};
use crate::operations::{decimal, session, text};

/// The column that the values are in, in the order in which they were sent.
fn in_order() -> Selection {
    Selection {
        columns: vec!["v".to_owned()],
        order_by: vec![Ordering {
            column: "place".to_owned(),
            descending: false,
            nulls: None,
        }],
        ..Selection::default()
    }
}

fn matches(operator: Operator, values: &[Value<'static>]) -> Vec<Condition> {
    vec![Condition {
        column: "v".to_owned(),
        operator,
        values: values.to_vec(),
        group: None,
    }]
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
    let read = session.select("t", &in_order()).await.expect("it is read");
    for rows in [returned, read] {
        assert_eq!(rows.len(), values.len());
        let shown = rows.columns()[0].type_name.trim_end_matches("[]");
        assert_eq!(shown, kind.shown);
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

/// Every value finds the rows that hold it, by itself and among others.
async fn by_conditions(session: &mut Session, kind: &Kind, values: &[Value<'static>]) {
    let all: Vec<Value<'static>> = values
        .iter()
        .filter(|value| **value != Value::Null)
        .cloned()
        .collect();
    for value in kind.extremes.iter().take(8) {
        let found = session
            .count("t", &matches(Operator::Eq, std::slice::from_ref(value)))
            .await
            .unwrap_or_else(|error| panic!("{}: {value:?}: {error}", kind.type_name));
        assert!(found > 0, "{}: {value:?} is not found", kind.type_name);
    }
    for (operator, expected) in [(Operator::InList, all.len()), (Operator::NotInList, 0)] {
        let found = session.count("t", &matches(operator, &all)).await;
        assert_eq!(found, Ok(expected as u64), "{}", kind.type_name);
    }
}

#[tokio::test]
async fn every_type_comes_back_as_it_went() {
    let database = tests::database().await;
    make_types(&database).await;
    let mut session = session(&database).await;
    let mut runner = TestRunner::deterministic();
    for kind in kinds() {
        let table = format!("CREATE TABLE t (place int8, v {})", kind.type_name);
        prepare(&database, &table).await;
        let values = samples(&kind, &mut runner);
        through_a_batch(&mut session, &kind, &values).await;
        if !matches!(kind.type_name, "json" | "xml" | "jsonpath" | "refcursor") {
            // These four cannot be compared.
            by_conditions(&mut session, &kind, &values).await;
        }
        for value in values {
            let written = session
                .insert("t", &[field("v", value.clone())], &Returning::AllColumns)
                .await
                .unwrap_or_else(|error| panic!("{}: {value:?}: {error}", kind.type_name));
            let rows = written.rows.expect("they were asked for");
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
    make_types(&database).await;
    let mut session = session(&database).await;
    let mut runner = TestRunner::deterministic();
    for kind in kinds() {
        let table = format!("CREATE TABLE t (place int8, v {}[])", kind.type_name);
        prepare(&database, &table).await;
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
async fn sql_text_writes_every_type_into_its_column() {
    let database = tests::database().await;
    make_types(&database).await;
    let mut session = session(&database).await;
    let mut runner = TestRunner::deterministic();
    for kind in kinds() {
        let table = format!("CREATE TABLE t (v {})", kind.type_name);
        prepare(&database, &table).await;
        // A row each, by one statement.
        let values = samples(&kind, &mut runner);
        let places: Vec<String> = (1..=values.len()).map(|n| format!("(${n})")).collect();
        let sql = format!("INSERT INTO t VALUES {} RETURNING v", places.join(", "));
        let rows = session
            .query(&sql, &values)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", kind.type_name));
        for (place, value) in values.iter().enumerate() {
            let came = cell(&rows, place, 0);
            assert!(
                is_same(value, &came),
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

/// What goes into columns of other types than its own, and as what it comes back.
fn guests_of_columns() -> Vec<(Value<'static>, &'static str, Value<'static>)> {
    let json = |text: &'static str| Value::Json(text.into());
    let float = Value::Float64;
    let int = Value::Int64;
    vec![
        (int(1 << 53), "float8", float(9_007_199_254_740_992.0)),
        (int(i64::MAX), "numeric", decimal("9223372036854775807")),
        (int(7), "numeric(5,2)", decimal("7.00")),
        (int(-7), "text", text("-7")),
        (int(7), "jsonb", json("7")),
        (float(3.0), "int8", int(3)),
        (float(1e15), "int8", int(1_000_000_000_000_000)),
        (float(0.1), "numeric", decimal("0.1")),
        (float(0.1), "float4", float(f64::from(0.1_f32))),
        (float(f64::NAN), "numeric", decimal("NaN")),
        (float(f64::INFINITY), "float4", float(f64::INFINITY)),
        (decimal("12"), "int8", int(12)),
        (decimal("10.50"), "float8", float(10.5)),
        (decimal("10.505"), "numeric(5,2)", decimal("10.51")),
        (decimal("1.50"), "text", text("1.50")),
        (Value::Boolean(true), "text", text("true")),
        (Value::Boolean(true), "jsonb", json("true")),
        (json("[1]"), "text", text("[1]")),
        (
            Value::Uuid("{123E4567-E89B-12D3-A456-426614174000}".into()),
            "uuid",
            Value::Uuid("123e4567-e89b-12d3-a456-426614174000".into()),
        ),
        (
            Value::Date(1),
            "timestamp",
            Value::Timestamp(86_400_000_000),
        ),
        (
            Value::Date(i32::MAX),
            "timestamptz",
            Value::TimestampTz(i64::MAX),
        ),
        (Value::Timestamp(0), "date", Value::Date(0)),
        (Value::Timestamp(1), "timestamp(3)", Value::Timestamp(0)),
        (Value::Date(0), "text", text("1970-01-01")),
        (text("2024-02-29"), "date", Value::Date(19_782)),
        (text("yes"), "bool", Value::Boolean(true)),
        (text("\\x00ff"), "bytea", Value::Bytes(vec![0, 255].into())),
        (
            text("{1,NULL}"),
            "int8[]",
            Value::Array(vec![int(1), Value::Null]),
        ),
        (
            text("1 day"),
            "interval",
            Value::Interval(host::database::Interval {
                months: 0,
                days: 1,
                microseconds: 0,
            }),
        ),
        (text("ab   "), "varchar(2)", text("ab")),
        (text("ab"), "char(4)", text("ab  ")),
    ]
}

#[tokio::test]
async fn a_value_goes_into_every_column_that_loses_nothing_of_it() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    for (value, column, expected) in guests_of_columns() {
        prepare(&database, &format!("CREATE TABLE t (v {column})")).await;
        let fields = [field("v", value.clone())];
        session
            .insert("t", &fields, &Returning::Nothing)
            .await
            .unwrap_or_else(|error| panic!("{value:?} into {column}: {error}"));
        let batch = Batch {
            columns: vec!["v".to_owned()],
            rows: vec![vec![Some(value.clone())]],
        };
        session
            .batch_insert("t", &batch, None, &Returning::Nothing)
            .await
            .unwrap_or_else(|error| panic!("{value:?} into {column} in a batch: {error}"));
        let set = host::database::Assignment {
            column: "v".to_owned(),
            change: host::database::Change::Set(value.clone()),
        };
        session
            .update("t", &[set], &Target::AllRows, &Returning::Nothing)
            .await
            .unwrap_or_else(|error| panic!("{value:?} into {column} by an update: {error}"));
        let rows = session
            .select("t", &Selection::default())
            .await
            .expect("read");
        for row in 0..2 {
            let came = cell(&rows, row, 0);
            assert!(
                is_same(&expected, &came),
                "{value:?} in {column} is {came:?}"
            );
        }
        session
            .drop_table("t", false, false)
            .await
            .expect("dropped");
    }
}
