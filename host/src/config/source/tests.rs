use std::{io::Write as _, time::Duration};

use crate::{
    config::{Config, Environment, Flags, LimitFlag, Origin, Target},
    database::{Chaos, Isolation, RetryPolicy, TransactionOptions},
    tenancy::{Capability, Grants},
};

const FILE: &str = r#"
    version = 1
    [database]
    url = "postgresql://file@localhost/x?sslmode=disable"
    [limits]
    timeout = "1m"
    cpu = "2s"
    [plugins.users]
    path = "users.wasm"
    grants = ["reads"]
    settings = { region = "eu", size = "small" }
"#;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn flags(plugin: &str) -> Flags {
    Flags {
        plugin: plugin.into(),
        ..Flags::default()
    }
}

fn resolve(flags: &Flags, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment.iter().copied().collect::<Environment>();
    Config::resolve(flags, &environment)
        .map_err(|error| format!("{:#}", anyhow::Error::from(error)))
}

fn origin(config: &Config) -> Option<Origin> {
    match &config.database {
        Target::Server { origin, .. } => Some(*origin),
        Target::Development(_) => None,
    }
}

#[test]
fn flags_override_the_environment_and_the_environment_the_file() {
    let file = file(FILE);
    let url = "postgresql://root@localhost/x?sslmode=disable";
    let variables = [
        ("DATABASE_URL", url),
        ("PGHOST", "localhost"),
        ("PGSSLMODE", "disable"),
    ];
    let mut given = flags("a.wasm");
    assert_eq!(origin(&resolve(&given, &[]).expect("nothing")), None);
    given.config = Some(file.path().into());
    assert_eq!(
        origin(&resolve(&given, &[]).expect("file")),
        Some(Origin::File)
    );
    assert_eq!(
        origin(&resolve(&given, &variables[1..]).expect("PG*")),
        Some(Origin::Variables)
    );
    assert_eq!(
        origin(&resolve(&given, &variables).expect("URL")),
        Some(Origin::UrlVariable)
    );
    given.database_url = Some(url.to_owned().into());
    assert_eq!(
        origin(&resolve(&given, &variables).expect("flag")),
        Some(Origin::UrlFlag)
    );
}

#[test]
fn limits_of_flags_override_those_of_the_file() {
    let file = file(FILE);
    let mut given = flags("a.wasm");
    given.config = Some(file.path().into());
    given.limits = vec![LimitFlag {
        flag: "--timeout",
        name: "timeout".into(),
        value: "5s".into(),
    }];
    let limits = resolve(&given, &[]).expect("good").limits;
    assert_eq!(limits.runtime.timeout, Duration::from_secs(5));
    assert_eq!(limits.sandbox.cpu, Duration::from_secs(2));
    given.limits[0].value = "soon".into();
    let error = resolve(&given, &[]).expect_err("no duration");
    assert!(
        error.starts_with("--timeout: limit `timeout`: `soon` is not an amount"),
        "{error}"
    );
}

#[test]
fn everything_is_granted_on_the_development_database_only() {
    let mut given = flags("a.wasm");
    assert_eq!(
        resolve(&given, &[]).expect("development").grants,
        Grants::all()
    );
    let variables = [(
        "DATABASE_URL",
        "postgresql://root@localhost/x?sslmode=disable",
    )];
    assert_eq!(
        resolve(&given, &variables).expect("server").grants,
        Grants::standard()
    );
    given.grants = vec!["sql".into(), "schema".into()];
    let grants = resolve(&given, &variables).expect("server").grants;
    assert!(
        grants.allow(Capability::Sql)
            && grants.allow(Capability::Schema)
            && grants.allow(Capability::Reads)
    );
    given.grants = vec!["files".into()];
    let error = resolve(&given, &[]).expect_err("no such grant");
    assert!(error.starts_with("--grant: `files` is no grant"), "{error}");
}

#[test]
fn a_configured_plugin_has_its_path_grants_and_settings() {
    let file = file(FILE);
    let mut given = flags("users");
    given.config = Some(file.path().into());
    given.settings = vec![("size".into(), "large".into())];
    let config = resolve(&given, &[]).expect("good");
    assert_eq!(config.plugin.name, "users");
    assert_eq!(config.plugin.path, file.path().with_file_name("users.wasm"));
    assert_eq!(config.plugin.settings["region"], "eu");
    assert_eq!(config.plugin.settings["size"], "large");
    assert_eq!(
        config.grants.iter().collect::<Vec<_>>(),
        [Capability::Reads]
    );
}

