//! The control: the same transactions as plain SQL, without a guest or a host.

use std::time::Instant;

use tests::TestDatabase;
use tokio::task::JoinSet;
use tokio_postgres::{Client, error::SqlState};

use super::told::{Play, Refusal, Told, Work};

/// How much transactions see of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Isolation {
    /// Nothing.
    Serializable,
    /// What is committed before each statement: what no proof holds at.
    ReadCommitted,
}

impl Isolation {
    /// What begins a transaction.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Self::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }
}

/// Does each list on a connection of its own, all at the same time, and each transaction until it is committed or refuses itself.
pub(super) async fn play<W: Work>(
    database: &TestDatabase,
    isolation: Isolation,
    lists: &[Vec<W>],
) -> Play<W> {
    let began = Instant::now();
    let mut playing = JoinSet::new();
    for list in lists {
        let (client, list) = (database.client().await, list.clone());
        playing.spawn(async move {
            let (mut told, mut retries) = (Vec::new(), 0);
            for work in list {
                let (became, again) = repeat(&client, isolation, &work).await;
                retries += again;
                told.push((work, became));
            }
            (told, retries)
        });
    }
    let mut play = Play::default();
    for (told, retries) in playing.join_all().await {
        play.told.extend(told);
        play.retries += retries;
    }
    play.elapsed = began.elapsed();
    play
}

/// What became of a transaction, and how often it was done again.
async fn repeat<W: Work>(
    client: &Client,
    isolation: Isolation,
    work: &W,
) -> (Told<W::Answer>, u64) {
    for retries in 0.. {
        let told = match attempt(client, isolation, work).await {
            Ok(answer) => Told::Ok(answer),
            Err(Refusal::Rejected(message)) => Told::Rejected(message),
            Err(Refusal::Database(error)) if is_conflict(&error) => continue,
            Err(Refusal::Database(error)) => panic!("{work:?}: {error:?}"),
        };
        return (told, retries);
    }
    unreachable!("it is committed before the numbers end")
}

async fn attempt<W: Work>(
    client: &Client,
    isolation: Isolation,
    work: &W,
) -> Result<W::Answer, Refusal> {
    client.simple_query(isolation.begin()).await?;
    let outcome = match work.perform(client).await {
        Ok(answer) => client.simple_query("COMMIT").await.map(|_| answer),
        Err(refusal) => {
            client.simple_query("ROLLBACK").await?;
            return Err(refusal);
        }
    };
    Ok(outcome?)
}

/// Whether it may be done again: it lost a race.
pub(super) fn is_conflict(error: &tokio_postgres::Error) -> bool {
    let conflicts = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    error.code().is_some_and(|code| conflicts.contains(code))
}
