//! Defaults, as rows get them.

use host::database::{
    ColumnDefinition, DataType, DefaultValue, Interval, Other, Returning, TableDefinition, TimeTz,
    Value,
};

use super::{constant, defaulting, run};
use crate::operations::{decimal, names, session, text, values};

fn list(definition: ColumnDefinition) -> ColumnDefinition {
    ColumnDefinition {
        is_array: true,
        ..definition
    }
}

/// A constant of every case of a value, and of its ends.
fn constants() -> Vec<(DataType, Value<'static>)> {
    let interval = |months, days, microseconds| {
        Value::Interval(Interval {
            months,
            days,
            microseconds,
        })
    };
    let time_tz = TimeTz {
        microseconds: 86_399_999_999,
        offset_seconds: -34_200,
    };
    vec![
        (DataType::Boolean, Value::Boolean(false)),
        (DataType::Int16, Value::Int64(-32_768)),
        (DataType::Int32, Value::Int64(2_147_483_647)),
        (DataType::Int64, Value::Int64(i64::MIN)),
        (DataType::Int64, Value::Int64(i64::MAX)),
        (DataType::Float32, Value::Float64(-0.5)),
        (DataType::Float64, Value::Float64(0.1)),
        (DataType::Float64, Value::Float64(5e-324)),
        (DataType::Float64, Value::Float64(f64::INFINITY)),
        (DataType::Float64, Value::Float64(f64::NEG_INFINITY)),
        (
            DataType::Decimal,
            decimal("-12345678901234567890.12345678901234567890"),
        ),
        (DataType::Decimal, decimal("NaN")),
        (
            DataType::Numeric {
                precision: 5,
                scale: 2,
            },
            decimal("999.90"),
        ),
        (DataType::Text, text("")),
        (
            DataType::Text,
            text("it's \\ \"quoted\"; -- \n\t😀 $1 $$ NULL"),
        ),
        (DataType::Varchar(3), text("äöü")),
        (DataType::Bytes, Value::Bytes(vec![].into())),
        (
            DataType::Bytes,
            Value::Bytes((0..=255).collect::<Vec<u8>>().into()),
        ),
        (
            DataType::Uuid,
            Value::Uuid("123e4567-e89b-12d3-a456-426614174000".into()),
        ),
        (DataType::Date, Value::Date(-719_162)),
        (DataType::Date, Value::Date(i32::MAX)),
        (DataType::Date, Value::Date(i32::MIN)),
        (DataType::Time, Value::Time(86_400_000_000)),
        (DataType::TimeTz, Value::TimeTz(time_tz)),
        (DataType::Timestamp, Value::Timestamp(-1)),
        (DataType::Timestamp, Value::Timestamp(i64::MAX)),
        (
            DataType::TimestampTz,
            Value::TimestampTz(1_700_000_000_123_456),
        ),
        (DataType::TimestampTz, Value::TimestampTz(i64::MIN)),
        (DataType::Interval, interval(-14, 40, -90_000_000_001)),
        (
            DataType::Json,
            Value::Json("{\"a\": [1.10, null, \"it's \\\\ \\\"x\\\"\"]}".into()),
        ),
        (DataType::Json, Value::Json("null".into())),
        (DataType::Json, Value::Json("[]".into())),
    ]
}

