//! Columns of any type at all can be read, or the error says how.

use std::borrow::Cow;

use host::database::{Error, Selection, Value};

use super::{cell, make_types, prepare};
use crate::operations::{session, text};

/// What arrives of an expression: the name of its type, and the text of an `other`.
type Arrival = (String, Option<String>);

async fn arrivals(session: &mut host::database::Session, sql: &str) -> Vec<Arrival> {
    let rows = session
        .query(sql, &[])
        .await
        .expect("everything can be read");
    let arrival = |column: usize| match cell(&rows, 0, column) {
        Value::Other(other) => {
            assert_eq!(other.type_name, rows.columns()[column].type_name);
            assert!(other.text.is_some() || !other.bytes.is_empty());
            (
                other.type_name.into_owned(),
                other.text.map(Cow::into_owned),
            )
        }
        value => panic!("column {column} is {value:?}"),
    };
    (0..rows.columns().len()).map(arrival).collect()
}

fn expected(cases: &[(&str, Option<&str>)]) -> Vec<Arrival> {
    let owned = |(name, text): &(&str, Option<&str>)| ((*name).to_owned(), text.map(str::to_owned));
    cases.iter().map(owned).collect()
}

#[tokio::test]
async fn what_has_no_case_is_read_as_other() {
    let database = tests::database().await;
    make_types(&database).await;
    prepare(
        &database,
        "CREATE TYPE pair AS (a int8, b mood); CREATE TYPE span AS RANGE (subtype = float8)",
    )
    .await;
    let mut session = session(&database).await;
    let sql = "SELECT '294276-12-31 23:59:59.999999'::timestamp, '{{1,2},{3,4}}'::int4[], point(1, 2), int4range(1, 5), \
               '<a/>'::xml, ROW(1, 'x'), '08:00:2b:01:02:03'::macaddr, '$.a'::jsonpath, 'a:1 b'::tsvector, 'a & b'::tsquery, \
               '16/B374D848'::pg_lsn, '12.50'::money, 'pg_class'::regclass, 'int8'::regtype, '7'::xid, 'c'::refcursor, \
               ROW(1, 'happy')::pair, span(1, 2), '{[1,2),[3,4)}'::int4multirange, '1:2:'::txid_snapshot, box '((1,1),(0,0))', B'101', '0.0.0.0/0'::cidr";
    assert_eq!(
        arrivals(&mut session, sql).await,
        expected(&[
            ("timestamp", Some("294276-12-31 23:59:59.999999")),
            ("int4[]", None),
            ("point", None),
            ("int4range", None),
            ("xml", Some("<a/>")),
            ("record", None),
            ("macaddr", Some("08:00:2b:01:02:03")),
            ("jsonpath", Some("$.\"a\"")),
            ("tsvector", None),
            ("tsquery", None),
            ("pg_lsn", Some("16/B374D848")),
            ("money", None),
            ("regclass", Some("1259")),
            ("regtype", Some("20")),
            ("xid", Some("7")),
            ("refcursor", Some("c")),
            ("pair", None),
            ("span", None),
            ("int4multirange", None),
            ("txid_snapshot", None),
            ("box", None),
            ("bit", Some("101")),
            ("cidr", Some("0.0.0.0/0")),
        ])
    );
}

#[tokio::test]
async fn what_is_text_by_another_name_is_text() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let sql = "SELECT 'a'::name, 'b'::\"char\", 'c '::char(2), 'd', 'e'::varchar(3), NULL, '7'::oid, pg_sleep(0)::text";
    let rows = session.query(sql, &[]).await.expect("selected");
    let values: Vec<Value<'_>> = (0..8).map(|column| cell(&rows, 0, column)).collect();
    let texts = ["a", "b", "c ", "d", "e"].map(text);
    assert_eq!(values[..5], texts);
    assert_eq!(values[5..], [Value::Null, Value::Int64(7), text("")]);
    let rows = session
        .query("SELECT pg_sleep(0)", &[])
        .await
        .expect("void");
    assert!(matches!(cell(&rows, 0, 0), Value::Other(_)));
    assert_eq!(rows.columns()[0].type_name, "void");
}

#[tokio::test]
async fn types_of_extensions_are_read() {
    let database = tests::database().await;
    prepare(
        &database,
        "CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE EXTENSION hstore; \
         CREATE TABLE t (c citext, l ltree, h hstore, cs citext[]); \
         INSERT INTO t VALUES ('É', 'a.b', 'a=>1', '{x,NULL}')",
    )
    .await;
    let mut session = session(&database).await;
    let rows = session
        .select("t", &Selection::default())
        .await
        .expect("read");
    assert_eq!(cell(&rows, 0, 0), text("É"));
    let names: Vec<&str> = rows
        .columns()
        .iter()
        .map(|it| it.type_name.as_str())
        .collect();
    assert_eq!(names, ["citext", "ltree", "hstore", "citext[]"]);
    assert_eq!(
        cell(&rows, 0, 3),
        Value::Array(vec![text("x"), Value::Null])
    );
    let sql = "SELECT l, h FROM t";
    assert_eq!(
        arrivals(&mut session, sql).await,
        expected(&[("ltree", Some("a.b")), ("hstore", None)])
    );
}

#[tokio::test]
async fn a_type_without_a_binary_form_is_named_with_its_column_and_the_cast() {
    let database = tests::database().await;
    prepare(
        &database,
        "CREATE TABLE t (id int8, rights aclitem, many aclitem[]); INSERT INTO t SELECT 1, format('%I=r/%I', current_user, current_user)::aclitem, NULL",
    )
    .await;
    let mut session = session(&database).await;
    let of_table = session.select("t", &Selection::default()).await;
    let of_text = session.query("SELECT id, rights FROM t", &[]).await;
    for result in [of_table, of_text] {
        match result.expect_err("it has no binary form") {
            Error::Conversion(error) => {
                assert_eq!(
                    (error.column.as_str(), error.type_name.as_str()),
                    ("rights", "aclitem")
                );
                assert!(error.message.contains("cast it to text"), "{error}");
            }
            error => panic!("{error:?}"),
        }
    }
    let cast = session.query("SELECT rights::text FROM t", &[]).await;
    assert!(matches!(cell(&cast.expect("cast"), 0, 0), Value::Text(text) if text.contains("=r/")));
}
