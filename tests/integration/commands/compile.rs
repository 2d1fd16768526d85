//! `host compile`: the cache is filled ahead of time, and nothing but what the host put there is used.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tests::{Finished, HostCommand, database, host, plugin};

use super::{folder, write};

fn compile(cache: &Path, plugins: &[&Path]) -> HostCommand {
    let command = host(["compile", "--json", "--cache-dir"]).arg(cache);
    plugins.iter().fold(command, HostCommand::arg)
}

/// Runs the plugin `hello` with this cache, and says what the host logged about compiling.
async fn run(cache: &Path, url: &str, more: &[&str]) -> Finished {
    let command = tests::run(&plugin("hello"), url)
        .arg("--cache-dir")
        .arg(cache)
        .env("RUST_LOG", "host=debug");
    more.iter().fold(command, HostCommand::arg).run().await
}

const FROM_CACHE: &str = "component taken from the cache";
const COMPILED: &str = "component compiled";
const IGNORED: &str = "cache entry ignored";

fn entry(cache: &Path) -> PathBuf {
    let files = fs::read_dir(cache).expect("a cache");
    let mut entries = files
        .map(|file| file.expect("a file").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "cwasm")
        });
    let entry = entries.next().expect("an entry");
    assert_eq!(entries.next(), None);
    entry
}

#[tokio::test]
async fn what_was_compiled_ahead_is_not_compiled_by_the_run() {
    let (folder, database) = (folder(), database().await);
    let cache = folder.path().join("cache");
    let hello = plugin("hello");
    let first = compile(&cache, &[&hello]).run().await;
    let first = first.expect(0, &[]).json();
    assert_eq!(first["compiled"], true);
    let key = first["key"].as_str().expect("a key");
    assert_eq!(entry(&cache), cache.join(format!("{key}.cwasm")));
    let size = fs::metadata(entry(&cache)).expect("it is there").len();
    // The code that authenticates it stands before it.
    assert_eq!(first["code_bytes"].as_u64(), Some(size - 32));
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&cache), mode(&entry(&cache))), (0o700, 0o600));

    let again = compile(&cache, &[&hello]).run().await;
    let again = again.expect(0, &[]).json();
    assert_eq!(
        (&again["compiled"], &again["key"]),
        (&false.into(), &first["key"])
    );

    for more in [
        &[] as &[_],
        &["--memory", "64MiB", "--limit", "stack-bytes=256KiB"],
    ] {
        let finished = run(&cache, &database.url(), more).await;
        finished.expect(0, &[FROM_CACHE]);
        assert!(!finished.stderr.contains(COMPILED), "{}", finished.stderr);
    }
    let elsewhere = folder.path().join("elsewhere");
    run(&elsewhere, &database.url(), &[])
        .await
        .expect(0, &[COMPILED]);
}

#[tokio::test]
async fn code_from_the_cache_is_held_to_the_limits_of_today() {
    let folder = folder();
    let cache = folder.path().join("cache");
    let text = "(component (core module $m (memory 1600)) (core instance (instantiate $m)))";
    let bytes = wat::parse_str(text).expect("valid text");
    let greedy = write(folder.path(), "greedy.wasm", bytes);
    compile(&cache, &[&greedy]).run().await.expect(0, &[]);
    let lower = || {
        compile(&cache, &[&greedy])
            .arg("--limit")
            .arg("memory-bytes=64MiB")
    };
    let words = &[
        "asks for more than the limits give",
        "104857600",
        "0x4000000",
    ];
    lower().run().await.expect(3, words);
    assert!(entry(&cache).exists());
}

#[tokio::test]
async fn a_changed_or_foreign_entry_is_ignored_and_replaced() {
    let (folder, database) = (folder(), database().await);
    let (cache, foreign) = (folder.path().join("a"), folder.path().join("b"));
    let hello = plugin("hello");
    for cache in [&cache, &foreign] {
        compile(cache, &[&hello]).run().await.expect(0, &[]);
    }
    let (ours, theirs) = (entry(&cache), entry(&foreign));
    let good = fs::read(&ours).expect("an entry");
    let mut changed = good.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let foreign = fs::read(theirs).expect("an entry");
    for bad in [changed, foreign, b"not code".to_vec(), Vec::new()] {
        fs::write(&ours, &bad).expect("ours");
        let finished = run(&cache, &database.url(), &[]).await;
        finished.expect(0, &[IGNORED, COMPILED]);
        let finished = run(&cache, &database.url(), &[]).await;
        finished.expect(0, &[FROM_CACHE]);
        assert!(!finished.stderr.contains(IGNORED), "{}", finished.stderr);
        assert_ne!(fs::read(&ours).expect("an entry"), bad);
    }
}

#[tokio::test]
async fn machine_code_is_refused_as_a_plugin() {
    let folder = folder();
    let cache = folder.path().join("cache");
    compile(&cache, &[&plugin("hello")])
        .run()
        .await
        .expect(0, &[]);
    let code = fs::read(entry(&cache)).expect("an entry").split_off(32);
    let code = write(folder.path(), "hello.cwasm", code);
    let words = &[
        "hello.cwasm",
        "runs no machine code that it did not make itself",
    ];
    for command in ["run", "inspect", "compile"] {
        let finished = host([command.as_ref(), code.as_os_str()]).run().await;
        finished.expect(3, words);
    }
}

#[tokio::test]
async fn each_of_several_plugins_is_told_apart() {
    let folder = folder();
    let cache = folder.path().join("cache");
    let broken = write(folder.path(), "broken.wasm", b"\0asm\x0d\0\x01\0broken");
    let missing = folder.path().join("missing.wasm");
    let plugins = [&plugin("hello"), &broken, &missing, &plugin("users")];
    let finished = compile(&cache, &plugins.map(PathBuf::as_path)).run().await;
    finished.expect(
        3,
        &[
            "broken.wasm",
            "broken component",
            "missing.wasm",
            "No such file",
        ],
    );
    let files: Vec<_> = finished
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|line| line["file"].as_str().expect("a path").to_owned())
        .collect();
    assert_eq!(files.len(), 2);
    assert!(files[0].ends_with("hello.wasm") && files[1].ends_with("users.wasm"));

    let plain = host(["compile"])
        .arg(plugin("hello"))
        .arg("--cache-dir")
        .arg(&cache)
        .run()
        .await;
    plain.expect(0, &[]);
    assert!(
        plain.stdout.contains("in the cache already"),
        "{}",
        plain.stdout
    );
}

#[tokio::test]
async fn a_cache_that_cannot_be_trusted_is_refused() {
    let folder = folder();
    let open = folder.path().join("open");
    fs::create_dir(&open).expect("made");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("ours");
    compile(&open, &[&plugin("hello")])
        .run()
        .await
        .expect(2, &["open", "chmod", "--cache-dir"]);
    let nowhere = host(["compile"]).arg(plugin("hello")).env("HOME", "");
    nowhere
        .run()
        .await
        .expect(2, &["HOME is not set", "--cache-dir"]);
}
