//! G2 by predicate: two look for rows that are not there, find none, and each inserts one.

use tokio_postgres::Client;

use super::{
    decision::{Choice, Decision, Side, make, together},
    plain::{self, Isolation},
    stage::{GUESTS, Manner, Stage},
    told::{Told, Work as _},
};

/// Keys that were claimed more than once.
async fn claimed_twice(client: &Client) -> i64 {
    let count = "SELECT count(*) FROM (SELECT key FROM (SELECT key FROM left_claims UNION ALL SELECT key FROM right_claims) AS k \
         GROUP BY key HAVING count(*) > 1) AS t";
    let row = client.query_one(count, &[]).await;
    row.expect("counted").get(0)
}

/// A claim to the key by this guest.
fn claim(key: i64, guest: usize) -> Choice {
    Choice::Claim {
        key,
        id: 1_000 * key + i64::try_from(guest).expect("few"),
        side: if guest.is_multiple_of(2) {
            Side::Left
        } else {
            Side::Right
        },
    }
}

fn steered() -> Vec<Vec<Decision>> {
    let gated = |guest| {
        vec![Decision {
            choice: claim(0, guest),
            gate: i64::try_from(guest + 1).ok(),
        }]
    };
    (0..2).map(gated).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_guests_that_find_nothing_one_looks_again() {
    let database = super::database().await;
    let client = make(&database, 0).await;
    let stage = Stage::new(Decision::GUEST, &database).await;
    let lists = steered();
    let play = together(&database, stage.play(Manner::PATIENT, &lists)).await;
    play.report("G2 by predicate");
    assert_eq!(claimed_twice(&client).await, 0);
    let rejected = play.count(|told| matches!(told, Told::Rejected(_)));
    assert_eq!((play.committed(), rejected), (1, 1), "{:?}", play.told);
    assert_eq!(play.retries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_crowd_of_guests_each_key_is_claimed_once() {
    const KEYS: i64 = 20;
    let database = super::database().await;
    let client = make(&database, 0).await;
    let stage = Stage::new(Decision::GUEST, &database).await;
    let list = |guest| {
        let decision = |key| Decision {
            choice: claim(key, guest),
            gate: None,
        };
        (0..KEYS).map(decision).collect()
    };
    let lists: Vec<_> = (0..GUESTS).map(list).collect();
    let play = stage.play(Manner::PATIENT, &lists).await;
    play.report("G2 by predicate, in a crowd");
    assert_eq!(claimed_twice(&client).await, 0);
    assert_eq!(i64::try_from(play.committed()), Ok(KEYS));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_sql_claims_twice_at_read_committed_and_not_at_serializable() {
    for (isolation, expected) in [
        (Isolation::Serializable, (1, 0)),
        (Isolation::ReadCommitted, (2, 1)),
    ] {
        let database = super::database().await;
        let client = make(&database, 0).await;
        let lists = steered();
        let play = together(&database, plain::play(&database, isolation, &lists)).await;
        let came_to = (play.committed(), claimed_twice(&client).await);
        assert_eq!(came_to, expected, "{isolation:?}");
    }
}
