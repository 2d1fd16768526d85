//! What write skew is made of: to decide by what was read, and to write something else.

use serde::Serialize;
use tests::TestDatabase;
use tokio_postgres::Client;

use super::told::{Play, Refusal, Work};

/// A decision. Between what it reads and what it writes it passes a gate, if it has one.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Decision {
    #[serde(flatten)]
    pub(super) choice: Choice,
    pub(super) gate: Option<i64>,
}

/// What is decided.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Choice {
    /// A doctor goes home, if another one of the shift stays.
    Leave { shift: i64, doctor: i64 },
    /// Takes an amount from one of the two accounts of a customer, if both together hold it.
    Withdraw {
        customer: i64,
        account: i64,
        amount: i64,
    },
    /// Enters a claim to a key in the table of a side, if there is none in either of both.
    Claim { key: i64, id: i64, side: Side },
}

/// Which of two tables.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Side {
    Left,
    Right,
}

impl Work for Decision {
    type Answer = ();
    const GUEST: &'static str = "decides";

    async fn perform(&self, client: &Client) -> Result<(), Refusal> {
        let (may, write) = match self.choice {
            Choice::Leave { shift, doctor } => {
                let on_call = "SELECT count(*) FROM doctors WHERE shift = $1 AND on_call";
                let row = client.query_one(on_call, &[&shift]).await?;
                let write = format!(
                    "UPDATE doctors SET on_call = false WHERE shift = {shift} AND id = {doctor}"
                );
                (row.get::<_, i64>(0) >= 2, write)
            }
            Choice::Withdraw {
                customer,
                account,
                amount,
            } => {
                let sum = "SELECT sum(balance)::int8 FROM savings WHERE customer = $1";
                let row = client.query_one(sum, &[&customer]).await?;
                let write = format!(
                    "UPDATE savings SET balance = balance - {amount} WHERE customer = {customer} AND account = {account}"
                );
                (row.get::<_, i64>(0) >= amount, write)
            }
            Choice::Claim { key, id, side } => {
                let mut claims = 0;
                for table in ["left_claims", "right_claims"] {
                    let read = format!("SELECT id FROM {table} WHERE key = $1");
                    claims += client.query(&read, &[&key]).await?.len();
                }
                let write = format!("INSERT INTO {} VALUES ({id}, {key})", side.table());
                (claims == 0, write)
            }
        };
        if let Some(gate) = self.gate {
            let pass = "SELECT id FROM gates WHERE id = $1 FOR UPDATE";
            client.query_one(pass, &[&gate]).await?;
        }
        if !may {
            return Err(Refusal::Rejected("it may not".to_owned()));
        }
        client.execute(&write, &[]).await?;
        Ok(())
    }
}

impl Side {
    fn table(self) -> &'static str {
        match self {
            Self::Left => "left_claims",
            Self::Right => "right_claims",
        }
    }
}

/// Makes all tables of decisions, for so many shifts, customers and keys: two doctors on call in each shift, and 100 in each of two
/// accounts.
pub(super) async fn make(database: &TestDatabase, count: i64) -> Client {
    let client = database.client().await;
    for statement in [
        "CREATE TABLE gates (id int8 PRIMARY KEY)",
        "INSERT INTO gates VALUES (1), (2)",
        "CREATE TABLE doctors (shift int8, id int8, on_call bool, PRIMARY KEY (shift, id))",
        "CREATE TABLE savings (customer int8, account int8, balance int8, PRIMARY KEY (customer, account))",
        "CREATE TABLE left_claims (id int8 PRIMARY KEY, key int8)",
        "CREATE TABLE right_claims (id int8 PRIMARY KEY, key int8)",
        "CREATE INDEX ON left_claims (key)",
        "CREATE INDEX ON right_claims (key)",
    ] {
        client.execute(statement, &[]).await.expect("made");
    }
    for number in 0..count {
        for statement in [
            "INSERT INTO doctors VALUES ($1, 1, true), ($1, 2, true)",
            "INSERT INTO savings VALUES ($1, 1, 100), ($1, 2, 100)",
        ] {
            client.execute(statement, &[&number]).await.expect("made");
        }
    }
    client
}

/// Plays two decisions so that both have read before either writes: their gates 1 and 2 are shut until both stand before them.
pub(super) async fn together(
    database: &TestDatabase,
    play: impl Future<Output = Play<Decision>>,
) -> Play<Decision> {
    let (keeper, watcher) = (database.client().await, database.client().await);
    for shut in [
        "BEGIN ISOLATION LEVEL READ COMMITTED",
        "SELECT id FROM gates FOR UPDATE",
    ] {
        keeper.simple_query(shut).await.expect("shut");
    }
    let open = async {
        tests::wait_until("both stand before their gates", async || {
            let waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            watcher.query(waiting, &[]).await.expect("asked").len() == 2
        })
        .await;
        keeper.simple_query("ROLLBACK").await.expect("opened");
    };
    tokio::join!(play, open).0
}
