//! The sample plugins, run as a newcomer runs them.

use serde_json::json;
use tests::{HostCommand, TestDatabase, database, plugin};

fn run(name: &str, database: &TestDatabase) -> HostCommand {
    tests::run(&plugin(name), &database.url())
}

#[tokio::test]
async fn hello_prints_a_row_of_the_database() {
    let database = database().await;
    let finished = run("hello", &database).run().await;
    let output = finished.expect(0, &[]).json();
    assert!(
        output["greeting"]
            .as_str()
            .is_some_and(|text| text.starts_with("Hello from ")),
        "{output}"
    );
}

#[tokio::test]
async fn users_does_its_tour_again_and_again() {
    let database = database().await;
    for first in [true, false] {
        let finished = run("users", &database).run().await;
        let output = finished.expect(0, &[]).json();
        assert_eq!(output["table_created"], first);
        assert_eq!(output["inserted"]["name"], "John Doe");
        assert_eq!(output["selected"], output["inserted"]);
        assert_eq!(output["updated"]["name"], "John Smith");
        assert_eq!(
            output["columns"],
            json!(["id", "name", "email", "age", "active", "created_at"])
        );
        // Jane is written over with 28, then a year older, and both are once more.
        for (what, expected) in [
            ("written_over", json!(true)),
            ("batch_inserted", json!(1_000)),
            ("batch_updated", json!(10)),
            ("not_found", json!([10])),
            ("by_age", json!(["John Smith", "Jane Doe", "Somebody"])),
            ("moved_together", json!(2)),
            ("sum_of_ages", json!(32 + 30 + 170)),
            ("duplicate_refused", json!(true)),
            ("users", json!(1_002)),
            ("deleted", json!(1)),
        ] {
            assert_eq!(output[what], expected, "{what}");
        }
        let adults = output["adults"].as_array().expect("a list");
        assert_eq!(adults.len(), 2);
        assert_eq!(adults[0]["active"], false);
    }
}

/// Loads the text into the table `t` and gives the report.
async fn import(database: &TestDatabase, format: &str, text: &str) -> serde_json::Value {
    let input = json!({ "table": "t", "format": format }).to_string();
    let finished = run("import", database)
        .arg("--input")
        .arg(input)
        .input(text)
        .run()
        .await;
    finished.expect(0, &[]).json()
}

#[tokio::test]
async fn import_infers_types_and_makes_the_table() {
    let database = database().await;
    let csv = "id,name,share,born,seen,ok\n1,\"Doe, John\",0.5,1970-01-02,2013-01-01T05:00:00Z,true\n2,,,,,\n";
    let report = import(&database, "csv", csv).await;
    assert_eq!(
        (&report["rows"], &report["table_created"]),
        (&json!(2), &json!(true))
    );

    let client = database.client().await;
    let types = "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position)
                 FROM information_schema.columns WHERE table_name = 't'";
    let types: String = client.query_one(types, &[]).await.expect("asked").get(0);
    assert!(types.starts_with("id bigint, name text, share "), "{types}");
    assert!(
        types.contains("born date, seen timestamp with time zone, ok boolean"),
        "{types}"
    );
    let nulls = "SELECT count(*) FROM t WHERE name IS NULL AND share IS NULL AND born IS NULL AND seen IS NULL AND ok IS NULL";
    assert_eq!(
        client
            .query_one(nulls, &[])
            .await
            .expect("asked")
            .get::<_, i64>(0),
        1
    );
    let name = client
        .query_one("SELECT name FROM t WHERE id = 1", &[])
        .await
        .expect("asked");
    assert_eq!(name.get::<_, &str>(0), "Doe, John");

    assert_eq!(
        import(&database, "csv", csv).await["table_created"],
        false,
        "a table that is there is used"
    );
}

#[tokio::test]
async fn import_reads_newline_delimited_json() {
    let database = database().await;
    let text = "{\"id\": 1, \"tags\": [\"a\"], \"big\": 12345678901234567890.5}\n{\"id\": 2, \"tags\": null}\n";
    assert_eq!(import(&database, "ndjson", text).await["rows"], 2);
    let client = database.client().await;
    let row = client
        .query_one("SELECT count(big), max(big)::text FROM t", &[])
        .await
        .expect("asked");
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, &str>(1)),
        (1, "12345678901234567890.5")
    );
}

#[tokio::test]
async fn import_names_the_line_and_column_of_a_value_that_does_not_fit() {
    let database = database().await;
    let mut csv = "id,n\n".to_owned();
    csv.extend((0..20_000).map(|id| format!("{id},{id}\n")));
    csv.push_str("20000,many\n");
    let input = json!({ "table": "t", "format": "csv" }).to_string();
    let finished = run("import", &database)
        .arg("--input")
        .arg(input)
        .input(csv)
        .run()
        .await;
    finished.expect(1, &["20002", "`n`", "many", "types"]);
}

#[tokio::test]
async fn the_size_of_an_import_is_not_bounded_by_memory() {
    let database = database().await;
    let row = |id: u32| format!("{id},{:060},{}\n", id, f64::from(id) / 3.0);
    let peak = async |rows: u32| {
        let mut csv = "id,label,share\n".to_owned();
        csv.extend((0..rows).map(row));
        let table = format!("t{rows}");
        let input = json!({ "table": table, "format": "csv" }).to_string();
        let command = run("import", &database)
            .arg("--summary")
            .arg("json")
            .arg("--input")
            .arg(input);
        let finished = command.input(csv).run().await;
        assert_eq!(finished.expect(0, &[]).json()["rows"], rows);
        let summary = finished
            .stderr
            .lines()
            .last()
            .expect("a summary")
            .to_owned();
        let summary: serde_json::Value = serde_json::from_str(&summary).expect("it is JSON");
        summary["peak_memory_bytes"]
            .as_u64()
            .expect("it is measured")
    };
    let (small, large) = (peak(20_000).await, peak(120_000).await);
    assert!(
        large <= small + (1 << 20),
        "20,000 rows took {small} bytes, 120,000 took {large}"
    );
}
