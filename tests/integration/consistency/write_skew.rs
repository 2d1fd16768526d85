//! Write skew: two read the same, each writes something else, and together they break what each of them kept.

use tokio_postgres::Client;

use super::{
    decision::{Choice, Decision, make, together},
    plain::{self, Isolation},
    stage::{GUESTS, Manner, Stage},
    told::{Told, Work as _},
};

/// Doctors that want to go home, and two withdrawals that only one of both accounts together can bear: pairs of which only one may happen.
const PAIRS: [[Choice; 2]; 2] = [
    [
        Choice::Leave {
            shift: 0,
            doctor: 1,
        },
        Choice::Leave {
            shift: 0,
            doctor: 2,
        },
    ],
    [
        Choice::Withdraw {
            customer: 0,
            account: 1,
            amount: 150,
        },
        Choice::Withdraw {
            customer: 0,
            account: 2,
            amount: 150,
        },
    ],
];

/// How many shifts have nobody on call, and customers owe money.
async fn broken(client: &Client) -> i64 {
    let shifts = "SELECT count(*) FROM (SELECT shift FROM doctors GROUP BY shift HAVING NOT bool_or(on_call)) AS s";
    let customers = "SELECT count(*) FROM (SELECT customer FROM savings GROUP BY customer HAVING sum(balance) < 0) AS c";
    let mut broken = 0;
    for count in [shifts, customers] {
        broken += client
            .query_one(count, &[])
            .await
            .expect("counted")
            .get::<_, i64>(0);
    }
    broken
}

/// A pair of decisions that wait for each other.
fn steered(pair: [Choice; 2]) -> Vec<Vec<Decision>> {
    let gated = |(choice, gate)| {
        vec![Decision {
            choice,
            gate: Some(gate),
        }]
    };
    pair.into_iter().zip(1..).map(gated).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_guests_that_read_the_same_one_reads_again() {
    for pair in PAIRS {
        let database = super::database().await;
        let client = make(&database, 1).await;
        let stage = Stage::new(Decision::GUEST, &database).await;
        let lists = steered(pair);
        let play = together(&database, stage.play(Manner::PATIENT, &lists)).await;
        play.report(&format!("write skew, {:?}", pair[0]));
        assert_eq!(broken(&client).await, 0, "{pair:?}");
        let rejected = play.count(|told| matches!(told, Told::Rejected(_)));
        assert_eq!((play.committed(), rejected), (1, 1), "{:?}", play.told);
        assert_eq!(play.retries, 1, "{pair:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_crowd_of_guests_every_shift_is_attended_and_nobody_owes() {
    const NUMBERS: i64 = 20;
    let database = super::database().await;
    let client = make(&database, NUMBERS).await;
    let stage = Stage::new(Decision::GUEST, &database).await;
    // All go through the same shifts and customers in the same order.
    let list = |guest: usize| {
        let place = 1 + i64::try_from(guest % 2).expect("few");
        let choice = move |number: i64| match guest % 4 {
            0 | 1 => Choice::Leave {
                shift: number,
                doctor: place,
            },
            _ => Choice::Withdraw {
                customer: number,
                account: place,
                amount: 150,
            },
        };
        (0..NUMBERS)
            .map(|number| Decision {
                choice: choice(number),
                gate: None,
            })
            .collect()
    };
    let lists: Vec<_> = (0..GUESTS).map(list).collect();
    let play = stage.play(Manner::PATIENT, &lists).await;
    play.report("write skew, in a crowd");
    assert_eq!(broken(&client).await, 0);
    let rejected = play.count(|told| matches!(told, Told::Rejected(_)));
    assert_eq!(play.committed() + rejected, play.told.len());
}

/// It is the isolation that keeps them apart, not the guests.
#[tokio::test(flavor = "multi_thread")]
async fn guests_skew_where_they_ask_for_read_committed() {
    let manner = Manner {
        isolation: Isolation::ReadCommitted,
        ..Manner::PATIENT
    };
    for pair in PAIRS {
        let database = super::database().await;
        let client = make(&database, 1).await;
        let stage = Stage::new(Decision::GUEST, &database).await;
        let lists = steered(pair);
        let play = together(&database, stage.play(manner, &lists)).await;
        assert_eq!(
            (play.committed(), broken(&client).await),
            (2, 1),
            "{pair:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_sql_skews_at_read_committed_and_not_at_serializable() {
    for pair in PAIRS {
        for isolation in [Isolation::Serializable, Isolation::ReadCommitted] {
            let database = super::database().await;
            let client = make(&database, 1).await;
            let lists = steered(pair);
            let play = plain::play(&database, isolation, &lists);
            let play = together(&database, play).await;
            let (committed, broken) = (play.committed(), broken(&client).await);
            let expected = match isolation {
                Isolation::Serializable => (1, 0),
                Isolation::ReadCommitted => (2, 1),
            };
            assert_eq!((committed, broken), expected, "{pair:?} at {isolation:?}");
        }
    }
}
