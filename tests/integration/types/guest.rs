//! The same values through a guest, in both forms of results and of batches.

use host::database::Value;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use tests::{database, example};

use super::{
    kinds::{Kind, kinds, samples},
    make_types, prepare,
};

/// A value in the notation of the guest. Floats are text, since readers of JSON may round them.
fn told(value: &Value<'_>) -> Json {
    match value {
        Value::Null => json!(["null"]),
        Value::Boolean(it) => json!(["boolean", it]),
        Value::Int64(it) => json!(["int64", it]),
        Value::Float64(it) => json!(["float64", it.to_string()]),
        Value::Decimal(it) => json!(["decimal", it]),
        Value::Text(it) => json!(["text", it]),
        Value::Bytes(it) => json!(["bytes", hexadecimal(it)]),
        Value::Uuid(it) => json!(["uuid", it]),
        Value::Date(it) => json!(["date", it]),
        Value::Time(it) => json!(["time", it]),
        Value::TimeTz(it) => json!(["timetz", [it.microseconds, it.offset_seconds]]),
        Value::Timestamp(it) => json!(["timestamp", it]),
        Value::TimestampTz(it) => json!(["timestamptz", it]),
        Value::Interval(it) => json!(["interval", [it.months, it.days, it.microseconds]]),
        Value::Json(it) => json!(["json", it]),
        Value::Vector(it) => json!(["vector", it]),
        Value::Array(it) => json!(["array", it.iter().map(told).collect::<Json>()]),
        Value::Other(it) => json!(["other", [it.type_name, it.text]]),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// What the guest read, in the notation in which it was told: floats as text, and of other values the text alone.
fn heard(answer: &Json) -> Json {
    match (answer[0].as_str(), &answer[1]) {
        (Some("float64"), Json::Number(number)) => {
            let number = number.as_f64().expect("a float");
            json!(["float64", number.to_string()])
        }
        (Some("other"), held) => json!(["other", ["", held[1]]]),
        (Some("array"), Json::Array(elements)) => {
            json!(["array", elements.iter().map(heard).collect::<Json>()])
        }
        _ => answer.clone(),
    }
}

/// A kind, its table, and what goes in.
struct Trial {
    kind: Kind,
    table: String,
    values: Vec<Value<'static>>,
}

fn trials() -> Vec<Trial> {
    let mut runner = TestRunner::deterministic();
    let of_kind = |(number, kind): (usize, Kind)| {
        let mut values = samples(&kind, &mut runner);
        // The longest take the guest much longer than they tell.
        values.retain(|value| !matches!(value, Value::Decimal(text) if text.len() > 20_000));
        Trial {
            values,
            kind,
            table: format!("t{number}"),
        }
    };
    kinds().into_iter().enumerate().map(of_kind).collect()
}

fn batch(trial: &Trial, packed: bool) -> Json {
    let row = |(place, value): (usize, &Value<'static>)| {
        let array = Value::Array(vec![value.clone(), Value::Null]);
        json!([["int64", place], told(value), told(&array)])
    };
    let rows: Json = trial.values.iter().enumerate().map(row).collect();
    let batch = json!({ "columns": ["place", "v", "a"], "rows": rows, "packed": packed });
    json!({ "call": "batch-insert", "table": trial.table, "batch": batch })
}

/// Whether a parameter of SQL text comes back as the same case without any column in sight.
fn is_plain(kind: &Kind) -> bool {
    let first = kind.extremes.first();
    !matches!(first, Some(Value::Text(_) | Value::Other(_)) | None)
        && !matches!(kind.type_name, "int2" | "int4" | "oid" | "float4" | "json")
}

/// All rows of its table, and where that can be, all values as parameters.
fn read(trial: &Trial) -> Vec<Json> {
    let selection = json!({ "order-by": [{ "column": "place" }] });
    let mut calls = vec![json!({ "call": "select", "table": trial.table, "selection": selection })];
    if is_plain(&trial.kind) {
        let parameters: Vec<Json> = present(trial).map(told).collect();
        let places: Vec<String> = (1..=parameters.len()).map(|n| format!("${n}")).collect();
        let text = format!("SELECT {}", places.join(", "));
        calls.push(json!({ "call": "query", "text": text, "parameters": parameters }));
    }
    calls
}

fn present(trial: &Trial) -> impl Iterator<Item = &Value<'static>> {
    trial.values.iter().filter(|value| **value != Value::Null)
}

#[tokio::test]
async fn every_type_passes_through_a_guest_in_both_forms() {
    let database = database().await;
    make_types(&database).await;
    let trials = trials();
    let mut operations = Vec::new();
    for (packed, trial) in [false, true].into_iter().cycle().zip(&trials) {
        let Trial { kind, table, .. } = trial;
        let (of_one, of_many) = (kind.type_name, format!("{}[]", kind.type_name));
        prepare(
            &database,
            &format!("CREATE TABLE {table} (place int8, v {of_one}, a {of_many})"),
        )
        .await;
        operations.push(batch(trial, packed));
    }
    for form in ["typed", "packed"] {
        operations.push(json!({ "call": "set-result-format", "format": form }));
        operations.extend(trials.iter().flat_map(read));
    }
    let finished = tests::run(&example("does_as_told"), &database.url())
        .arg("--input")
        .arg("-")
        .input(json!(operations).to_string())
        .run()
        .await;
    let answers = finished.expect(0, &[]).json();
    let mut answers = answers.as_array().expect("a list").iter();

    for trial in &trials {
        let answer = answers.next().expect("an answer");
        let count = &answer["ok"]["count"];
        assert_eq!(
            *count,
            trial.values.len(),
            "{}: {answer}",
            trial.kind.type_name
        );
    }
    for form in ["typed", "packed"] {
        answers.next().expect("the form is set");
        for trial in &trials {
            let name = trial.kind.type_name;
            let rows = &answers.next().expect("rows")["ok"];
            assert_eq!(rows["shape"], form);
            let columns = &rows["columns"];
            assert_eq!(columns[1][1], trial.kind.shown);
            assert_eq!(columns[2][1], format!("{}[]", trial.kind.shown));
            for (place, value) in trial.values.iter().enumerate() {
                let row = &rows["rows"][place];
                assert_eq!(heard(&row[1]), told(value), "{form} {name}");
                let array = Value::Array(vec![value.clone(), Value::Null]);
                assert_eq!(heard(&row[2]), told(&array), "{form} {name}");
            }
            if is_plain(&trial.kind) {
                let row = &answers.next().expect("parameters")["ok"]["rows"][0];
                for (place, value) in present(trial).enumerate() {
                    assert_eq!(
                        heard(&row[place]),
                        told(value),
                        "{form} {name} as a parameter"
                    );
                }
            }
        }
    }
    assert_eq!(answers.next(), None);
}
