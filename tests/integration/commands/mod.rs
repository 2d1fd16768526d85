//! The commands of an operator, from the command line to what they print.

mod check;
mod compile;
mod configuration;
mod explain;
mod inspect;
mod markers;
mod transactions;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tests::{Finished, host, plugin};

/// A folder for one test, which only this user can enter, as caches want it.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A file of a test.
fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("written");
    path
}

/// Nothing of it moves a terminal's cursor or forges a line.
#[track_caller]
fn assert_printable(finished: &Finished) {
    let said = format!("{}{}", finished.stdout, finished.stderr);
    let steers = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!said.contains(steers), "{said:?}");
}

/// The list of this name, as texts of this key.
fn texts<'a>(value: &'a Value, list: &str, key: &str) -> Vec<&'a str> {
    let items = value[list].as_array().expect("a list").iter();
    items
        .map(|item| item[key].as_str().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn the_version_is_told_to_programs() {
    let finished = host(["--version", "--json"]).run().await;
    let version = finished.expect(0, &[]).json();
    assert_eq!(version["name"], "host");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["contract"], "chitin:db@0.1.0");
    let engine = version["engine"].as_str().expect("an engine");
    assert!(engine.starts_with("wasmtime 48."), "{engine}");
    let target = version["target"].as_str().expect("a target");
    assert!(target.starts_with(std::env::consts::ARCH), "{target}");
    let features = version["features"].as_array().expect("a list");
    assert!(features.contains(&"grant:sql".into()), "{features:?}");
    assert_eq!(finished.stdout.lines().count(), 1);
    let plain = host(["--version"]).run().await;
    plain.expect(0, &[]);
    assert_eq!(plain.stdout.split(' ').next(), Some("host"));
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_no_panic() {
    let hello = plugin("hello");
    let hello = hello.to_str().expect("a path");
    for arguments in [
        &["inspect", hello] as &[_],
        &["inspect", "--json", hello],
        &["explain"],
        &["run", "--help"],
        &["--version", "--json"],
    ] {
        let mut child = host(arguments).start();
        drop(child.stdout.take());
        let finished = Finished::of(child).await;
        finished.expect(0, &[]);
        assert_eq!(finished.stderr, "", "{arguments:?}");
    }
}
