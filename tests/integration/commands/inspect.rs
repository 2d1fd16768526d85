//! `host inspect`: what a file is and needs, without running any of it and without a database.

use std::{fs::File, path::Path};

use tests::{Finished, example, host, plugin};

use super::{assert_printable, folder, texts, write};

async fn inspect(path: &Path) -> Finished {
    // A database that would be noticed.
    host(["inspect".as_ref(), path.as_os_str()])
        .env("DATABASE_URL", "no URL at all")
        .run()
        .await
}

async fn inspect_json(path: &Path) -> (Finished, serde_json::Value) {
    let finished = host(["inspect".as_ref(), "--json".as_ref(), path.as_os_str()])
        .run()
        .await;
    let json = finished.json();
    assert_eq!(finished.stdout.lines().count(), 1);
    (finished, json)
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("valid text")
}

#[tokio::test]
async fn a_plugin_is_told_with_the_flag_that_runs_it() {
    let hello = plugin("hello");
    let finished = inspect(&hello).await;
    finished.expect(0, &[]);
    assert_eq!(finished.stderr, "");
    let line = |word: &str| {
        let found = finished.stdout.lines().find(|line| line.starts_with(word));
        found.unwrap_or_else(|| panic!("{word} is not in {}", finished.stdout))
    };
    assert_eq!(line("kind"), "kind     component");
    assert_eq!(line("world"), "world    plugin");
    assert_eq!(
        line("exports"),
        "exports  run: func(input: string) -> result<string, string>"
    );
    assert_eq!(
        line("run it"),
        format!("run it   host run --grant sql {}", hello.display())
    );
    assert!(finished.stdout.contains("chitin:db/sql@0.1.0"));
    assert!(finished.stdout.contains("needs --grant sql"));
    assert!(finished.stdout.contains("wit-component"));

    // The flag is the right one: without it the host refuses the plugin before it asks a database for anything.
    let nowhere = "postgresql://root@127.0.0.1:1/x";
    let run = |grant: &[&str]| {
        let command = host(["run"]).arg(&hello).arg("--database-url").arg(nowhere);
        grant.iter().fold(command, tests::HostCommand::arg).run()
    };
    run(&[]).await.expect(3, &["--grant sql"]);
    run(&["--grant", "sql"]).await.expect(8, &["127.0.0.1:1"]);
}

#[tokio::test]
async fn a_plugin_is_told_to_programs() {
    let users = plugin("users");
    let (finished, users_json) = inspect_json(&users).await;
    finished.expect(0, &[]);
    let bytes = std::fs::read(&users).expect("it is there");
    assert_eq!(users_json["kind"], "component");
    assert_eq!(users_json["bytes"], bytes.len());
    assert_eq!(
        users_json["digest"],
        format!("sha256:{}", host::runtime::digest(&bytes))
    );
    assert_eq!(users_json["world"], "plugin");
    assert_eq!(users_json["refusal"], serde_json::Value::Null);
    let grants = users_json["needed_grants"].as_array().expect("a list");
    assert!(grants.contains(&"schema".into()), "{grants:?}");
    let standings = texts(&users_json, "imports", "standing");
    let names = texts(&users_json, "imports", "name");
    let standing = |name: &str| names.iter().position(|other| *other == name);
    let standing = |name: &str| standing(name).map(|place| standings[place]);
    assert_eq!(standing("chitin:db/types@0.1.0"), Some("free"));
    assert_eq!(standing("chitin:db/reads@0.1.0"), Some("granted"));
    assert_eq!(standing("chitin:db/schema@0.1.0"), Some("needs-grant"));

    let (program, program_json) = inspect_json(&example("echo_program")).await;
    program.expect(0, &[]);
    assert_eq!(program_json["world"], "command");
}

#[tokio::test]
async fn what_cannot_be_had_is_named() {
    let finished = inspect(&example("unknown_import")).await;
    finished.expect(3, &["`evil:x/y`", "does not offer"]);
    let line = finished
        .stdout
        .lines()
        .find(|line| line.contains("evil:x/y"));
    assert!(line.is_some_and(|line| line.ends_with("cannot be had")));
    assert!(!finished.stdout.contains("run it"));

    let folder = folder();
    let other = component(
        r#"(component (import "chitin:db/reads@0.9.0" (instance)) (import "wasi:cli/environment@0.3.0" (instance)))"#,
    );
    let (finished, json) = inspect_json(&write(folder.path(), "a.wasm", other)).await;
    finished.expect(3, &["exports neither `run` nor `wasi:cli/run`"]);
    assert_eq!(
        texts(&json, "imports", "standing"),
        ["other-version", "other-version"]
    );
    assert_eq!(texts(&json, "imports", "offered_version"), ["0.1.0", "0.2"]);
}

#[tokio::test]
async fn a_limit_that_would_be_exceeded_is_named() {
    let folder = folder();
    let greedy =
        component("(component (core module $m (memory 4800)) (core instance (instantiate $m)))");
    let path = write(folder.path(), "greedy.wasm", greedy);
    let (finished, json) = inspect_json(&path).await;
    finished.expect(3, &["asks for more than the limits give"]);
    assert_eq!(texts(&json, "exceeded_limits", "name"), ["memory-bytes"]);
    assert_eq!(json["exceeded_limits"][0]["needed"], 4800 << 16);

    let finished = host(["inspect".as_ref(), path.as_os_str()])
        .arg("--limit")
        .arg("memory-bytes=512MiB")
        .run()
        .await;
    finished.expect(3, &["exports neither `run`"]);
    assert!(!finished.stdout.contains("exceeds"), "{}", finished.stdout);
}

