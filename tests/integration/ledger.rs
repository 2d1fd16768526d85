//! The sample `ledger`, by `host run`: what it promises to one, and to many at once.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Finished, HostCommand, TestDatabase, database, plugin};

/// `host run` of the ledger with no more than every plugin may.
fn ledger(database: &TestDatabase, command: &Value) -> HostCommand {
    tests::host(["run".as_ref(), plugin("ledger").as_os_str()])
        .arg("--database-url")
        .arg(database.url())
        .arg("--input")
        .arg(command.to_string())
}

async fn tell(database: &TestDatabase, command: Value) -> Value {
    let finished = ledger(database, &command).run().await;
    finished.expect(0, &[]).json()
}

/// Asserts that the ledger refuses with these words.
async fn refuse(database: &TestDatabase, command: Value, words: &str) {
    let finished = ledger(database, &command).run().await;
    finished.expect(1, &[words]);
}

fn transfer(key: &str, payer: &str, payee: &str, amount: i64) -> Value {
    json!({ "transfer": { "key": key, "payer": payer, "payee": payee, "amount": amount } })
}

/// A ledger with these accounts, and 100 on each that comes from `cash`.
async fn with_accounts(accounts: &[&str]) -> TestDatabase {
    let database = database().await;
    let tables = tests::host(["run".as_ref(), plugin("ledger_tables").as_os_str()])
        .arg("--database-url")
        .arg(database.url());
    tables
        .arg("--grant")
        .arg("schema")
        .run()
        .await
        .expect(0, &[]);
    let cash = json!({ "open": { "account": "cash", "may_overdraw": true } });
    assert_eq!(tell(&database, cash).await["balance"], 0);
    for account in accounts {
        tell(&database, json!({ "open": { "account": account } })).await;
        let deposit = transfer(&format!("deposit for {account}"), "cash", account, 100);
        tell(&database, deposit).await;
    }
    database
}

async fn balance(database: &TestDatabase, account: &str) -> i64 {
    let account = tell(database, json!({ "balance": account })).await;
    account["balance"].as_i64().expect("a number")
}

/// What must hold whatever happened: money is neither made nor lost, nobody owes any who may not, and the entries of every account are
/// numbered without a gap, add up to its balance, and are two for each transfer.
async fn is_sound(database: &TestDatabase) {
    let client = database.client().await;
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

#[tokio::test]
async fn a_transfer_moves_money_and_is_on_both_statements() {
    let database = with_accounts(&["alice", "bob"]).await;
    let receipt = tell(&database, transfer("rent", "alice", "bob", 30)).await;
    assert_eq!(
        (
            &receipt["key"],
            &receipt["payer"],
            &receipt["payee"],
            &receipt["amount"]
        ),
        (&json!("rent"), &json!("alice"), &json!("bob"), &json!(30))
    );
    let balances = tell(&database, json!({ "balances": ["cash", "bob", "alice"] })).await;
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

    let statement = tell(&database, json!({ "statement": { "account": "alice" } })).await;
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
    let page = tell(&database, page).await;
    assert_eq!(page["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["entries"][0]["transfer"], "deposit for bob");
    is_sound(&database).await;
}

#[tokio::test]
async fn the_same_key_moves_money_once() {
    let database = with_accounts(&["alice", "bob"]).await;
    let order = transfer("rent", "alice", "bob", 30);
    let receipt = tell(&database, order.clone()).await;
    assert_eq!(tell(&database, order).await, receipt);
    for other in [
        transfer("rent", "alice", "bob", 31),
        transfer("rent", "bob", "alice", 30),
    ] {
        let words = "the key `rent` is taken by another transfer, of 30 from `alice` to `bob`";
        refuse(&database, other, words).await;
    }
    assert_eq!(balance(&database, "bob").await, 130);
    is_sound(&database).await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_leaves_no_trace() {
    let database = with_accounts(&["alice", "bob"]).await;
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
            "account `bob` has 100",
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
        refuse(&database, order, words).await;
    }
    // A key under which nothing happened is free.
    tell(&database, transfer("k", "alice", "bob", 100)).await;
    assert_eq!(balance(&database, "alice").await, 0);
    assert_eq!(
        tell(&database, json!({ "open": { "account": "alice" } })).await["balance"],
        0
    );
    is_sound(&database).await;
}

#[tokio::test]
async fn a_transfer_is_four_statements_in_five_round_trips() {
    let database = with_accounts(&["alice", "bob"]).await;
    let command = ledger(&database, &transfer("rent", "alice", "bob", 30));
    let finished = command.arg("--summary").arg("json").run().await;
    let summary = finished
        .expect(0, &[])
        .stderr
        .lines()
        .last()
        .expect("a summary");
    let summary: Value = serde_json::from_str(summary).expect("JSON");
    assert_eq!(
        (&summary["statements"], &summary["round_trips"]),
        (&json!(4), &json!(5)),
        "{summary}"
    );
}

/// Runs all of them at once, each as often as its attempts are used up: what a caller would do.
async fn all_at_once(database: &TestDatabase, orders: Vec<Value>) -> Vec<Finished> {
    join_all(orders.into_iter().map(async |order| {
        loop {
            let command = ledger(database, &order).arg("--max-retries").arg("30");
            let finished = command.run().await;
            if finished.code != 6 {
                return finished;
            }
        }
    }))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_orders_under_one_key_one_moves_money() {
    let database = with_accounts(&["alice", "bob"]).await;
    let orders = vec![transfer("rent", "alice", "bob", 30); 8];
    let mut receipts = all_at_once(&database, orders).await.into_iter();
    let first = receipts.next().expect("eight").expect(0, &[]).json();
    assert!(receipts.all(|receipt| receipt.expect(0, &[]).json() == first));
    assert_eq!(balance(&database, "bob").await, 130);
    is_sound(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crosswise_transfers_that_overdraw_together_are_done_as_far_as_the_money_goes() {
    let database = with_accounts(&["alice", "bob"]).await;
    let mut orders: Vec<_> = (0..8)
        .map(|number| transfer(&format!("a{number}"), "alice", "bob", 40))
        .collect();
    orders.extend((0..8).map(|number| transfer(&format!("b{number}"), "bob", "alice", 15)));
    for finished in all_at_once(&database, orders).await {
        let refused = finished.code == 1 && finished.stderr.contains("it cannot be changed by");
        assert!(finished.code == 0 || refused, "{finished:?}");
    }
    is_sound(&database).await;
}
