//! A column that would take a value and silently drop a part of it does not get it.

use host::database::{
    Assignment, Batch, Change, Condition, Database, Error, Limits, Operator, Returning, Selection,
    Session, Target, TimeTz, Value,
};

use super::{cell, field, misfits::conversion, prepare};
use crate::operations::{decimal, session};

const NOON: i64 = 43_200_000_000;

fn another(database: &Database) -> Session {
    database.session(tests::session_options(Limits::default()))
}

fn is(column: &str, value: Value<'static>) -> Condition {
    Condition {
        column: column.to_owned(),
        operator: Operator::Eq,
        values: vec![value],
        group: None,
    }
}

fn set(column: &str, value: Value<'static>) -> Assignment {
    Assignment {
        column: column.to_owned(),
        change: Change::Set(value),
    }
}

/// Every way of a value to a column.
async fn all_ways(
    session: &mut Session,
    column: &str,
    value: &Value<'static>,
) -> Vec<Result<(), Error>> {
    let nothing = &Returning::Nothing;
    let own = || value.clone();
    let batch = Batch {
        columns: vec![column.to_owned()],
        rows: vec![vec![None], vec![Some(own())]],
    };
    let selection = Selection {
        filter: vec![is(column, own())],
        ..Selection::default()
    };
    let among = Condition {
        operator: Operator::InList,
        ..is(column, own())
    };
    let matching = |condition| Target::Matching(vec![condition]);
    vec![
        session
            .insert("t", &[field(column, own())], nothing)
            .await
            .map(drop),
        session
            .batch_insert("t", &batch, None, nothing)
            .await
            .map(drop),
        session
            .update("t", &[set(column, own())], &Target::AllRows, nothing)
            .await
            .map(drop),
        session
            .update(
                "t",
                &[set("id", Value::Int64(1))],
                &matching(is(column, own())),
                nothing,
            )
            .await
            .map(drop),
        session
            .delete("t", &matching(among), nothing)
            .await
            .map(drop),
        session.select("t", &selection).await.map(drop),
        session.count("t", &[is(column, own())]).await.map(drop),
    ]
}

#[tokio::test]
async fn nothing_of_a_value_is_dropped_on_any_way_into_a_column() {
    let database = tests::database().await;
    let table = "CREATE DOMAIN day AS date; CREATE TABLE t (id int8, d date, dd day, c time, cz timetz, s timestamp, z timestamptz, f float8, r real)";
    prepare(&database, table).await;
    let mut session = session(&database).await;
    let time_tz = Value::TimeTz(TimeTz {
        microseconds: NOON,
        offset_seconds: 3_600,
    });
    for (column, value, type_name) in [
        ("d", Value::Timestamp(NOON), "date"),
        ("d", Value::TimestampTz(0), "date"),
        ("dd", Value::Timestamp(NOON), "day"),
        ("c", Value::Timestamp(NOON), "time"),
        ("c", time_tz, "time"),
        ("cz", Value::Time(NOON), "timetz"),
        ("cz", Value::TimestampTz(NOON), "timetz"),
        ("s", Value::TimestampTz(NOON), "timestamp"),
        ("z", Value::Timestamp(NOON), "timestamptz"),
        ("z", Value::Date(0), "timestamptz"),
        ("f", Value::Int64((1 << 53) + 1), "float8"),
        ("f", decimal("0.1234567890123456789"), "float8"),
        ("r", Value::Int64(i64::MAX), "float4"),
    ] {
        for (way, outcome) in all_ways(&mut session, column, &value)
            .await
            .into_iter()
            .enumerate()
        {
            assert!(outcome.is_err(), "{value:?} into {column}, way {way}");
            let error = conversion(outcome);
            assert_eq!(
                (error.column.as_str(), error.type_name.as_str()),
                (column, type_name),
                "way {way}: {error}"
            );
        }
    }
    assert_eq!(session.count("t", &[]).await, Ok(0));
    // The whole of it, or as text, which is the column's own notation by promise.
    for (column, value) in [
        ("d", Value::Timestamp(0)),
        ("d", Value::Timestamp(i64::MAX)),
        ("s", Value::TimestampTz(i64::MIN)),
        ("s", Value::Date(0)),
        ("f", Value::Int64(1 << 60)),
        ("f", decimal("0.1")),
        ("d", Value::Text("1970-01-01 12:00".into())),
    ] {
        for outcome in all_ways(&mut session, column, &value).await {
            outcome.unwrap_or_else(|error| panic!("{value:?} into {column}: {error}"));
        }
    }
}

#[tokio::test]
async fn the_columns_are_asked_for_once_and_only_where_something_could_be_lost() {
    let database = tests::database().await;
    prepare(&database, "CREATE TABLE t (id int8, s timestamptz)").await;
    let connected = database.connect().await;
    let now = Value::TimestampTz(NOON);
    let trips = async |fields: &[host::database::Field]| {
        let mut session = another(&connected);
        let inserted = session.insert("t", fields, &Returning::Nothing).await;
        inserted.expect("inserted");
        session.statistics().round_trips
    };
    assert_eq!(trips(&[field("id", Value::Int64(1))]).await, 1);
    assert_eq!(trips(&[field("s", now.clone())]).await, 2);
    assert_eq!(trips(&[field("s", now.clone())]).await, 1);
    assert_eq!(trips(&[field("id", Value::Int64(i64::MAX))]).await, 1);

    // What is kept may be old: a value is refused only by what is there now.
    prepare(
        &database,
        "ALTER TABLE t DROP COLUMN s; ALTER TABLE t ADD COLUMN s timestamp",
    )
    .await;
    assert_eq!(trips(&[field("id", Value::Int64(1))]).await, 1);
    let mut session = another(&connected);
    let clock = [field("s", Value::Timestamp(NOON))];
    let inserted = session.insert("t", &clock, &Returning::Nothing).await;
    inserted.expect("it is a timestamp now");
    assert_eq!(session.statistics().round_trips, 2);
    let error = conversion(
        session
            .insert("t", &[field("s", now)], &Returning::Nothing)
            .await,
    );
    assert_eq!(error.type_name, "timestamp");
}

#[tokio::test]
async fn a_table_that_is_not_there_is_the_error() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let fields = [field("s", Value::TimestampTz(0))];
    for table in ["none", "no.schema", "odd\"\"name"] {
        match session.insert(table, &fields, &Returning::Nothing).await {
            Err(Error::Database(error)) => assert_eq!(error.sqlstate, "42P01", "{table}"),
            Err(Error::Invalid(_)) => assert!(table.contains('"')),
            other => panic!("{table}: {other:?}"),
        }
    }
    prepare(
        &database,
        "CREATE SCHEMA \"Odd\"; CREATE TABLE \"Odd\".\"a.b\" (d date)",
    )
    .await;
    let fields = [field("d", Value::Timestamp(NOON))];
    let refused = session
        .insert("Odd.\"a.b\"", &fields, &Returning::Nothing)
        .await;
    assert_eq!(conversion(refused).column, "d");
    let fields = [field("d", Value::Date(1))];
    let written = session
        .insert("Odd.\"a.b\"", &fields, &Returning::AllColumns)
        .await;
    let rows = written.expect("inserted").rows.expect("asked for");
    assert_eq!(cell(&rows, 0, 0), Value::Date(1));
}
