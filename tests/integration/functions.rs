//! The functions of the contract, called by a guest, in both forms of results.

use serde_json::{Value, json};
use tests::{TestDatabase, database, example};

/// What the guest answers to these operations, one after another.
pub(crate) async fn tell(database: &TestDatabase, operations: &Value) -> Vec<Value> {
    let finished = tests::run(&example("does_as_told"), &database.url())
        .arg("--input")
        .arg("-")
        .input(operations.to_string())
        .run()
        .await;
    finished.expect(0, &[]);
    let answers = finished.json();
    answers.as_array().expect("a list of answers").clone()
}

/// A table with a column of every scalar type.
fn every_type() -> Value {
    let columns = [
        ("a_boolean", json!("boolean")),
        ("an_int16", json!("int16")),
        ("an_int32", json!("int32")),
        ("a_float32", json!("float32")),
        ("a_float64", json!("float64")),
        ("a_decimal", json!("decimal")),
        ("a_text", json!("text")),
        ("some_bytes", json!("bytes")),
        ("a_uuid", json!("uuid")),
        ("a_date", json!("date")),
        ("a_time", json!("time")),
        ("a_timetz", json!("timetz")),
        ("a_timestamp", json!("timestamp")),
        ("a_timestamptz", json!("timestamptz")),
        ("an_interval", json!("interval")),
        ("a_json", json!("json")),
    ];
    let mut definitions = vec![json!({ "name": "id", "data-type": "int64", "not-null": true })];
    definitions
        .extend(columns.map(|(name, data_type)| json!({ "name": name, "data-type": data_type })));
    json!({ "columns": definitions, "primary-key": ["id"] })
}

/// A row of extremes, by column.
fn extremes() -> Vec<(&'static str, Value)> {
    vec![
        ("id", json!(["int64", 9_007_199_254_740_993_i64])),
        ("a_boolean", json!(["boolean", true])),
        ("an_int16", json!(["int64", -32_768])),
        ("an_int32", json!(["int64", 2_147_483_647])),
        ("a_float32", json!(["float64", 0.5])),
        ("a_float64", json!(["float64", 0.1])),
        (
            "a_decimal",
            json!(["decimal", "12345678901234567890.1234567890"]),
        ),
        ("a_text", json!(["text", "zoë 😀 \"quoted\" \\ back"])),
        ("some_bytes", json!(["bytes", "00ff5c"])),
        (
            "a_uuid",
            json!(["uuid", "123e4567-e89b-12d3-a456-426614174000"]),
        ),
        ("a_date", json!(["date", -719_162])),
        ("a_time", json!(["time", 86_400_000_000_i64])),
        ("a_timetz", json!(["timetz", [1, -3_600]])),
        ("a_timestamp", json!(["timestamp", i64::MAX])),
        ("a_timestamptz", json!(["timestamptz", -1])),
        ("an_interval", json!(["interval", [1, -2, 3]])),
        ("a_json", json!(["json", "{\"a\": null, \"n\": 1.10}"])),
    ]
}

#[tokio::test]
async fn every_scalar_type_passes_both_ways_in_both_forms() {
    let database = database().await;
    let row = extremes();
    let expected: Vec<&Value> = row.iter().map(|(_, value)| value).collect();
    let cells: Vec<Value> = row.iter().map(|(_, value)| value.clone()).collect();
    let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
    let mut nulls = cells.clone();
    for value in nulls.iter_mut().skip(1) {
        *value = json!(["null"]);
    }
    let read = |form: &str| {
        [
            json!({ "call": "set-result-format", "format": form }),
            json!({ "call": "select", "table": "every", "selection": { "order-by": [{ "column": "id", "descending": true }] } }),
        ]
    };
    let mut operations =
        vec![json!({ "call": "create-table", "table": "every", "definition": every_type() })];
    for (packed, id) in [(false, 1), (true, 2)] {
        nulls[0] = json!(["int64", id]);
        let batch = json!({ "columns": names, "rows": [nulls], "packed": packed });
        operations.push(json!({ "call": "batch-insert", "table": "every", "batch": batch }));
    }
    operations.push(
        json!({ "call": "insert", "table": "every", "fields": row, "returning": "all-columns" }),
    );
    operations.extend(read("typed"));
    operations.extend(read("packed"));
    let answers = tell(&database, &json!(operations)).await;

    assert_eq!(answers[0], json!({ "ok": true }));
    assert_eq!(answers[1]["ok"]["count"], 1);
    assert_eq!(answers[3]["ok"]["rows"]["rows"], json!([expected]));
    for (place, shape) in [(5, "typed"), (7, "packed")] {
        let result = &answers[place]["ok"];
        assert_eq!(result["shape"], shape);
        assert_eq!(result["rows"][0], json!(expected), "{shape}");
        for row in [1, 2] {
            let all_null = result["rows"][row]
                .as_array()
                .expect("a row")
                .iter()
                .skip(1)
                .all(|value| *value == json!(["null"]));
            assert!(all_null, "{shape}: {}", result["rows"][row]);
        }
    }
    assert_eq!(answers[5]["ok"]["columns"], answers[7]["ok"]["columns"]);
    assert_eq!(
        answers[5]["ok"]["columns"][5],
        json!(["a_float64", "float8"])
    );
}

