//! Every exit code of `host run`, provoked for real, with what it says.

use std::{fs, time::Duration};

use tests::{Finished, HostCommand, cluster, database, example, host, plugin, wait_until};
use tokio::net::TcpListener;

/// `host run` of a guest of `tests/guests` on a fresh database, with every grant.
fn run_guest(guest: &str, url: &str) -> HostCommand {
    tests::run(&example(guest), url)
}

/// `host run` of the plugin `hello` on a database that the URL names.
fn hello(url: &str) -> HostCommand {
    tests::run(&plugin("hello"), url)
}

/// A password that must never be seen in any output.
const SECRET: &str = "canary-p@ss/w#rd";
const SECRET_IN_URL: &str = "canary-p%40ss%2Fw%23rd";

fn assert_no_secret(finished: &Finished) {
    let said = format!("{}{}", finished.stdout, finished.stderr);
    assert!(!said.contains("canary"), "a password was shown:\n{said}");
}

/// A login role with the secret password, over TCP.
async fn tcp_url(parameters: &str) -> String {
    let cluster = cluster();
    let role = tests::unique_name("login");
    let database = database().await;
    let client = database.client().await;
    client
        .simple_query(&format!("CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'"))
        .await
        .expect("a role");
    format!(
        "postgresql://{role}:{SECRET_IN_URL}@localhost:{}/postgres?{parameters}",
        cluster.port
    )
}

#[tokio::test]
async fn success_is_0_and_only_the_output_goes_to_stdout() {
    let database = database().await;
    let finished = hello(&database.url()).run().await;
    finished.expect(0, &["statements"]);
    assert!(finished.stdout.contains("Hello"), "{}", finished.stdout);
    assert_eq!(finished.stdout.lines().count(), 1, "{}", finished.stdout);
}

#[tokio::test]
async fn the_plugins_own_error_is_1() {
    let database = database().await;
    run_guest("returns_error", &database.url())
        .run()
        .await
        .expect(1, &["returns_error"]);
}

#[tokio::test]
async fn mistakes_in_sql_reach_the_plugin_with_their_names() {
    let database = database().await;
    let url = database.url();
    run_guest("bad_sql", &url)
        .run()
        .await
        .expect(1, &["syntax error", "42601"]);
    run_guest("missing_table", &url)
        .run()
        .await
        .expect(1, &["no_such_table", "42P01"]);
    run_guest("unique_violation", &url)
        .run()
        .await
        .expect(1, &["duplicate key", "23505"]);
    run_guest("wrong_value", &url)
        .run()
        .await
        .expect(1, &["amount", "bigint"]);
    run_guest("reads_too_much", &url)
        .run()
        .await
        .expect(1, &["result-rows", "10000"]);
}

#[tokio::test]
async fn usage_and_configuration_mistakes_are_2() {
    let database = database().await;
    let url = database.url();
    host(["run"]).run().await.expect(2, &["PLUGIN"]);
    hello("mysql://root@localhost/x")
        .run()
        .await
        .expect(2, &["`postgresql://`"]);
    hello("postgresql://root@localhost/x?sslmode=prefer")
        .run()
        .await
        .expect(2, &["prefer", "verify-full"]);
    hello("postgresql://root@localhost/x?no_such_parameter=1")
        .run()
        .await
        .expect(2, &["no_such_parameter"]);
    hello(&url)
        .arg("--input")
        .arg("{\"a\": ")
        .run()
        .await
        .expect(2, &["--input", "JSON"]);
    hello(&url)
        .arg("--input")
        .arg("@/no/such/file")
        .run()
        .await
        .expect(2, &["/no/such/file"]);
    hello(&url)
        .arg("--grant")
        .arg("files")
        .run()
        .await
        .expect(2, &["`files`", "`reads`"]);
    hello(&url)
        .arg("--timeout")
        .arg("soon")
        .run()
        .await
        .expect(2, &["soon"]);
}

#[tokio::test]
async fn a_bad_url_is_2_and_shows_no_password() {
    for url in [
        format!("postgresql://root:{SECRET}@localhost:port/x"),
        format!("postgresql://root:{SECRET_IN_URL}@localhost/x?sslmode=maybe"),
        format!("postgresql://root:{SECRET_IN_URL}@localhost:99999/x"),
    ] {
        let finished = hello(&url).run().await;
        finished.expect(2, &[]);
        assert_no_secret(&finished);
    }
}

