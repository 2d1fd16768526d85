//! What is refused, and with which words; what is accepted.

use std::sync::LazyLock;

use super::{Plugin, Refusal, Runtime};
use crate::{
    sandbox,
    tenancy::{Capability, Grants},
};

/// One for all tests: it sets address space aside.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let limits = sandbox::Limits {
        slots: 4,
        component_bytes: 100_000,
        ..sandbox::Limits::default()
    };
    Runtime::new(limits, None).expect("a runtime")
});

async fn load(bytes: impl Into<Vec<u8>>) -> Result<Plugin, Refusal> {
    RUNTIME
        .load("test", bytes.into(), &Grants::standard())
        .await
}

async fn load_text(text: &str) -> Result<Plugin, Refusal> {
    load(wat::parse_str(text).expect("valid text")).await
}

/// The sentence with which something is refused.
async fn refusal(bytes: impl Into<Vec<u8>>) -> String {
    load(bytes).await.expect_err("refused").to_string()
}

async fn refusal_of_text(text: &str) -> String {
    refusal(wat::parse_str(text).expect("valid text")).await
}

/// A plugin that returns its input, with more text in it, such as imports.
fn plugin(more: &str) -> String {
    format!(
        r#"(component {more}
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
                (func (export "run") (param i32 i32) (result i32)
                    (i32.store (i32.const 20) (local.get 0))
                    (i32.store (i32.const 24) (local.get 1))
                    i32.const 16))
            (core instance $i (instantiate $m))
            (func (export "run") (param "input" string) (result (result string (error string)))
                (canon lift (core func $i "run")
                    (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))"#
    )
}