#[tokio::test]
async fn a_guest_reads_changes_and_deletes_rows() {
    let database = database().await;
    let table = json!({
        "columns": [
            { "name": "id", "data-type": "int64", "default-value": "unique-id" },
            { "name": "name", "data-type": "text", "not-null": true },
            { "name": "points", "data-type": "int32", "not-null": true, "default-value": { "constant": 0 } },
        ],
        "primary-key": ["id"],
        "unique-keys": [["name"]],
    });
    let condition = |column: &str, operator: &str, values: Value| json!({ "column": column, "operator": operator, "values": values });
    let answers = tell(
        &database,
        &json!([
            { "call": "create-table", "table": "players", "definition": table },
            { "call": "create-table", "table": "players", "definition": table, "if-not-exists": true },
            { "call": "batch-insert", "table": "players",
              "batch": { "columns": ["name", "points"], "rows": [["ann", 3], ["bob", ["missing"]], ["cy", 5]] },
              "returning": { "columns": ["name", "points"] } },
            { "call": "insert", "table": "players", "fields": [["name", "ann"]] },
            { "call": "count", "table": "players", "filter": [condition("points", "ge", json!([3]))] },
            { "call": "update", "table": "players", "assignments": [{ "column": "points", "change": { "add": 10 } }],
              "target": { "matching": [condition("name", "in-list", json!(["ann", "bob"]))] }, "returning": { "columns": ["points"] } },
            { "call": "update", "table": "players", "assignments": [{ "column": "points", "change": "reset" }], "target": { "matching": [] } },
            { "call": "select-one", "table": "players", "selection": { "columns": ["name"], "order-by": [{ "column": "name", "descending": true }] } },
            { "call": "select-one", "table": "players", "selection": {}, "unique": true },
            { "call": "delete", "table": "players", "target": { "matching": [condition("name", "like", json!(["a%"]))] } },
            { "call": "select", "table": "players", "selection": { "limit": 0 } },
            { "call": "query", "text": "SELECT name FROM players WHERE points > $1 ORDER BY name", "parameters": [4] },
            { "call": "execute", "text": "UPDATE players SET points = 0", "parameters": [] },
            { "call": "drop-table", "table": "players" },
            { "call": "drop-table", "table": "players", "if-exists": true },
            { "call": "count", "table": "players" },
        ]),
    )
    .await;
    let rows = |place: usize| answers[place]["ok"]["rows"].clone();
    assert_eq!(
        (&answers[0], &answers[1]),
        (&json!({ "ok": true }), &json!({ "ok": false }))
    );
    let inserted = json!([
        [["text", "ann"], ["int64", 3]],
        [["text", "bob"], ["int64", 0]],
        [["text", "cy"], ["int64", 5]]
    ]);
    assert_eq!(rows(2)["rows"], inserted);
    assert_eq!(answers[3]["error"]["case"], "database", "{}", answers[3]);
    assert!(answers[3].to_string().contains("23505"), "{}", answers[3]);
    assert_eq!(answers[4], json!({ "ok": 2 }));
    assert_eq!(answers[5]["ok"]["count"], 2);
    assert_eq!(answers[6]["error"]["case"], "invalid", "{}", answers[6]);
    assert_eq!(rows(7), json!([[["text", "cy"]]]));
    assert!(answers[8].to_string().contains("21000"), "{}", answers[8]);
    assert_eq!(answers[9]["ok"]["count"], 1);
    assert_eq!(rows(10), json!([]));
    assert_eq!(
        answers[10]["ok"]["columns"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(rows(11), json!([[["text", "bob"]], [["text", "cy"]]]));
    assert_eq!(answers[12], json!({ "ok": 2 }));
    assert_eq!(
        (&answers[13], &answers[14]),
        (&json!({ "ok": true }), &json!({ "ok": false }))
    );
    assert!(answers[15].to_string().contains("42P01"), "{}", answers[15]);
}

#[tokio::test]
async fn a_session_tells_what_this_run_is() {
    let database = database().await;
    let finished = tests::run(&example("does_as_told"), &database.url())
        .arg("--set")
        .arg("colour=blue")
        .arg("--input")
        .arg(r#"[{"call":"info"},{"call":"setting","name":"colour"},{"call":"setting","name":"none"},{"call":"limits"}]"#)
        .run()
        .await;
    let answers = finished.expect(0, &[]).json();
    let info = &answers[0]["ok"];
    assert_eq!(
        (&info["plugin"], &info["tenant"], &info["attempt"]),
        (&json!("does_as_told"), &json!("local"), &json!(1))
    );
    assert_eq!(info["database"], "postgresql");
    assert!(info["deadline"].as_i64() > info["started-at"].as_i64());
    assert_eq!(answers[1], json!({ "ok": "blue" }));
    assert_eq!(answers[2], json!({ "ok": null }));
    let limits = answers[3]["ok"].to_string();
    for name in [
        "result-rows",
        "result-bytes",
        "statements",
        "memory-bytes",
        "cpu",
        "log-bytes",
    ] {
        assert!(limits.contains(name), "{name} is missing in {limits}");
    }
}