#[tokio::test]
async fn what_cannot_be_a_plugin_is_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    };
    let run = |path: &std::path::Path| host(["run".as_ref(), path.as_os_str()]).run();

    run("/no/such/plugin.wasm".as_ref())
        .await
        .expect(3, &["/no/such/plugin.wasm"]);
    run(folder.path()).await.expect(3, &["directory"]);
    run(&file("empty.wasm", b"")).await.expect(3, &["empty"]);
    run(&file("garbage.wasm", b"not wasm at all"))
        .await
        .expect(3, &["it is text, and a plugin is a WebAssembly component"]);
    run(&file("text.wat", b"(component)"))
        .await
        .expect(3, &["text"]);
    run(&file("core.wasm", b"\0asm\x01\0\0\0"))
        .await
        .expect(3, &["core WebAssembly module", "wasm32-wasip2"]);
    run(&example("unknown_import"))
        .await
        .expect(3, &["evil:x/y"]);
    run(&example("no_export")).await.expect(3, &["`run`"]);
}

#[tokio::test]
async fn a_missing_grant_is_3_and_says_how_to_give_it() {
    let database = database().await;
    let component = plugin("hello");
    let finished = host(["run".as_ref(), component.as_os_str()])
        .arg("--database-url")
        .arg(database.url())
        .run()
        .await;
    finished.expect(3, &["sql", "--grant sql"]);
}

#[tokio::test]
async fn limits_and_deadlines_are_4() {
    let database = database().await;
    let url = database.url();
    run_guest("never_returns", &url)
        .arg("--limit")
        .arg("cpu=200ms")
        .run()
        .await
        .expect(4, &["cpu"]);
    run_guest("never_returns", &url)
        .arg("--timeout")
        .arg("500ms")
        .run()
        .await
        .expect(4, &["timeout"]);
    run_guest("eats_memory", &url)
        .arg("--memory")
        .arg("64MiB")
        .run()
        .await
        .expect(4, &["memory"]);
    run_guest("sleeps", &url)
        .arg("--timeout")
        .arg("500ms")
        .run()
        .await
        .expect(4, &["timeout"]);
    run_guest("floods_output", &url)
        .run()
        .await
        .expect(4, &["output"]);
}

#[tokio::test]
async fn a_trap_is_5() {
    let database = database().await;
    let url = database.url();
    run_guest("traps", &url)
        .run()
        .await
        .expect(5, &["unreachable"]);
    run_guest("recurses", &url)
        .run()
        .await
        .expect(5, &["stack"]);
}

#[tokio::test]
async fn a_database_that_is_down_is_8_with_its_cause_within_seconds() {
    // Bound and never accepting would hang; bound and closed is refused.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    let url = format!("postgresql://root:{SECRET_IN_URL}@127.0.0.1:{port}/x");
    let finished = hello(&url).run().await;
    finished.expect(8, &["refused", &format!("127.0.0.1:{port}")]);
    assert_no_secret(&finished);
}

#[tokio::test]
async fn a_login_that_fails_is_8_with_its_cause() {
    let good = tcp_url("sslmode=require").await;
    hello(&good).run().await.expect(0, &[]);

    let wrong = hello(&good.replace(SECRET_IN_URL, "canary-wrong"))
        .run()
        .await;
    wrong.expect(8, &["password"]);
    assert_no_secret(&wrong);

    let unknown = hello(&good.replace("/postgres?", "/no_such_database?"))
        .run()
        .await;
    unknown.expect(8, &["no_such_database"]);
    assert_no_secret(&unknown);
}

#[tokio::test]
async fn tls_that_cannot_be_verified_is_8() {
    let root = cluster().root_certificate.display();
    let finished = hello(&tcp_url("sslmode=verify-full").await).run().await;
    finished.expect(8, &["certificate"]);
    assert_no_secret(&finished);

    hello(&tcp_url(&format!("sslmode=verify-full&sslrootcert={root}")).await)
        .run()
        .await
        .expect(0, &[]);
    let by_address = tcp_url(&format!("sslmode=verify-full&sslrootcert={root}"))
        .await
        .replace("@localhost:", "@127.0.0.1:");
    hello(&by_address).run().await.expect(8, &["certificate"]);
    hello(&by_address.replace("verify-full", "verify-ca"))
        .run()
        .await
        .expect(0, &[]);
}

#[tokio::test]
async fn an_interrupt_is_130_and_cancels_the_statement_on_the_server() {
    let database = database().await;
    let client = database.client().await;
    let running =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND state = 'active'
                   AND datname = current_database() AND pid <> pg_backend_pid()";
    let sleeping = async || {
        client
            .query_one(running, &[])
            .await
            .expect("counted")
            .get::<_, i64>(0)
            > 0
    };

    for (signal, code) in [
        (rustix::process::Signal::INT, 130),
        (rustix::process::Signal::TERM, 143),
    ] {
        let child = run_guest("sleeps_in_database", &database.url()).start();
        wait_until("the statement runs", &sleeping).await;
        let pid = child
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
            .expect("it runs");
        rustix::process::kill_process(pid, signal).expect("it can be told");
        Finished::of(child).await.expect(code, &["interrupted"]);
        let still = tokio::time::timeout(Duration::from_secs(5), async {
            wait_until("the statement is gone", async || !sleeping().await).await;
        });
        still.await.expect("the statement was cancelled");
    }
}