/// A program that does nothing, under a name of an interface.
fn program(interface: &str) -> String {
    format!(
        r#"(component
            (core module $m (func (export "run") (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func $run (result (result)) (canon lift (core func $i "run")))
            (instance $r (export "run" (func $run)))
            (export "{interface}" (instance $r)))"#
    )
}

#[tokio::test]
async fn both_shapes_of_plugins_are_accepted() {
    let plugin = load_text(&plugin("")).await.expect("a plugin");
    assert!(!plugin.is_program());
    assert_eq!(plugin.needs().count(), 0);
    for version in ["0.2.0", "0.2.6", "0.2.12"] {
        let program = load_text(&program(&format!("wasi:cli/run@{version}"))).await;
        assert!(program.expect("a program").is_program());
    }
}

#[tokio::test]
async fn what_is_no_component_is_refused_with_what_it_is_and_what_to_do() {
    for (bytes, words) in [
        (
            b"".as_slice(),
            "it is empty, and a plugin is a WebAssembly component: build it again",
        ),
        (b"\0asm\x01\0\0\0", "it is a core WebAssembly module"),
        (
            b"\0asm\x01\0\0\0",
            "build it for the target `wasm32-wasip2`",
        ),
        (b"(component)", "it is WebAssembly in text form"),
        (
            b"\0asm\x0d\0",
            "it is a broken component (it ends within its header)",
        ),
        (
            b"\0asm\x0e\0\x01\0",
            "of a version that this host does not know",
        ),
        (
            b"#!/bin/sh\n",
            "it is a script, and a plugin is a WebAssembly component",
        ),
        (
            b"\x7fELF\x02\x01\x01\0",
            "it is a native program or library (ELF)",
        ),
        (b"hello", "it is text"),
        (b"\xff\xfe\xfd", "it is binary data of an unknown kind"),
    ] {
        let sentence = refusal(bytes).await;
        assert!(sentence.contains(words), "{sentence}");
    }
    let sentence = refusal(vec![b' '; 100_001]).await;
    assert!(
        sentence.starts_with(
            "it has 100001 bytes, and a plugin may have 100000 (limit `component-bytes`)"
        ),
        "{sentence}"
    );
}

#[tokio::test]
async fn machine_code_is_refused_even_of_this_very_host() {
    let bytes = wat::parse_str(plugin("")).expect("valid text");
    let component = RUNTIME.compiler.compile(&bytes).expect("compiles");
    let code = component.serialize().expect("serialises");
    let small = code[..code.len().min(100_000)].to_vec();
    let sentence = refusal(small).await;
    assert!(
        sentence.starts_with("it is a compiled component (.cwasm)"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_component_that_is_cut_anywhere_is_refused() {
    let bytes = wat::parse_str(plugin("")).expect("valid text");
    load(bytes.clone()).await.expect("whole");
    let mut whole = 0;
    for length in 0..bytes.len() {
        whole += usize::from(load(&bytes[..length]).await.is_ok());
    }
    assert!(whole <= 1, "only the names at the end may be missing");
    let sentence = refusal(&bytes[..bytes.len() / 2]).await;
    assert!(
        sentence.starts_with("it is a broken component ("),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_component_that_is_changed_anywhere_is_no_harm() {
    let bytes = wat::parse_str(plugin("")).expect("valid text");
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 0x15;
        drop(load(changed).await);
    }
}

#[tokio::test]
async fn a_component_without_an_entry_is_refused_with_what_it_exports() {
    let sentence = refusal_of_text("(component)").await;
    assert!(
        sentence.contains("exports neither `run` nor `wasi:cli/run`, but nothing"),
        "{sentence}"
    );
    let sentence = refusal_of_text(&program("wasi:http/incoming-handler@0.2.0")).await;
    assert!(
        sentence.contains("but `wasi:http/incoming-handler@0.2.0`"),
        "{sentence}"
    );
    assert!(
        sentence.contains("export `run: func(input: string) -> result<string, string>`"),
        "{sentence}"
    );
    let sentence = refusal_of_text(&program("wasi:cli/run@0.3.0")).await;
    assert!(sentence.contains("but `wasi:cli/run@0.3.0`"), "{sentence}");
}

#[tokio::test]
async fn a_run_of_another_type_is_refused_with_both_types() {
    let sentence = refusal_of_text(
        r#"(component
            (core module $m (func (export "run") (param i32) (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func (export "run") (param "n" u32) (result bool) (canon lift (core func $i "run"))))"#,
    )
    .await;
    assert_eq!(
        sentence,
        "its export `run` is `func(n: u32) -> bool`, and the host calls \
         `func(input: string) -> result<string, string>`: change its type"
    );
    let sentence =
        refusal_of_text(r#"(component (instance $i) (export "run" (instance $i)))"#).await;
    assert!(sentence.contains("`run` is `an interface`"), "{sentence}");
}

#[tokio::test]
async fn imports_that_are_not_offered_are_refused_by_name() {
    for import in [
        "wasi:http/outgoing-handler@0.2.0",
        "acme:tools/clock@1.0.0",
        "chitin:db/files@0.1.0",
        "plain",
    ] {
        let text = plugin(&format!(r#"(import "{import}" (instance))"#));
        let sentence = refusal_of_text(&text).await;
        assert!(
            sentence.starts_with(&format!(
                "it imports `{import}`, which this host does not offer; it offers `chitin:db@0.1.0`"
            )),
            "{sentence}"
        );
    }
}

#[tokio::test]
async fn imports_of_another_version_are_refused_with_the_version_offered() {
    for (import, offered) in [
        ("chitin:db/reads@0.2.0", "0.1.0"),
        ("chitin:db/types@0.3.0", "0.1.0"),
        ("wasi:logging/logging@0.2.0", "0.1.0-draft"),
        ("wasi:cli/stdout@0.3.0", "0.2"),
        ("wasi:cli/stdout@0.2.0-rc-2023-11-10", "0.2"),
    ] {
        let text = plugin(&format!(r#"(import "{import}" (instance))"#));
        assert_eq!(
            refusal_of_text(&text).await,
            format!(
                "it imports `{import}`, and this host offers version {offered} of it: build the plugin for that version"
            )
        );
    }
}

#[tokio::test]
async fn imports_that_were_not_granted_are_refused_with_the_grant() {
    let text = plugin(
        r#"(import "chitin:db/sql@0.1.0" (instance))
           (import "chitin:db/reads@0.1.0" (instance))
           (import "chitin:db/schema@0.1.0" (instance))"#,
    );
    assert_eq!(
        refusal_of_text(&text).await,
        "it imports `chitin:db/sql@0.1.0`, `chitin:db/schema@0.1.0`, which it was not granted: \
         if it is to have that, run it with `--grant sql,schema`"
    );
    let bytes = wat::parse_str(text).expect("valid text");
    let plugin = RUNTIME.load("test", bytes, &Grants::all()).await;
    assert_eq!(
        plugin.expect("granted").needs().collect::<Vec<_>>(),
        [Capability::Reads, Capability::Sql, Capability::Schema]
    );
}

#[tokio::test]
async fn every_interface_that_is_offered_can_be_imported() {
    let mut imports: Vec<_> = Capability::ALL
        .iter()
        .filter(|capability| **capability != Capability::Logging)
        .map(|capability| format!("chitin:db/{capability}@0.1.0"))
        .collect();
    imports.extend(
        [
            "chitin:db/types@0.1.0",
            "wasi:logging/logging@0.1.0-draft",
            "wasi:cli/stdout@0.2.6",
            "wasi:clocks/wall-clock@0.2.9",
            "wasi:filesystem/preopens@0.2.0",
            "wasi:io/poll@0.2.12",
            "wasi:random/random@0.2.3",
            "wasi:sockets/tcp@0.2.3",
        ]
        .map(str::to_owned),
    );
    for import in imports {
        let text = plugin(&format!(r#"(import "{import}" (instance))"#));
        let bytes = wat::parse_str(text).expect("valid text");
        let plugin = RUNTIME.load("test", bytes, &Grants::all()).await;
        assert!(plugin.is_ok(), "{import}: {plugin:?}");
    }
}

#[tokio::test]
async fn an_interface_with_other_contents_is_refused_with_the_difference() {
    let text = plugin(r#"(import "chitin:db/session@0.1.0" (instance (export "fly" (func))))"#);
    let sentence = refusal_of_text(&text).await;
    assert!(
        sentence.starts_with("one of its imports is not as this host has it ("),
        "{sentence}"
    );
    assert!(sentence.contains("fly"), "{sentence}");
}

#[tokio::test]
async fn what_asks_for_more_than_the_limits_is_refused_before_it_runs() {
    let instances = "(core instance (instantiate $n))".repeat(65);
    let text = plugin(&format!("(core module $n) {instances}"));
    let sentence = refusal_of_text(&text).await;
    assert!(
        sentence.contains("asks for more than the limits"),
        "{sentence}"
    );
    assert!(sentence.contains("66 core module instances"), "{sentence}");
    let memories = "(memory 1)".repeat(9);
    let text = plugin(&format!(
        "(core module $n {memories}) (core instance (instantiate $n))"
    ));
    let sentence = refusal_of_text(&text).await;
    assert!(
        sentence.contains("asks for more than the limits"),
        "{sentence}"
    );
    let text = plugin("(core module $n (memory 5000)) (core instance (instantiate $n))");
    let sentence = refusal_of_text(&text).await;
    assert!(
        sentence.contains("asks for more than the limits"),
        "{sentence}"
    );
    let text = plugin("(core module $n (table 10000000 funcref)) (core instance (instantiate $n))");
    let sentence = refusal_of_text(&text).await;
    assert!(
        sentence.contains("asks for more than the limits"),
        "{sentence}"
    );
}