#[test]
fn a_name_that_the_file_does_not_have_is_told_from_a_path() {
    let file = file(FILE);
    for (plugin, told) in [
        ("user", Some("did you mean `users`?")),
        ("nothing", Some("it has users")),
        ("nothing.wasm", None),
        ("./nothing", None),
    ] {
        let mut given = flags(plugin);
        given.config = Some(file.path().into());
        let error = resolve(&given, &[]).err();
        match told {
            Some(told) => assert!(error.is_some_and(|error| error.ends_with(told))),
            None => assert_eq!(error, None),
        }
    }
}

#[test]
fn the_cache_is_where_it_was_said_to_be() {
    let mut given = flags("a.wasm");
    let cache = |flags: &Flags, variables: &[(&str, &str)]| {
        let cache = resolve(flags, variables).expect("good").cache;
        cache.map(|path| path.display().to_string())
    };
    assert_eq!(cache(&given, &[]), None);
    let home = [("HOME", "/home/me")];
    let usual = "/home/me/.cache/chitin/components";
    assert_eq!(cache(&given, &home).as_deref(), Some(usual));
    given.cache_directory = Some("/srv/cache".into());
    assert_eq!(cache(&given, &home).as_deref(), Some("/srv/cache"));
}

#[test]
fn a_run_is_a_transaction_by_flag_or_by_configuration() {
    let mut given = flags("a.wasm");
    assert_eq!(resolve(&given, &[]).expect("good").transaction, None);
    given.transaction = true;
    let config = resolve(&given, &[]).expect("good");
    assert_eq!(config.transaction, Some(TransactionOptions::default()));
    assert_eq!(config.retry, RetryPolicy::default());

    let file = file(
        "version = 1\n[database]\nurl = \"postgresql://localhost/x?sslmode=disable\"\n[plugins.users]\npath = \"a\"\n\
         transaction = { isolation = \"read-committed\", timeout = \"3s\" }\nmax-retries = 7\n",
    );
    let mut given = flags("users");
    given.config = Some(file.path().into());
    let refused = resolve(&given, &[]).expect_err("not allowed");
    assert!(refused.contains("allow-read-committed = true"), "{refused}");
    given.allow_read_committed = true;
    let config = resolve(&given, &[]).expect("allowed");
    assert!(config.read_committed);
    let expected = TransactionOptions {
        isolation: Isolation::ReadCommitted,
        timeout: Some(Duration::from_secs(3)),
        ..TransactionOptions::default()
    };
    assert_eq!(config.transaction, Some(expected.clone()));
    assert_eq!(config.retry.max_retries(), 7);
    given.transaction = true;
    given.max_retries = Some(0);
    let config = resolve(&given, &[]).expect("both");
    assert_eq!(config.transaction, Some(expected), "the file says how");
    assert_eq!(config.retry.max_retries(), 0, "and the flag how often");
}

#[test]
fn a_share_of_chaos_is_a_number_from_0_to_1() {
    let mut given = flags("a.wasm");
    assert_eq!(resolve(&given, &[]).expect("none").chaos, Chaos::default());
    given.chaos = Some("0.2".into());
    let chaos = resolve(&given, &[]).expect("a share").chaos;
    assert_eq!(Ok(chaos), Chaos::new(0.2));
    for wrong in ["2", "-0.1", "20%", "NaN", "", "much"] {
        given.chaos = Some(wrong.into());
        let error = resolve(&given, &[]).expect_err(wrong);
        assert!(
            error.starts_with(&format!("--chaos: `{wrong}` is no share")),
            "{error}"
        );
    }
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let mut given = flags("a.wasm");
    given.tenant = Some("acme".into());
    assert!(
        resolve(&given, &[])
            .expect_err("not built")
            .contains("has no tenants yet")
    );
    given.tenant = Some("Acme!".into());
    assert!(
        resolve(&given, &[])
            .expect_err("no name")
            .starts_with("--tenant: `Acme!` is no tenant name")
    );
}
