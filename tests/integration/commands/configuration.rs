//! `host.toml`: every mistake is told with its place, and what is right is obeyed.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use tests::{HostCommand, database, example, host, plugin};

use super::{folder, write};

/// A configuration file that only its owner can read.
fn config(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = write(folder, "host.toml", text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
    path
}

fn run(plugin: &str, config: &Path) -> HostCommand {
    host(["run", plugin, "--config"]).arg(config)
}

#[tokio::test]
async fn all_mistakes_are_told_at_once_with_their_places() {
    let folder = folder();
    let text = "\
version = 1
[database]
host = \"db.internal\"
prot = 26257
sslmode = \"verify-fill\"
password = \"hunter2\"
[limits]
timeout = 30
memory-bytes = \"256MB\"
[plugins.users]
path = \"users.wasm\"
grants = [\"read\"]
transaction = \"yes\"
";
    let path = config(folder.path(), text);
    for command in [
        host(["run", "users", "--config"]).arg(&path),
        host(["check", "--config"]).arg(&path),
        host(["inspect", "users", "--config"]).arg(&path),
        host(["compile", "users", "--config"]).arg(&path),
    ] {
        let finished = command.run().await;
        let place = |place: &str, message: &str| format!("{}:{place}: {message}", path.display());
        finished.expect(
            2,
            &[
                &place(
                    "4:1",
                    "`prot` is no connection parameter: did you mean `port`?",
                ),
                &place("5:11", ""),
                &place("8:11", "limit `timeout`: `30` is not an amount"),
                "did you mean `30s`?",
                &place("9:16", "limit `memory-bytes`: `256MB`"),
                "did you mean `256MiB`?",
                &place("12:11", "`read` is no grant: did you mean `reads`?"),
                &place(
                    "13:15",
                    "`transaction` takes true, false or a table, written { … }, and this is a text",
                ),
            ],
        );
        assert!(!finished.stderr.contains("hunter2"), "{}", finished.stderr);
        assert_eq!(finished.stdout, "");
    }
}

#[tokio::test]
async fn a_plugin_is_run_by_its_name_with_what_the_file_says() {
    let (folder, database) = (folder(), database().await);
    fs::copy(plugin("hello"), folder.path().join("hello.wasm")).expect("copied");
    let path = config(
        folder.path(),
        &format!(
            "version = 1\n[database]\nurl = \"{}\"\n[plugins.greeter]\npath = \"hello.wasm\"\ngrants = [\"sql\", \"session\"]\n\
             [plugins.nobody]\npath = \"hello.wasm\"\n",
            database.url()
        ),
    );
    let finished = run("greeter", &path).directory(Path::new("/")).run().await;
    finished.expect(0, &[]);
    assert!(finished.stdout.contains("Hello"), "{}", finished.stdout);
    run("nobody", &path).run().await.expect(3, &["--grant sql"]);
    run("greter", &path)
        .run()
        .await
        .expect(2, &["[plugins.greter]", "did you mean `greeter`?"]);

    for (plugin, grant) in [("greeter", ""), ("nobody", "--grant sql ")] {
        let inspected = host(["inspect", plugin, "--config"]).arg(&path).run().await;
        inspected.expect(0, &[]);
        let line = format!(
            "run it   host run --config {} {grant}{plugin}\n",
            path.display()
        );
        assert!(inspected.stdout.ends_with(&line), "{}", inspected.stdout);
    }
}

#[tokio::test]
async fn a_file_that_is_not_the_configured_one_is_refused() {
    let (folder, database) = (folder(), database().await);
    let hello = plugin("hello");
    let inspected = host(["inspect", "--json"]).arg(&hello).run().await.json();
    let digest = inspected["digest"].as_str().expect("a digest");
    let text = |digest: &str| {
        format!(
            "version = 1\n[database]\nurl = \"{}\"\n[plugins.hello]\npath = \"{}\"\ngrants = [\"all\"]\ndigest = \"{digest}\"\n",
            database.url(),
            hello.display()
        )
    };
    let right = config(folder.path(), &text(digest));
    run("hello", &right).run().await.expect(0, &[]);
    let other = format!("sha256:{}", "0".repeat(64));
    let wrong = config(folder.path(), &text(&other));
    for command in ["run", "inspect", "compile"] {
        let finished = host([command, "hello", "--config"]).arg(&wrong).run().await;
        finished.expect(3, &["is not the file that was configured", digest, &other]);
    }
}

#[tokio::test]
async fn flags_override_the_environment_which_overrides_the_file() {
    let (folder, database) = (folder(), database().await);
    let path = config(
        folder.path(),
        "version = 1\n[database]\nhost = \"127.0.0.1\"\nport = 1\n[limits]\ntimeout = \"250ms\"\n",
    );
    let guest = example("never_returns");
    let command = || {
        host(["run".as_ref(), guest.as_os_str()])
            .arg("--config")
            .arg(&path)
    };
    command().run().await.expect(8, &["127.0.0.1:1"]);
    command()
        .env("DATABASE_URL", "postgresql://root@127.0.0.1:2/x")
        .run()
        .await
        .expect(8, &["127.0.0.1:2"]);
    let flagged = || {
        command()
            .env("DATABASE_URL", "postgresql://root@127.0.0.1:2/x")
            .arg("--database-url")
            .arg(database.url())
    };
    flagged().run().await.expect(4, &["0.25 s"]);
    flagged()
        .arg("--timeout")
        .arg("400ms")
        .run()
        .await
        .expect(4, &["0.4 s"]);
}

#[tokio::test]
async fn a_secret_that_others_can_read_is_warned_of() {
    let (folder, database) = (folder(), database().await);
    let text = format!(
        "version = 1\n[database]\nurl = \"{}\"\npassword = \"hunter2\"\n",
        database.url()
    );
    let path = config(folder.path(), &text);
    let check = || host(["check", "--config"]).arg(&path).run();
    let private = check().await;
    private.expect(0, &[]);
    assert!(
        !private.stdout.contains("other users"),
        "{}",
        private.stdout
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("ours");
    let open = check().await;
    open.expect(0, &[]);
    assert!(
        open.stdout.contains("other users of this machine can read"),
        "{}",
        open.stdout
    );
    assert!(open.stdout.contains("chmod 600"), "{}", open.stdout);
    let hello = plugin("hello");
    let run = host(["run", "--grant", "all", "--config"])
        .arg(&path)
        .arg(&hello)
        .run()
        .await;
    run.expect(0, &["warning: other users of this machine", "chmod 600"]);
    for finished in [private, open, run] {
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_told() {
    let folder = folder();
    let binary = write(folder.path(), "binary.toml", b"version = 1\n\xff\xfe");
    for (path, words) in [
        ("/no/such/host.toml", "No such file"),
        ("/dev/zero", "it has more than 1048576 bytes"),
        ("/", "cannot read the configuration `/`"),
        (binary.to_str().expect("a path"), "UTF-8"),
    ] {
        host(["check", "--config", path])
            .run()
            .await
            .expect(2, &[words]);
    }
}
