//! The sample `ledger`: what it promises to one, and to many at once.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them"
)]

use futures_util::{StreamExt as _, stream};
use host::{
    database::{Chaos, RetryPolicy},
    runtime::{End, Outcome, Request},
};
use serde_json::{Value, json};
use tests::{Bench, TestDatabase, answer, database, plugin, request};

/// The ledger on a database of its own.
struct Ledger {
    database: TestDatabase,
    plugin: Bench,
}

fn transfer(key: &str, payer: &str, payee: &str, amount: i64) -> Value {
    json!({ "transfer": { "key": key, "payer": payer, "payee": payee, "amount": amount } })
}

/// Makes the tables, as an operator does.
async fn make_tables(database: &TestDatabase) {
    let tables = tests::host(["run".as_ref(), plugin("ledger_tables").as_os_str()]);
    let tables = tables.arg("--database-url").arg(database.url());
    let finished = tables.arg("--grant").arg("schema").run().await;
    let made = finished.expect(0, &[]).json();
    assert_eq!(
        made,
        json!({ "accounts": true, "transfers": true, "entries": true })
    );
}

impl Ledger {
    /// With these accounts, and 100 on each that comes from `cash`.
    async fn with_accounts(accounts: &[&str]) -> Self {
        let database = database().await;
        make_tables(&database).await;
        let plugin = Bench::load(&plugin("ledger"), database.connect().await).await;
        let ledger = Self { database, plugin };
        let cash = json!({ "open": { "account": "cash", "may_overdraw": true } });
        assert_eq!(ledger.tell(cash).await["balance"], 0);
        for account in accounts {
            ledger.tell(json!({ "open": { "account": account } })).await;
            let key = format!("deposit for {account}");
            ledger.tell(transfer(&key, "cash", account, 100)).await;
        }
        ledger
    }

    async fn run(&self, command: &Value) -> Outcome {
        self.plugin.run(request(command.to_string())).await
    }

    async fn tell(&self, command: Value) -> Value {
        answer(&self.run(&command).await.end)
    }

    /// Asserts that the ledger refuses with these words.
    async fn refuse(&self, command: Value, words: &str) {
        let end = self.run(&command).await.end;
        let is_refused = matches!(&end, End::PluginError(message) if message.contains(words));
        assert!(is_refused, "{command} does not say {words:?}: {end}");
    }

    async fn balance(&self, account: &str) -> i64 {
        let account = self.tell(json!({ "balance": account })).await;
        account["balance"].as_i64().expect("a number")
    }

    /// Sixteen at a time, with a share of attempts that fail on purpose, each as often as its attempts are used up: what a caller
    /// would do.
    async fn all_at_once(&self, orders: Vec<Value>, chaos: f64) -> Vec<End> {
        let perform = async |order: Value| {
            loop {
                let order = Request {
                    retry: RetryPolicy::default().with_max_retries(30),
                    chaos: Chaos::new(chaos).expect("a share"),
                    ..request(order.to_string())
                };
                let end = self.plugin.run(order).await.end;
                if !end.to_string().contains("gave up after") {
                    return end;
                }
            }
        };
        stream::iter(orders)
            .map(perform)
            .buffer_unordered(16)
            .collect()
            .await
    }

    /// What must hold whatever happened: money is neither made nor lost, nobody owes any who may not, and the entries of every account are
    /// numbered without a gap, add up to its balance, and are two for each transfer.
    async fn is_sound(&self) {
        let client = self.database.client().await;
        for (what, wrong) in [
            ("the sum is 0", "SELECT sum(balance) FROM accounts HAVING sum(balance) <> 0"),
            ("no overdraft", "SELECT id FROM accounts WHERE balance < 0 AND NOT may_overdraw"),
            (
                "entries are numbered and add up",
                "SELECT a.id FROM accounts a LEFT JOIN entries e ON e.account = a.id GROUP BY a.id, a.balance, a.entries
                 HAVING a.entries <> count(e.number) OR a.entries <> coalesce(max(e.number), 0) OR a.balance <> coalesce(sum(e.amount), 0)",
            ),
            (
                "each entry has the balance after it",
                "SELECT account FROM (SELECT account, balance, sum(amount) OVER (PARTITION BY account ORDER BY number) AS after FROM entries) e
                 WHERE balance <> after",
            ),
            (
                "two entries for each transfer",
                "SELECT t.key FROM transfers t LEFT JOIN entries e ON e.transfer = t.key GROUP BY t.key HAVING count(e.number) <> 2 OR sum(e.amount) <> 0",
            ),
        ] {
            let wrong = client.query(wrong, &[]).await.expect("asked");
            assert!(wrong.is_empty(), "{what}: {wrong:?}");
        }
    }
}

