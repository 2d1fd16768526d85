use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{LazyLock, Once},
};

/// A sample plugin of `plugins/`, built from source.
pub fn plugin(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        build(&[
            "--package",
            "hello",
            "--package",
            "import",
            "--package",
            "ledger",
            "--package",
            "users",
        ]);
    });
    component(&format!("{}.wasm", name.replace('-', "_")))
}

/// A guest of `tests/guests/`, built from source.
pub fn example(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| build(&["--package", "guests", "--examples"]));
    component(&format!("examples/{name}.wasm"))
}

/// Where cargo put a component.
fn component(path: &str) -> PathBuf {
    let path = target().join("wasm32-wasip2/plugin").join(path);
    assert!(path.exists(), "{} was not built", path.display());
    path
}

/// Where this workspace is built: cargo marks the folder, above the program that runs.
pub(crate) fn target() -> PathBuf {
    static TARGET: LazyLock<PathBuf> = LazyLock::new(|| {
        let program = std::env::current_exe().expect("this process has a program");
        let marked = |folder: &&Path| folder.join("CACHEDIR.TAG").exists();
        let target = program.ancestors().find(marked);
        target.expect("cargo built this program").to_owned()
    });
    TARGET.clone()
}

fn build(arguments: &[&str]) {
    cargo(
        &[
            &[
                "build",
                "--quiet",
                "--target",
                "wasm32-wasip2",
                "--profile",
                "plugin",
            ],
            arguments,
        ]
        .concat(),
    );
}

/// Runs cargo on the workspace, in the target folder that holds this test.
pub(crate) fn cargo(arguments: &[&str]) {
    let status = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--locked")
        .current_dir(crate::workspace())
        .env("CARGO_TARGET_DIR", target())
        .status()
        .expect("cargo runs");
    assert!(
        status.success(),
        "cargo {} failed; what it said is above",
        arguments.join(" ")
    );
}