#[tokio::test]
async fn what_is_no_component_is_told_as_what_it_is() {
    let folder = folder();
    let core = component("(module (memory 1) (@producers (language \"Zig\" \"0.14\")))");
    for (name, bytes, kind, words) in [
        ("empty.wasm", b"" as &[u8], "unknown", "it is empty"),
        (
            "cut.wasm",
            b"\0asm\x0d",
            "unknown",
            "it ends within its header",
        ),
        ("text.wat", b"(component)", "WebAssembly text", "text form"),
        ("notes.txt", b"hello", "unknown", "it is text"),
        ("program", b"\x7fELF\x02\x01", "unknown", "ELF"),
        (
            "core.wasm",
            &core,
            "core module",
            "wasm-tools component new",
        ),
        (
            "zeros",
            &[0; 1000],
            "unknown",
            "binary data of an unknown kind",
        ),
    ] {
        let finished = inspect(&write(folder.path(), name, bytes)).await;
        finished.expect(3, &[words, name]);
        let told = format!("kind     {kind}\n");
        assert!(finished.stdout.contains(&told), "{}", finished.stdout);
        assert_printable(&finished);
        if name == "core.wasm" {
            assert!(finished.stdout.contains("made by  Zig 0.14 (language)"));
        }
    }
    inspect(folder.path())
        .await
        .expect(3, &["it is a directory"]);
    inspect(Path::new("/no/such/file"))
        .await
        .expect(3, &["/no/such/file"]);
    inspect(Path::new("/dev/zero"))
        .await
        .expect(3, &["not a regular file"]);
    let huge = folder.path().join("huge.wasm");
    let file = File::create(&huge).expect("made");
    file.set_len(1 << 40).expect("sparse");
    inspect(&huge).await.expect(3, &["limit `component-bytes`"]);
}

#[tokio::test]
async fn broken_and_hostile_components_are_refused_in_printable_words() {
    let folder = folder();
    let good = std::fs::read(plugin("hello")).expect("it is there");
    for length in [9, 50, 1_000, good.len() / 2, good.len() - 1] {
        let cut = write(folder.path(), "cut.wasm", &good[..length]);
        let finished = inspect(&cut).await;
        finished.expect(3, &["broken component"]);
        assert_printable(&finished);
    }
    let escapes =
        r#"(component (@custom "producers" "\01\03sdk\01\0a\1b[2J\1b[31mx\0a\03\e2\80\ae"))"#;
    let import = r#"(component (import "a:b/\1b[31mc\0aerror: all is well" (instance)))"#;
    for (name, bytes) in [
        ("nested.wasm", nested(5_000)),
        ("escapes.wasm", component(escapes)),
        ("import.wasm", component(import)),
    ] {
        let finished = inspect(&write(folder.path(), name, bytes)).await;
        finished.expect(3, &[name]);
        assert_printable(&finished);
        assert!(!finished.stderr.contains("panic"), "{}", finished.stderr);
    }
}

/// A component within a component within a component, and so on.
fn nested(depth: usize) -> Vec<u8> {
    let header = b"\0asm\x0d\0\x01\0";
    let mut component = header.to_vec();
    for _ in 0..depth {
        let mut outer = header.to_vec();
        outer.push(4);
        let mut length = component.len();
        while length >= 0x80 {
            outer.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
            length >>= 7;
        }
        outer.push(u8::try_from(length).expect("seven bits"));
        outer.append(&mut component);
        component = outer;
    }
    component
}

#[tokio::test]
async fn a_plugin_with_operations_is_told_apart() {
    let folder = folder();
    let bytes = component(
        r#"(component
            (core module $code
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
                (func (export "run") (param i32 i32) (result i32) unreachable)
                (func (export "operation") (param i32 i32 i32 i32) (result i32) unreachable))
            (core instance $code (instantiate $code))
            (func $run (param "input" string) (result (result string (error string)))
                (canon lift (core func $code "run") (memory (core memory $code "memory")) (realloc (core func $code "realloc"))))
            (func $operation (param "name" string) (param "input" string) (result (result string (error string)))
                (canon lift (core func $code "operation") (memory (core memory $code "memory")) (realloc (core func $code "realloc"))))
            (export "run" (func $run))
            (export "operation" (func $operation)))"#,
    );
    let path = write(folder.path(), "ledger.wasm", bytes);
    let finished = inspect(&path).await;
    finished.expect(0, &[]);
    for line in [
        "world    transactional-plugin\n",
        "operation: func(name: string, input: string) -> result<string, string>\n",
    ] {
        assert!(finished.stdout.contains(line), "{}", finished.stdout);
    }
    let (_, json) = inspect_json(&path).await;
    assert_eq!(json["world"], "transactional-plugin");
    let version = host(["--version", "--json"]).run().await.json();
    let features = version["features"].as_array().expect("a list");
    assert!(features.contains(&"world:transactional-plugin".into()));
}
