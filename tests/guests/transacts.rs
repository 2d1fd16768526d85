//! Has transactions in every way that the SDK offers, on the table `counters (name text primary key, n int8)`.
//!
//! The answer is `{"ok": ...}`, or `{"error": "Rejected", "text": "..."}` by the case of the error.

use std::cell::Cell;

use chitin::{
    Column, Error, Result, RowLock, Transaction, TransactionOptions, add, create_table, eq, json,
    operation, table, transaction, transaction_with,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

chitin::plugin!(
    run,
    operations: [increment, refuse, fail_in_its_own_way, answer_nothing, answer_no_number, increment_twice, call_another, swallow],
);

/// What to do.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Told {
    /// Makes the table with the counter `a` at 0.
    Prepare,
    Increment(Increment),
    IncrementAtMostOnce(Increment),
    Refuse(String),
    FailInItsOwnWay,
    AnswerNothing,
    AnswerNoNumber,
    NotListed,
    IncrementTwice(Increment),
    CallAnother,
    Swallow,
    /// By a closure: the answer has the new value, and how often the closure ran.
    Closure {
        retries: u32,
    },
    ClosureFails,
    ClosureSwallows,
    ClosureSavepoint,
    ClosureNested,
    ReadOnly,
    Locks,
    Handle,
    HandleRolledBack,
    HandleDropped,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Increment {
    name: String,
    by: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    value: i64,
    attempt: u32,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a plugin may fail, even if this one cannot"
)]
fn run(told: Told) -> Result<Json> {
    Ok(match perform(told) {
        Ok(answer) => json!({ "ok": answer }),
        Err(error) => {
            let debug = format!("{error:?}");
            let case = debug.split(|letter: char| !letter.is_alphanumeric()).next();
            json!({ "error": case, "text": error.to_string() })
        }
    })
}

fn perform(told: Told) -> Result<Json> {
    Ok(match told {
        Told::Prepare => prepare()?,
        Told::Increment(input) => json!(increment(input)?),
        Told::IncrementAtMostOnce(input) => {
            json!(increment::with(
                TransactionOptions::new().max_retries(0),
                input
            )?)
        }
        Told::Refuse(why) => json!(refuse(why)?),
        Told::FailInItsOwnWay => match fail_in_its_own_way() {
            Ok(()) => Json::Null,
            Err(OwnError(text)) => json!(text),
        },
        Told::AnswerNothing => json!(answer_nothing()?),
        Told::AnswerNoNumber => json!(answer_no_number()?),
        Told::NotListed => json!(not_listed()?),
        Told::IncrementTwice(input) => json!(increment_twice(input)?),
        Told::CallAnother => json!(call_another()?),
        Told::Swallow => json!(swallow()?),
        Told::Closure { retries } => closure(retries)?,
        Told::ClosureFails => transaction(|_| {
            add_to("a", 1)?;
            Err::<Json, _>("no, after all".into())
        })?,
        Told::ClosureSwallows => transaction(|_| {
            add_to("a", 1)?;
            table("counters")
                .insert(&json!({ "name": "a", "n": 0 }))
                .ok();
            Ok(json!("all is well"))
        })?,
        Told::ClosureSavepoint => savepoint()?,
        Told::ClosureNested => transaction(|_| {
            add_to("a", 1)?;
            let nested = transaction(|_| {
                add_to("a", 10)?;
                Err::<(), _>("not this".into())
            });
            nested.expect_err("it failed");
            Ok(json!(add_to("a", 100)?))
        })?,
        Told::ReadOnly => transaction_with(TransactionOptions::new().read_only(), |_| {
            Ok(json!(add_to("a", 1)?))
        })?,
        Told::Locks => transaction(|_| {
            let counter = table("counters").filter(eq("name", "a"));
            let free = counter.lock(RowLock::for_update().skip_locked()).select()?;
            Ok(json!(free.len()))
        })?,
        Told::Handle => handle()?,
        Told::HandleRolledBack => {
            let begun = Transaction::begin()?;
            add_to("a", 1)?;
            begun.rollback()?;
            json!(value("a")?)
        }
        Told::HandleDropped => {
            let begun = Transaction::begin()?;
            add_to("a", 1)?;
            drop(begun);
            json!(value("a")?)
        }
    })
}

