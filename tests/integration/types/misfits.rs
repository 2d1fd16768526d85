//! A value that does not fit is refused, and the error names its column.

use host::database::{
    Assignment, Batch, Change, Condition, ConversionError, Error, ErrorKind, Operator, Returning,
    Session, Target, Value,
};

use super::{cell, field, prepare};
use crate::operations::{decimal, session, text};

pub(super) fn conversion(result: Result<impl std::fmt::Debug, Error>) -> ConversionError {
    match result.expect_err("it does not fit") {
        Error::Conversion(error) => *error,
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_named_and_nothing_is_kept() {
    let database = tests::database().await;
    let statement = "CREATE TABLE t (id int8, small int2, word varchar(3), day date, doc jsonb, key uuid, raw bytea, label text)";
    prepare(&database, statement).await;
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
    prepare(&database, "CREATE TABLE t (id int8, f float8)").await;
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

/// Sets all columns of a row at once.
async fn update(session: &mut Session, fields: &[(&str, Value<'static>)]) -> Result<(), Error> {
    let set = |(column, value): &(&str, Value<'static>)| Assignment {
        column: (*column).to_owned(),
        change: Change::Set(value.clone()),
    };
    let assignments: Vec<Assignment> = fields.iter().map(set).collect();
    // Longer than any of the columns, and no reason to blame them.
    let condition = Condition {
        column: "note".to_owned(),
        operator: Operator::Ne,
        values: vec![text("a text that is longer than all of them")],
        group: None,
    };
    let target = Target::Matching(vec![condition]);
    let written = session.update("t", &assignments, &target, &Returning::Nothing);
    written.await.map(drop)
}

/// The database says of these only that some value is too large, after it has read all of them.
#[tokio::test]
async fn of_several_columns_the_one_that_is_too_small_is_named() {
    let database = tests::database().await;
    let table = "CREATE TABLE t (note text, a varchar(3), b varchar(5), c char(2), n numeric(5,2), m numeric(5,2), \
                 x bit(3), y varbit(3), many varchar(3)[]); INSERT INTO t (note) VALUES ('there')";
    prepare(&database, table).await;
    let mut session = session(&database).await;
    let other = |text: &'static str| {
        Value::Other(host::database::Other {
            type_name: "".into(),
            text: Some(text.into()),
            bytes: [][..].into(),
        })
    };
    let good = [
        ("note", text("as long as it likes to be")),
        ("a", text("abc   ")),
        ("b", text("abcde")),
        ("c", text("é")),
        ("n", decimal("999.99")),
        ("m", decimal("-999.994")),
        ("x", other("101")),
        ("y", other("1")),
        ("many", Value::Array(vec![text("abc"), Value::Null])),
    ];
    update(&mut session, &good).await.expect("all of it fits");
    for (column, bad) in [
        ("a", text("abcd")),
        ("b", text("abcdef")),
        ("c", text("ééé")),
        ("n", decimal("999.995")),
        ("m", Value::Int64(-1_000)),
        ("m", Value::Float64(1e20)),
        ("x", other("10")),
        ("y", other("1010")),
        ("many", Value::Array(vec![text("abc"), text("abcd")])),
    ] {
        let row = good
            .clone()
            .map(|(name, value)| (name, if name == column { bad.clone() } else { value }));
        let fields = row.clone().map(|(name, value)| field(name, value));
        let inserted = session.insert("t", &fields, &Returning::Nothing).await;
        let updated = update(&mut session, &row).await;
        for error in [conversion(inserted), conversion(updated)] {
            assert_eq!(error.column, column, "{error}");
            assert!(!error.type_name.is_empty(), "{error:?}");
        }
        let cells = |row: &[(&str, Value<'static>)]| {
            row.iter().map(|(_, value)| Some(value.clone())).collect()
        };
        let batch = Batch {
            columns: good.iter().map(|(name, _)| (*name).to_owned()).collect(),
            rows: vec![cells(&good), cells(&row), cells(&good)],
        };
        let inserted = session
            .batch_insert("t", &batch, None, &Returning::Nothing)
            .await;
        let error = conversion(inserted);
        assert_eq!(
            (error.column.as_str(), error.row),
            (column, Some(1)),
            "{error}"
        );
    }
    assert_eq!(session.count("t", &[]).await, Ok(1));
}

#[tokio::test]
async fn the_reason_of_a_numeric_overflow_is_told() {
    let database = tests::database().await;
    prepare(&database, "CREATE TABLE t (n numeric(5,2), m numeric(9,2))").await;
    let mut session = session(&database).await;
    let fields = [field("n", decimal("1000")), field("m", decimal("1000"))];
    let error = conversion(session.insert("t", &fields, &Returning::Nothing).await);
    assert_eq!(
        (error.column.as_str(), error.type_name.as_str()),
        ("n", "numeric")
    );
    assert!(error.message.contains("precision 5, scale 2"), "{error}");
}

#[tokio::test]
async fn of_several_additions_the_one_that_overflows_is_named() {
    let database = tests::database().await;
    let table = "CREATE TABLE t (id int8, a int4, b int2, c int8); \
                 INSERT INTO t VALUES (1, 0, 0, 0), (2, 0, 32767, 9223372036854775807)";
    prepare(&database, table).await;
    let mut session = session(&database).await;
    let mut add = async |columns: &[&str], id: i64| {
        let add = |column: &&str| Assignment {
            column: (*column).to_owned(),
            change: Change::Add(Value::Int64(1)),
        };
        let assignments: Vec<Assignment> = columns.iter().map(add).collect();
        let condition = Condition {
            column: "id".to_owned(),
            operator: Operator::Eq,
            values: vec![Value::Int64(id)],
            group: None,
        };
        let target = Target::Matching(vec![condition]);
        session
            .update("t", &assignments, &target, &Returning::Nothing)
            .await
    };
    assert_eq!(add(&["a", "b", "c"], 1).await.expect("room").count, 1);
    for (columns, column) in [(&["a", "b"][..], "b"), (&["a", "c"], "c")] {
        assert_eq!(conversion(add(columns, 2).await).column, column);
    }
}

#[tokio::test]
async fn what_the_column_demands_is_told_with_its_name() {
    let database = tests::database().await;
    let table = "CREATE DOMAIN small AS int4 CHECK (value < 10); CREATE DOMAIN short AS varchar(3); \
                 CREATE TABLE t (id int8 NOT NULL, n small, w short, d date, e timestamptz, j jsonb, a int4[])";
    prepare(&database, table).await;
    let mut session = session(&database).await;
    for (column, bad) in [
        ("w", text("four")),
        ("d", text("2024-02-30")),
        ("d", text("300000000-01-01")),
        ("e", text("2024-01-01 25:00")),
        ("e", text("2024-01-01 00:00 Nowhere/Land")),
        ("j", Value::Json("\"\\u0000\"".into())),
        ("a", Value::Array(vec![Value::Int64(1 << 40)])),
        ("a", Value::Array(vec![Value::Float64(0.5)])),
        ("a", Value::Int64(1)),
        ("id", Value::Bytes(vec![1].into())),
    ] {
        let id = if column == "id" {
            bad.clone()
        } else {
            Value::Int64(1)
        };
        let mut fields = vec![field("id", id)];
        if column != "id" {
            fields.push(field(column, bad.clone()));
        }
        let error = conversion(session.insert("t", &fields, &Returning::Nothing).await);
        assert_eq!(error.column, column, "{bad:?}: {error}");
        let batch = Batch {
            columns: fields.iter().map(|it| it.column.clone()).collect(),
            rows: vec![fields.iter().map(|it| Some(it.value.clone())).collect()],
        };
        let inserted = session
            .batch_insert("t", &batch, None, &Returning::Nothing)
            .await;
        let error = conversion(inserted);
        assert_eq!(
            (error.column.as_str(), error.row),
            (column, Some(0)),
            "{bad:?}: {error}"
        );
    }
    for (fields, column, kind) in [
        (
            vec![field("n", Value::Int64(10)), field("id", Value::Int64(1))],
            "n",
            ErrorKind::CheckViolation,
        ),
        (
            vec![field("n", Value::Int64(1))],
            "id",
            ErrorKind::NotNullViolation,
        ),
    ] {
        let refused = session.insert("t", &fields, &Returning::Nothing).await;
        match refused.expect_err("the column demands more") {
            Error::Database(error) => {
                assert_eq!((error.column.as_deref(), error.kind), (Some(column), kind));
            }
            error => panic!("{error:?}"),
        }
    }
    assert_eq!(session.count("t", &[]).await, Ok(0));
}

#[tokio::test]
async fn a_parameter_without_a_type_is_answered_with_the_cast_to_write() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    for sql in [
        "SELECT $1 IS NULL",
        "SELECT format('%s', $1)",
        "SELECT $1 + $1",
    ] {
        match session.query(sql, &[text("1")]).await.expect_err("no type") {
            Error::Database(error) => {
                let hint = error.hint.expect("a hint");
                assert!(hint.contains("`$1::type`"), "{sql}: {hint}");
            }
            error => panic!("{sql}: {error:?}"),
        }
    }
    let rows = session.query("SELECT $1::int8 + 1", &[text("1")]).await;
    assert_eq!(cell(&rows.expect("a sum"), 0, 0), Value::Int64(2));
}

#[tokio::test]
async fn json_that_is_deeper_than_the_database_reads_is_an_error_like_any_other() {
    let database = tests::database().await;
    prepare(&database, "CREATE TABLE t (j jsonb)").await;
    let mut session = session(&database).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let fields = [field("j", Value::Json(deep.into()))];
    let refused = session.insert("t", &fields, &Returning::Nothing).await;
    match refused.expect_err("it is too deep") {
        Error::Database(error) => assert_eq!(error.sqlstate, "54001"),
        error => panic!("{error:?}"),
    }
    assert_eq!(session.count("t", &[]).await, Ok(0));
}

#[tokio::test]
async fn a_nul_is_refused_before_the_database_is_asked() {
    let database = tests::database().await;
    prepare(&database, "CREATE TABLE t (v text, w text[])").await;
    let mut session = session(&database).await;
    let before = session.statistics().round_trips;
    for fields in [
        [field("v", text("a\0b")), field("w", Value::Null)],
        [
            field("v", Value::Null),
            field("w", Value::Array(vec![text("\0")])),
        ],
    ] {
        let error = conversion(session.insert("t", &fields, &Returning::Nothing).await);
        assert!(error.message.contains("NUL"), "{error}");
    }
    let error = conversion(session.query("SELECT $1", &[text("\0")]).await);
    assert_eq!(error.column, "$1");
    assert_eq!(session.statistics().round_trips, before);
}
