//! Every guest of `tests/guests` comes to what its manifest says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde::Deserialize;
use tests::{database, example, workspace_file};

/// What a guest must come to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    arguments: Vec<String>,
    exit: i32,
    says: Vec<String>,
}

fn manifest() -> BTreeMap<String, Expected> {
    let text =
        fs::read_to_string(workspace_file("tests/guests/manifest.toml")).expect("it is there");
    toml::from_str(&text).expect("the manifest is well formed")
}

/// The guests that other tests run with more than a manifest can say.
const ELSEWHERE: [&str; 2] = ["benchmark", "lib"];

#[test]
fn every_guest_is_in_the_manifest() {
    let files = fs::read_dir(workspace_file("tests/guests")).expect("it is there");
    let names: BTreeSet<String> = files
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            path.file_stem()
                .and_then(|name| name.to_str())
                .expect("a name")
                .to_owned()
        })
        .filter(|name| !ELSEWHERE.contains(&name.as_str()))
        .collect();
    assert_eq!(names, manifest().into_keys().collect());
}

#[tokio::test]
async fn every_guest_comes_to_what_the_manifest_says() {
    for (name, expected) in manifest() {
        let database = database().await;
        let mut command = tests::run(&example(&name), &database.url());
        for argument in &expected.arguments {
            command = command.arg(argument);
        }
        let finished = command.run().await;
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert_eq!(finished.code, expected.exit, "{name}\n{said}");
        for words in &expected.says {
            assert!(
                said.contains(words),
                "{name} does not say {words:?}\n{said}"
            );
        }
    }
}