fn prepare() -> Result<Json> {
    let made = create_table("counters")
        .column(Column::text("name").primary_key())
        .column(Column::int64("n").not_null())
        .run()?;
    table("counters").insert(&json!({ "name": "a", "n": 0 }))?;
    Ok(json!(made))
}

fn add_to(name: &str, by: i64) -> Result<i64> {
    let counter = table("counters").filter(eq("name", name));
    match counter.update_one([add("n", by)])? {
        Some(row) => row.get("n"),
        None => Err(format!("there is no counter `{name}`").into()),
    }
}

fn value(name: &str) -> Result<i64> {
    let counter = table("counters").filter(eq("name", name)).select_one()?;
    counter.map_or(Ok(0), |row| row.get("n"))
}

#[operation]
fn increment(Increment { name, by }: Increment) -> Result<Counted> {
    Ok(Counted {
        value: add_to(&name, by)?,
        attempt: chitin::run_info().attempt,
    })
}

#[operation]
fn refuse(why: String) -> Result<i64> {
    add_to("a", 1)?;
    Err(why.into())
}

/// An error of the plugin's own.
struct OwnError(String);

impl From<Error> for OwnError {
    fn from(error: Error) -> Self {
        Self(format!("the database: {error}"))
    }
}

impl std::fmt::Display for OwnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "its own way: {}", self.0)
    }
}

#[operation]
fn fail_in_its_own_way() -> Result<(), OwnError> {
    add_to("nobody", 1)?;
    Ok(())
}

#[operation]
fn answer_nothing() -> Result<()> {
    add_to("a", 1).map(drop)
}

#[operation]
fn answer_no_number() -> Result<f64> {
    add_to("a", 1)?;
    Ok(f64::NAN)
}

#[operation]
fn not_listed() -> Result<()> {
    Ok(())
}

#[operation]
fn increment_twice(input: Increment) -> Result<Counted> {
    increment::here(input.clone())?;
    increment::here(input)
}

#[operation]
fn call_another() -> Result<Counted> {
    let name = "a".to_owned();
    increment(Increment { name, by: 1 })
}

#[operation]
fn swallow() -> Result<String> {
    add_to("a", 1)?;
    table("counters")
        .insert(&json!({ "name": "a", "n": 0 }))
        .ok();
    Ok("all is well".to_owned())
}

fn closure(retries: u32) -> Result<Json> {
    let ran = Cell::new(0_u32);
    let options = TransactionOptions::new().max_retries(retries);
    let (value, attempt) = transaction_with(options, |transaction| {
        ran.set(ran.get() + 1);
        Ok((add_to("a", 1)?, transaction.attempt()))
    })?;
    Ok(json!({ "value": value, "attempt": attempt, "ran": ran.get() }))
}

fn savepoint() -> Result<Json> {
    transaction(|transaction| {
        add_to("a", 1)?;
        let doubled = transaction.savepoint(|_| {
            add_to("a", 10)?;
            table("counters").insert(&json!({ "name": "a", "n": 0 }))
        });
        let inner = transaction.savepoint(|savepoint| {
            add_to("a", 100)?;
            savepoint.savepoint(|_| add_to("a", 1_000))
        })?;
        let refused = doubled.is_err_and(|error| error.is_unique_violation());
        Ok(json!({ "refused": refused, "inner": inner, "value": value("a")? }))
    })
}

fn handle() -> Result<Json> {
    let mut attempts = Vec::new();
    let mut begun = Transaction::begin()?;
    loop {
        attempts.push(begun.attempt());
        match add_to("a", 1).and_then(|value| begun.commit().map(|()| value)) {
            Err(error) if error.is_retry() => begun.restart()?,
            done => return Ok(json!({ "value": done?, "attempts": attempts })),
        }
    }
}