#[tokio::test]
async fn a_constant_of_every_type_comes_back_as_it_was() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let mut columns = Vec::new();
    let mut expected = Vec::new();
    for (place, (data_type, value)) in constants().into_iter().enumerate() {
        let elements = Value::Array(vec![value.clone(), Value::Null, value.clone()]);
        columns.push(constant(
            &format!("c{place}"),
            data_type.clone(),
            value.clone(),
        ));
        columns.push(list(constant(
            &format!("a{place}"),
            data_type,
            elements.clone(),
        )));
        expected.extend([value, elements]);
    }
    columns.push(list(constant(
        "empty",
        DataType::Text,
        Value::Array(vec![]),
    )));
    columns.push(constant("nothing", DataType::Json, Value::Null));
    expected.extend([Value::Array(vec![]), Value::Null]);
    let definition = TableDefinition {
        columns,
        ..TableDefinition::default()
    };
    assert_eq!(
        session.create_table("t", &definition, false).await,
        Ok(true)
    );
    let inserted = session
        .insert("t", &[], &Returning::AllColumns)
        .await
        .expect("inserted");
    let rows = inserted.rows.expect("they were asked for");
    for ((value, expected), column) in values(&rows)[0].iter().zip(&expected).zip(rows.columns()) {
        assert_eq!(value, expected, "{} {}", column.name, column.type_name);
    }
    assert_eq!(values(&rows)[0].len(), expected.len());
}

#[tokio::test]
async fn types_without_a_case_have_constants_too() {
    let database = tests::database().await;
    run(
        &database,
        "CREATE SCHEMA sales; CREATE TYPE sales.mood AS ENUM ('it''s fine', 'sad')",
    )
    .await;
    let mut session = session(&database).await;
    let other = |type_name: &'static str, text: &'static str| {
        Value::Other(Other {
            type_name: type_name.into(),
            text: Some(text.into()),
            bytes: [][..].into(),
        })
    };
    let mood = || DataType::Named("sales.mood".to_owned());
    let definition = TableDefinition {
        columns: vec![
            constant("address", DataType::Inet, other("inet", "10.0.0.0/8")),
            constant("bits", DataType::Bit(4), text("0101")),
            constant("mood", mood(), text("it's fine")),
            list(constant(
                "moods",
                mood(),
                Value::Array(vec![text("sad"), Value::Null]),
            )),
        ],
        ..TableDefinition::default()
    };
    assert_eq!(
        session.create_table("t", &definition, false).await,
        Ok(true)
    );
    session
        .insert("t", &[], &Returning::Nothing)
        .await
        .expect("inserted");
    let sql = "SELECT address::text, bits::text, mood::text, moods::text FROM t";
    let rows = session.query(sql, &[]).await.expect("selected");
    let expected = ["10.0.0.0/8", "0101", "it's fine", "{sad,NULL}"].map(text);
    assert_eq!(values(&rows)[0], expected);
}

#[tokio::test]
async fn times_and_numbers_of_the_database_differ_from_row_to_row() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let definition = TableDefinition {
        columns: vec![
            defaulting("id", DataType::Int64, DefaultValue::UniqueId),
            defaulting("u", DataType::Uuid, DefaultValue::RandomUuid),
            defaulting("at", DataType::TimestampTz, DefaultValue::CurrentTimestamp),
            defaulting("clock", DataType::Timestamp, DefaultValue::CurrentTimestamp),
            defaulting("day", DataType::Date, DefaultValue::CurrentTimestamp),
        ],
        primary_key: names(&["id"]),
        ..TableDefinition::default()
    };
    assert_eq!(
        session.create_table("t", &definition, false).await,
        Ok(true)
    );
    for _ in 0..2 {
        session
            .insert("t", &[], &Returning::Nothing)
            .await
            .expect("inserted");
    }
    let sql = "SELECT count(DISTINCT id), count(DISTINCT u), count(DISTINCT at), \
        count(*) FILTER (WHERE at BETWEEN now() - interval '1 minute' AND now() AND day = at::date AND clock = at::timestamp) FROM t";
    let rows = session.query(sql, &[]).await.expect("selected");
    assert_eq!(values(&rows)[0], [2, 2, 2, 2].map(Value::Int64));
    // A number that is given is taken; NULL is none.
    let null = [crate::operations::field("id", Value::Null)];
    let refused = session.insert("t", &null, &Returning::Nothing).await;
    assert_eq!(
        crate::operations::kind(refused),
        host::database::ErrorKind::NotNullViolation
    );
}
