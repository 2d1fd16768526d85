//! Transfers between accounts: money is neither made nor lost, and nobody ever sees otherwise.

mod books;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tests::{Random, TestDatabase, fault::Proxy};
use tokio_postgres::Client;

use self::books::{Books, check};
use super::{
    plain::{self, Isolation},
    spoil,
    stage::{GUESTS, Manner, Stage},
    told::{Play, Refusal, Told, Work},
};

const ACCOUNTS: i64 = 16;
const OPENING: i64 = 100;
const TRANSFERS: i64 = 1_000;
const AUDITS: usize = 60;

/// What is done at the bank.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Business {
    /// Takes an amount from one account to another and enters it under its id, unless the account holds less. Finds out what both
    /// hold then.
    Transfer {
        id: i64,
        from: i64,
        to: i64,
        amount: i64,
    },
    /// Reads all balances, one half of the accounts after the other: those below `middle` first.
    Audit { middle: i64 },
}

impl Work for Business {
    type Answer = Vec<i64>;
    const GUEST: &'static str = "bank";

    async fn perform(&self, client: &Client) -> Result<Vec<i64>, Refusal> {
        match *self {
            Self::Transfer {
                id,
                from,
                to,
                amount,
            } => {
                let mut balances = Vec::new();
                for (account, change) in [(from, -amount), (to, amount)] {
                    let read = "SELECT balance FROM accounts WHERE id = $1";
                    let row = client.query_one(read, &[&account]).await?;
                    balances.push(row.get::<_, i64>(0) + change);
                }
                if balances[0] < 0 {
                    return Err(Refusal::Rejected("not enough".to_owned()));
                }
                for (account, balance) in [from, to].into_iter().zip(&balances) {
                    let write = "UPDATE accounts SET balance = $2 WHERE id = $1";
                    client.execute(write, &[&account, balance]).await?;
                }
                let enter = "INSERT INTO transfers VALUES ($1, $2, $3, $4)";
                client.execute(enter, &[&id, &from, &to, &amount]).await?;
                Ok(balances)
            }
            Self::Audit { middle } => {
                let mut balances = Vec::new();
                for half in ["id < $1", "id >= $1"] {
                    let read = format!("SELECT balance FROM accounts WHERE {half}");
                    let rows = client.query(&read, &[&middle]).await?;
                    balances.extend(rows.iter().map(|row| row.get::<_, i64>(0)));
                }
                Ok(balances)
            }
        }
    }
}

async fn make(database: &TestDatabase) -> Client {
    let client = database.client().await;
    for statement in [
        "CREATE TABLE accounts (id int8 PRIMARY KEY, balance int8 NOT NULL)",
        "CREATE TABLE transfers (id int8 PRIMARY KEY, debit int8, credit int8, amount int8)",
    ] {
        client.execute(statement, &[]).await.expect("made");
    }
    for account in 0..ACCOUNTS {
        let open = "INSERT INTO accounts VALUES ($1, $2)";
        let opened = client.execute(open, &[&account, &OPENING]).await;
        opened.expect("opened");
    }
    client
}

/// A list of transfers for each guest, with audits among them, and one more list of audits alone.
fn lists(seed: u64) -> Vec<Vec<Business>> {
    let mut random = Random::new(seed);
    let mut account = || i64::try_from(random.below(16)).expect("few");
    let mut lists = vec![Vec::new(); GUESTS];
    for id in 0..TRANSFERS {
        let (from, to) = (account(), account());
        let transfer = Business::Transfer {
            id,
            from,
            to: if to == from { (to + 1) % ACCOUNTS } else { to },
            amount: 1 + 5 * account(),
        };
        let list = &mut lists[usize::try_from(id).expect("few") % GUESTS];
        list.push(transfer);
        if id % 16 == 0 {
            list.push(Business::Audit { middle: account() });
        }
    }
    let audits = (0..AUDITS).map(|_| Business::Audit { middle: account() });
    lists.push(audits.collect());
    lists
}

/// What is in the books in the end.
async fn read(client: &Client) -> Books {
    let pairs = |rows: Vec<tokio_postgres::Row>| {
        let pair = |row: &tokio_postgres::Row| (row.get(0), row.get(1));
        rows.iter().map(pair).collect::<BTreeMap<i64, i64>>()
    };
    let accounts = client.query("SELECT id, balance FROM accounts", &[]).await;
    let entered = client.query("SELECT id FROM transfers", &[]).await;
    let entered = entered.expect("read");
    Books {
        opening: (0..ACCOUNTS).map(|account| (account, OPENING)).collect(),
        closing: pairs(accounts.expect("read")),
        entered: entered
            .iter()
            .map(|row| row.get(0))
            .collect::<BTreeSet<i64>>(),
    }
}

/// What is wrong with a play.
async fn mistakes(client: &Client, play: &Play<Business>) -> Vec<String> {
    check(&play.told, &read(client).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn through_guests_money_is_neither_made_nor_lost() {
    let database = super::database().await;
    let client = make(&database).await;
    let stage = Stage::new(Business::GUEST, &database).await;
    let seed = 1;
    let play = stage.play(Manner::PATIENT, &lists(seed)).await;
    play.report("bank");
    assert_eq!(mistakes(&client, &play).await, [""; 0], "seed {seed}");
    let rejected = play.count(|told| matches!(told, Told::Rejected(_)));
    assert_eq!(play.committed() + rejected, play.told.len(), "seed {seed}");
    assert!(rejected > 0 && play.retries > 0, "nothing was tried");
}

/// Plays at a bank with connections cut at random points.
async fn play_with_cuts(seed: u64, has_markers: bool) -> Play<Business> {
    let database = super::database().await;
    let client = make(&database).await;
    if has_markers {
        super::prepare(&database).await;
    }
    let proxy = Proxy::start(&database.url()).await;
    let stage = Stage::at(Business::GUEST, &proxy.url(database.name(), "")).await;
    // The host looks for markers once.
    let audit = Business::Audit { middle: 0 };
    stage.play(Manner::PATIENT, &[vec![audit]]).await;
    spoil(&proxy, seed);
    let play = stage.play(Manner::PATIENT, &lists(seed)).await;
    play.report(&format!(
        "bank, markers: {has_markers}, {} cuts",
        proxy.done()
    ));
    assert_eq!(mistakes(&client, &play).await, [""; 0], "seed {seed}");
    let exhausted = play.count(|told| matches!(told, Told::Exhausted(_)));
    assert_eq!(exhausted, 0, "seed {seed}");
    play
}

/// Where the connection is lost, the host does it again, or says that it does not know: then the transfer's id tells.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_with_connections_cut_at_random_points() {
    let play = play_with_cuts(1, false).await;
    assert_ne!(play.unknown(), [""; 0], "no answer to a COMMIT was lost");
}

/// With markers of commits, the host finds out itself.
#[tokio::test(flavor = "multi_thread")]
async fn with_markers_nobody_is_told_that_it_is_not_known() {
    let play = play_with_cuts(2, true).await;
    assert_eq!(play.unknown(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_sql_keeps_the_books_at_serializable_and_not_at_read_committed() {
    for isolation in [Isolation::Serializable, Isolation::ReadCommitted] {
        let database = super::database().await;
        let client = make(&database).await;
        let play = plain::play(&database, isolation, &lists(1)).await;
        play.report(&format!("bank, plain SQL at {isolation:?}"));
        let mistakes = mistakes(&client, &play).await;
        let are_books_kept = isolation == Isolation::Serializable;
        assert_eq!(mistakes.is_empty(), are_books_kept, "{mistakes:?}");
    }
}
