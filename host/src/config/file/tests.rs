use std::{path::Path, time::Duration};

use super::ConfigFile;
use crate::database::{Snapshot, TransactionOptions};

fn parse(text: &str) -> Result<ConfigFile, String> {
    ConfigFile::parse(Path::new("/etc/host.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn a_whole_file_is_read() {
    let file = parse(
        r#"
        version = 1
        [database]
        host = "db.internal"
        port = 26257
        min_connections = 1
        max-connections = 4
        allow-read-committed = true
        password-file = "secret"
        [limits]
        timeout = "5m"
        result-rows = 100
        [plugins.users]
        path = "plugins/users.wasm"
        digest = "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
        grants = ["reads", "sql"]
        settings = { region = "eu" }
        transaction = { follower-read = true, timeout = "5s" }
        max-retries = 5
        [plugins.ledger]
        path = "ledger.wasm"
        transaction = true
        [plugins.loader]
        path = "loader.wasm"
        transaction = false
        "#,
    )
    .expect("a good file");
    let database = file.database.as_ref().expect("a database");
    let parameters = database.parameters.iter();
    let parameters: Vec<_> = parameters
        .map(|entry| (entry.name.as_str(), entry.value.expose()))
        .collect();
    assert!(parameters.contains(&("port", "26257")), "{parameters:?}");
    assert!(
        parameters.contains(&("max_connections", "4")),
        "{parameters:?}"
    );
    let password_file = database.password_file.as_ref().expect("a password");
    assert_eq!(password_file.value.expose(), "secret");
    assert_eq!(file.limits.database.result_rows, 100);
    let plugin = &file.plugins["users"];
    assert_eq!(
        file.resolve(&plugin.path),
        Path::new("/etc/plugins/users.wasm")
    );
    assert_eq!(plugin.settings["region"], "eu");
    let transaction = TransactionOptions {
        read_only: true,
        snapshot: Some(Snapshot::FollowerRead),
        timeout: Some(Duration::from_secs(5)),
        ..TransactionOptions::default()
    };
    assert_eq!(plugin.transaction, Some(transaction));
    assert_eq!(plugin.max_retries, Some(5));
    assert!(database.allow_read_committed);
    let ledger = file.plugins["ledger"].transaction.as_ref();
    assert_eq!(ledger, Some(&TransactionOptions::default()));
    assert_eq!(file.plugins["loader"].transaction, None);
    let digest = plugin.digest.as_deref().expect("a digest");
    assert!(digest.starts_with("e3b0c442"), "{digest}");
}

#[expect(clippy::too_many_lines, reason = "a list of cases")]
#[test]
fn a_mistake_is_told_with_its_place_and_what_would_be_right() {
    for (text, told) in [
        (
            "version = 1\n\n[database]\nmax_connections = 1\nmax-connections = 2\n",
            "4:1: `max_connections` is given twice",
        ),
        (
            "version = 1\n[database]\nport = 1.5\n",
            "3:8: `port` takes a text in quotes, or a whole number, and this is a number with a fraction",
        ),
        (
            "version = 1\n[database]\nport = 0\n",
            "3:8: `port` is a number from 1 to 65535",
        ),
        (
            "version = 1\n[database]\n  hots = \"db\"\n",
            "3:3: `hots` is no connection parameter: did you mean `host`?",
        ),
        ("version = 1\n[database]\nurl = \"mysql://db/x\"\n", "3:7: "),
        (
            "version = 1\n[database]\nurl = \"postgresql://localhost/x\"\nport = 1\n",
            "4:1: `port` belongs into `url`",
        ),
        (
            "version = 1\ntenants = 1\n",
            "2:1: this version of the host has no tenants yet",
        ),
        (
            "version = 1\ndatabse = 1\n",
            "2:1: `databse` is no key of this file: did you mean `database`?",
        ),
        (
            "version = 1\nxyz = 1\n",
            "2:1: `xyz` is no key of this file: it is one of version, database, limits, plugins",
        ),
        (
            "version = 1\nlimits = 5\n",
            "2:10: `limits` takes a section, written [limits], and this is a whole number",
        ),
        (
            "version = 1\n[limits]\nresult-row = 5\n",
            "3:1: `result-row` is no limit: did you mean `result-rows`?",
        ),
        (
            "version = 1\n[limits]\ncpu = 5\n",
            "3:7: limit `cpu`: `5` is not an amount that can be used: write ms, s, m or h, such as 500ms, 30s or 5m; did you mean `5s`?",
        ),
        (
            "version = 1\n[limits]\nmemory-bytes = \"256MB\"\n",
            "did you mean `256MiB`?",
        ),
        (
            "version = 1\n[limits]\ncpu = \"1s\"\ncpu = \"2s\"\n",
            "4:1: duplicate key",
        ),
        (
            "version = 1\n[plugins.a]\ngrants = []\n",
            "2:10: [plugins.a] has no `path`",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ngrants = [\"reads\", \"write\"]\n",
            "4:20: `write` is no grant: did you mean `writes`?",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ndigest = \"abc\"\n",
            "4:10: `digest` is written sha256: and 64 hexadecimal digits",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ntables = []\n",
            "4:1: this version of the host cannot grant single tables yet",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ntransaction = \"yes\"\n",
            "4:15: `transaction` takes true, false or a table, written { … }, and this is a text",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ntransaction = { isolated = true }\n",
            "4:17: `isolated` is no key of a transaction: did you mean `isolation`?",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ntransaction = { isolation = \"snapshot\" }\n",
            "4:29: `isolation` is \"serializable\" or \"read-committed\"",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ntransaction = { timeout = \"3\" }\n",
            "4:27: `timeout`: `3` is not an amount",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ntransaction = { read-only = 1 }\n",
            "4:29: `read-only` takes true or false, and this is a whole number",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ntransaction = { follower-read = true, read-only = false }\n",
            "4:15: a transaction with `follower-read` reads the past, and cannot write",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\ntransaction = { follower-read = true, isolation = \"read-committed\" }\n",
            "4:15: a transaction with `follower-read` sees one state of the past",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\nmax-retries = -1\n",
            "4:15: `max-retries` is a whole number from 0 to 4294967295",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\nmax-retries = \"3\"\n",
            "4:15: `max-retries` takes a whole number, and this is a text",
        ),
        (
            "version = 1\n[database]\nhost = \"a\"\nallow-read-comitted = true\n",
            "4:1: `allow_read_comitted` is no connection parameter: did you mean `allow_read_committed`?",
        ),
        (
            "version = 1\n[database]\nhost = \"a\"\nallow-read-committed = \"yes\"\n",
            "4:24: `allow_read_committed` takes true or false, and this is a text",
        ),
        (
            "version = 1\n[plugins.a]\npath = \"a\"\nsettings = { size = 5 }\n",
            "4:21: `size` takes a text in quotes, and this is a whole number",
        ),
        (
            "version = 1\n[plugins.\"a.b\"]\npath = \"a\"\n",
            "2:10: the name of a plugin has letters",
        ),
        (
            "version = 2\nx = 1\n",
            "1:11: this host reads `version = 1` only",
        ),
        (
            "version = \"1\"\n",
            "1:11: this host reads `version = 1` only",
        ),
        ("[limits]\n", "1:1: `version = 1` is missing"),
        ("version = 1\n[database\n", "2:"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(
            error.starts_with("/etc/host.toml:") && error.contains(told),
            "{told}: {error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_their_order() {
    let error = parse(
        "version = 1\n[plugins.a]\npaht = \"a\"\n[limits]\ncpu = \"fast\"\nsloth = 1\n[database]\nport = 0\n",
    )
    .expect_err("many mistakes");
    let places: Vec<_> = error
        .lines()
        .map(|line| line.split(": ").next().unwrap_or_default())
        .collect();
    assert_eq!(
        places,
        [
            "/etc/host.toml:2:10",
            "/etc/host.toml:3:1",
            "/etc/host.toml:5:7",
            "/etc/host.toml:6:1",
            "/etc/host.toml:8:8"
        ],
        "{error}"
    );
}

#[test]
fn a_mistake_beside_a_password_does_not_show_it() {
    for text in [
        "version = 1\n[database]\npassword = \"hunter2\" x\n",
        "version = 1\n[database]\nurl = [\"hunter2\"]\n",
        "version = 1\n[database]\npassword = { x = \"hunter2\" }\n",
        "version = 1\n[database]\nurl = \"postgresql://me:hunter2@host:port/x\"\n",
        "version = 1\n[database]\nsslmode = \"hunter2\"\n",
    ] {
        let error = parse(text).expect_err(text);
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_documented_sample_is_a_good_file() {
    let sample = include_str!("../../../host.example.toml");
    let file = parse(sample).expect("the sample is good");
    assert!(file.database.is_some() && !file.plugins.is_empty());
    // What is commented out is a good file too, with the other way to name a database.
    let limits = file.limits.list();
    let commented: String = sample
        .lines()
        .filter_map(|line| line.strip_prefix("#: "))
        .collect::<Vec<_>>()
        .join("\n");
    let all = parse(&format!("version = 1\n{commented}\n")).expect("the comments are good");
    assert_eq!(all.limits.list(), limits, "the sample shows the defaults");
}
