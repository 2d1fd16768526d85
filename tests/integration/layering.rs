//! The layers of the host are one-way: this table says what each may name, and the sources are read to see that they do no more.

use std::{collections::BTreeSet, fs, path::Path};

use tests::workspace_file;

/// A layer, the layers that it may name, and words that its code never says.
struct Layer {
    name: &'static str,
    may_name: &'static [&'static str],
    never_says: &'static [&'static str],
}

/// A new arrow is a reviewed change to this table.
const LAYERS: &[Layer] = &[
    Layer {
        name: "cli",
        may_name: &["config", "operate", "runtime", "telemetry"],
        never_says: &["wasmtime", "tokio_postgres", "SELECT ", "INSERT "],
    },
    Layer {
        name: "operate",
        may_name: &["config", "database", "tenancy"],
        never_says: &["wasmtime"],
    },
    Layer {
        name: "config",
        may_name: &["runtime", "sandbox", "database", "tenancy"],
        never_says: &["wasmtime", "tokio_postgres", "SELECT "],
    },
    Layer {
        name: "runtime",
        may_name: &["bindings", "sandbox", "database", "tenancy"],
        never_says: &["tokio_postgres", "SELECT ", "INSERT "],
    },
    Layer {
        name: "bindings",
        may_name: &["database", "tenancy"],
        never_says: &["tokio_postgres", "SELECT ", "INSERT "],
    },
    Layer {
        name: "sandbox",
        may_name: &[],
        never_says: &["tokio_postgres", "SELECT ", "chitin:db"],
    },
    Layer {
        name: "database",
        may_name: &["tenancy"],
        never_says: &["wasmtime", "chitin:db"],
    },
    Layer {
        name: "tenancy",
        may_name: &[],
        never_says: &["wasmtime", "tokio_postgres", "SELECT "],
    },
    Layer {
        name: "telemetry",
        may_name: &[],
        never_says: &["wasmtime", "tokio_postgres"],
    },
];

/// The files that may hold unsafe code, each with `#[expect(unsafe_code, reason = …)]` on the one place.
const UNSAFE: &[&str] = &["host/src/sandbox/cache.rs"];

#[test]
fn every_layer_names_only_what_its_row_allows() {
    let mut mistakes = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, source) in sources("host/src") {
        let inside = path.strip_prefix("host/src/").expect("listed there");
        let layer = inside
            .split(['/', '.'])
            .next()
            .expect("a path has a first part");
        if layer == "main" || layer == "lib" {
            continue;
        }
        seen.insert(layer.to_owned());
        let Some(row) = LAYERS.iter().find(|row| row.name == layer) else {
            mistakes.push(format!("{path}: `{layer}` is no layer of the table"));
            continue;
        };
        let code = code_of(&source);
        for named in crate_paths(&code) {
            let is_layer = LAYERS.iter().any(|other| other.name == named);
            if is_layer && named != layer && !row.may_name.contains(&named.as_str()) {
                mistakes.push(format!("{path}: `{layer}` may not name `{named}`"));
            }
        }
        for word in row.never_says.iter().filter(|word| code.contains(**word)) {
            mistakes.push(format!("{path}: `{layer}` never says `{word}`"));
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    let missing: Vec<_> = LAYERS
        .iter()
        .filter(|row| !seen.contains(row.name))
        .map(|row| row.name)
        .collect();
    assert!(
        missing.is_empty(),
        "the table has layers without sources: {missing:?}"
    );
}

#[test]
fn unsafe_code_is_only_where_the_list_says() {
    let folders = ["host/src", "guest-sdk/rust/src", "plugins", "tests"];
    let found: BTreeSet<_> = folders
        .into_iter()
        .flat_map(sources)
        .filter(|(path, _)| path != "tests/integration/layering.rs")
        .filter(|(_, source)| source.contains("unsafe_code") || code_of(source).contains("unsafe "))
        .map(|(path, _)| path)
        .collect();
    let listed: BTreeSet<_> = UNSAFE.iter().map(|&path| path.to_owned()).collect();
    assert_eq!(found, listed);
}

/// The files that may tell CockroachDB and PostgreSQL apart, and why.
const TELLS_DATABASES_APART: &[(&str, &str)] = &[
    ("host/src/database/dialect.rs", "all that differs is here"),
    (
        "host/src/database/server.rs",
        "it is told there which one it is",
    ),
    (
        "host/src/bindings/session.rs",
        "the contract has a name of its own for each",
    ),
];

#[test]
fn what_differs_between_the_databases_is_in_one_file() {
    let tells_apart = |code: &str| {
        let mut words = code.split(|letter: char| !letter.is_alphanumeric());
        words.any(|word| matches!(word, "CockroachDb" | "PostgreSql"))
    };
    // Tests and golden files are of both.
    let is_of_tests = |path: &str| {
        path.contains("/goldens/") || path.ends_with("/goldens.rs") || path.ends_with("/tests.rs")
    };
    let found: BTreeSet<_> = sources("host/src")
        .into_iter()
        .filter(|(path, source)| !is_of_tests(path) && tells_apart(&code_of(source)))
        .map(|(path, _)| path)
        .collect();
    let listed: BTreeSet<_> = TELLS_DATABASES_APART
        .iter()
        .map(|&(path, _)| path.to_owned())
        .collect();
    assert_eq!(found, listed);
}

/// Rust files below a folder of the workspace, by their paths from its root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![workspace_file(folder)];
    let root = workspace_file("");
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)
            .expect("the workspace can be read")
            .map(|entry| entry.expect("an entry").path())
        {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&entry).expect("sources are text");
                found.push((relative(&entry, &root), source));
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .expect("below the root")
        .to_str()
        .expect("paths are text")
        .to_owned()
}

/// The source without comments and unit tests.
fn code_of(source: &str) -> String {
    let source = source
        .split("#[cfg(test)]")
        .next()
        .expect("split gives one part at least");
    source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first parts of all paths that begin with `crate::`, groups included.
fn crate_paths(code: &str) -> Vec<String> {
    let word = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let mut names = Vec::new();
    for after in code.split("crate::").skip(1) {
        if let Some(group) = after.strip_prefix('{') {
            let mut depth = 0_u32;
            let mut start = true;
            for (at, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start = true,
                    c if start && !c.is_whitespace() => {
                        names.push(word(group.get(at..).unwrap_or_default()));
                        start = false;
                    }
                    _ => {}
                }
            }
        } else {
            names.push(word(after));
        }
    }
    names
}

#[test]
fn paths_are_found_in_groups_too() {
    let code = "use crate::{database::{Error, Limits}, tenancy};\nlet x = crate::sandbox::y();";
    assert_eq!(crate_paths(code), ["database", "tenancy", "sandbox"]);
}