#[tokio::test]
async fn a_transfer_moves_money_and_is_on_both_statements() {
    let ledger = Ledger::with_accounts(&["alice", "bob"]).await;
    let receipt = ledger.tell(transfer("rent", "alice", "bob", 30)).await;
    assert_eq!(
        (
            &receipt["key"],
            &receipt["payer"],
            &receipt["payee"],
            &receipt["amount"]
        ),
        (&json!("rent"), &json!("alice"), &json!("bob"), &json!(30))
    );
    let balances = ledger
        .tell(json!({ "balances": ["cash", "bob", "alice"] }))
        .await;
    let balances: Vec<_> = balances
        .as_array()
        .expect("a list")
        .iter()
        .map(|account| json!([account["id"], account["balance"]]))
        .collect();
    assert_eq!(
        json!(balances),
        json!([["alice", 70], ["bob", 130], ["cash", -200]])
    );

    let statement = ledger
        .tell(json!({ "statement": { "account": "alice" } }))
        .await;
    assert_eq!(statement["account"]["balance"], 70);
    let entry = |place: usize| {
        let entry = &statement["entries"][place];
        json!([
            entry["number"],
            entry["transfer"],
            entry["other"],
            entry["amount"],
            entry["balance"]
        ])
    };
    assert_eq!(entry(0), json!([2, "rent", "bob", -30, 70]));
    assert_eq!(entry(1), json!([1, "deposit for alice", "cash", 100, 100]));
    assert_eq!(statement["entries"][0]["made_at"], receipt["made_at"]);

    let page = json!({ "statement": { "account": "bob", "before": 2, "limit": 5 } });
    let page = ledger.tell(page).await;
    assert_eq!(page["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["entries"][0]["transfer"], "deposit for bob");
    ledger.is_sound().await;
}

#[tokio::test]
async fn the_same_key_moves_money_once() {
    let ledger = Ledger::with_accounts(&["alice", "bob"]).await;
    let order = transfer("rent", "alice", "bob", 30);
    let receipt = ledger.tell(order.clone()).await;
    assert_eq!(ledger.tell(order).await, receipt);
    for other in [
        transfer("rent", "alice", "bob", 31),
        transfer("rent", "bob", "alice", 30),
    ] {
        let words = "the key `rent` is taken by another transfer, of 30 from `alice` to `bob`";
        ledger.refuse(other, words).await;
    }
    assert_eq!(ledger.balance("bob").await, 130);
    ledger.is_sound().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_leaves_no_trace() {
    let ledger = Ledger::with_accounts(&["alice", "bob"]).await;
    for (order, words) in [
        (
            transfer("k", "alice", "bob", 101),
            "account `alice` has 100: it cannot be changed by -101",
        ),
        (
            transfer("k", "alice", "nobody", 1),
            "there is no account `nobody`",
        ),
        (
            transfer("k", "nobody", "bob", 1),
            "there is no account `nobody`",
        ),
        (transfer("k", "alice", "alice", 1), "cannot pay itself"),
        (transfer("k", "alice", "bob", 0), "must be positive"),
        (transfer("k", "alice", "bob", -5), "must be positive"),
        (transfer("", "alice", "bob", 5), "needs a key"),
        (
            transfer("k", "cash", "bob", i64::MAX),
            "account `cash` has -200",
        ),
        (
            json!({ "balance": "nobody" }),
            "there is no account `nobody`",
        ),
        (
            json!({ "statement": { "account": "nobody" } }),
            "there is no account `nobody`",
        ),
        (
            json!({ "open": { "account": "cash" } }),
            "differs in `may_overdraw`",
        ),
        (
            json!({ "open": { "account": "x", "overdraw": true } }),
            "unknown field `overdraw`",
        ),
    ] {
        ledger.refuse(order, words).await;
    }
    // A key under which nothing happened is free.
    ledger.tell(transfer("k", "alice", "bob", 100)).await;
    assert_eq!(ledger.balance("alice").await, 0);
    assert_eq!(
        ledger.tell(json!({ "open": { "account": "alice" } })).await["balance"],
        0
    );
    ledger.is_sound().await;
}

#[tokio::test]
async fn a_transfer_is_four_statements_in_five_round_trips() {
    let ledger = Ledger::with_accounts(&["alice", "bob"]).await;
    let outcome = ledger.run(&transfer("rent", "alice", "bob", 30)).await;
    answer::<Value>(&outcome.end);
    let used = outcome.report.database;
    // BEGIN goes with the first of them, and COMMIT by itself.
    assert_eq!((used.statements, used.round_trips), (4 + 2, 4 + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_orders_under_one_key_one_moves_money() {
    let ledger = Ledger::with_accounts(&["alice", "bob"]).await;
    let orders = vec![transfer("rent", "alice", "bob", 30); 16];
    let receipts = ledger.all_at_once(orders, 0.2).await;
    let first: Value = answer(&receipts[0]);
    assert!(
        receipts
            .iter()
            .all(|receipt| answer::<Value>(receipt) == first)
    );
    assert_eq!(ledger.balance("bob").await, 130);
    ledger.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crosswise_transfers_are_each_done_once_and_only_as_far_as_the_money_goes() {
    let ledger = Ledger::with_accounts(&["alice", "bob", "carol"]).await;
    let names = ["alice", "bob", "carol"];
    let order = |number: usize| {
        let (payer, payee) = (names[number % 3], names[(number + 1 + number / 3 % 2) % 3]);
        transfer(&format!("t{number}"), payer, payee, 40)
    };
    let ends = ledger.all_at_once((0..90).map(order).collect(), 0.2).await;
    let done = ends.iter().filter(|end| match end {
        End::Finished { .. } => true,
        End::PluginError(message) if message.contains("cannot be changed by -40") => false,
        end => panic!("{end}"),
    });
    let done = i64::try_from(done.count()).expect("90 at most");
    let client = ledger.database.client().await;
    let transfers = "SELECT count(*) FROM transfers WHERE key LIKE 't%'";
    let transfers = client.query_one(transfers, &[]).await.expect("asked");
    assert_eq!(transfers.get::<_, i64>(0), done);
    ledger.is_sound().await;
}

#[tokio::test]
async fn it_runs_as_its_page_says_with_no_grant_that_not_every_plugin_has() {
    let database = database().await;
    make_tables(&database).await;
    let host = async |command: Value| {
        let ledger = tests::host(["run".as_ref(), plugin("ledger").as_os_str()]);
        let ledger = ledger.arg("--database-url").arg(database.url());
        ledger.arg("--input").arg(command.to_string()).run().await
    };
    for (command, balance) in [
        (
            json!({ "open": { "account": "cash", "may_overdraw": true } }),
            Some(0),
        ),
        (json!({ "open": { "account": "alice" } }), Some(0)),
        (transfer("deposit-1", "cash", "alice", 5_000), None),
        (json!({ "balance": "alice" }), Some(5_000)),
    ] {
        let output = host(command).await.expect(0, &[]).json();
        assert_eq!(output["balance"].as_i64(), balance, "{output}");
    }
    let refused = host(transfer("k", "alice", "cash", 5_001)).await;
    refused.expect(
        1,
        &["account `alice` has 5000: it cannot be changed by -5001"],
    );
}
