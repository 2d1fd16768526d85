//! A program that does what it is told line by line, in a transaction by handle, and answers each line before it reads the next. Whoever
//! talks to several of them says what happens in which order.

use std::io::{Write, stdin, stdout};

use chitin::{Error, Result, Rows, Transaction, query};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Begin,
    /// A statement that gives rows of two numbers.
    Query(String),
    Execute(String),
    Commit,
    Rollback,
    Restart,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Said {
    Done,
    Rows(Vec<(i64, i64)>),
    Count(u64),
    /// The transaction lost a race: it can be restarted.
    Retry,
    Error(String),
}

fn main() -> Result<()> {
    chitin::init();
    let mut open = None;
    for line in stdin().lines() {
        let said = match obey(&mut open, serde_json::from_str(&line?)?) {
            Ok(said) => said,
            Err(error) if error.is_retry() => Said::Retry,
            Err(error) => Said::Error(error.to_string()),
        };
        writeln!(stdout(), "{}", serde_json::to_string(&said)?)?;
        stdout().flush()?;
    }
    Ok(())
}

fn obey(open: &mut Option<Transaction>, word: Word) -> Result<Said> {
    let transaction = || Error::message("no transaction is open");
    match word {
        Word::Begin => *open = Some(Transaction::begin()?),
        Word::Query(text) => return query(&text).rows().and_then(|rows| pairs(&rows)),
        Word::Execute(text) => return query(&text).execute().map(Said::Count),
        Word::Commit => open.as_mut().ok_or_else(transaction)?.commit()?,
        Word::Rollback => open.take().ok_or_else(transaction)?.rollback()?,
        Word::Restart => open.as_mut().ok_or_else(transaction)?.restart()?,
    }
    Ok(Said::Done)
}

fn pairs(rows: &Rows) -> Result<Said> {
    let pair = |row: chitin::Row| Ok((row.get(0)?, row.get(1)?));
    rows.iter().map(pair).collect::<Result<_>>().map(Said::Rows)
}
