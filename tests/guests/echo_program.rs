//! An ordinary program: says what it was given, in words and on standard input, and what the database makes of it.
//!
//! With the argument `--fail` it ends with a failure.

use std::io::{Read, Write, stderr, stdin, stdout};
use std::process::ExitCode;

use chitin::json;

fn main() -> chitin::Result<ExitCode> {
    chitin::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut input = String::new();
    stdin().read_to_string(&mut input)?;
    let counted = chitin::query("SELECT length($1::text) AS characters")
        .bind(&input)
        .one()?;
    let characters: i64 = counted.get("characters")?;
    let echo = json!({ "arguments": arguments, "input": input, "characters": characters });
    writeln!(stdout(), "{echo}")?;
    if arguments.iter().any(|argument| argument == "--fail") {
        writeln!(stderr(), "it was told to fail")?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
