//! Long fork: two who read see two writes in different orders.

use std::collections::BTreeSet;

use tests::TestDatabase;
use tokio_postgres::Client;

use super::{
    appends::{Appends, Step, make},
    plain::{self, Isolation},
    stage::{GUESTS, Manner, Stage},
    told::{Play, Work as _},
};

/// Pairs of keys.
const PAIRS: i64 = 12;
/// How often each guest reads that does not write.
const READS: usize = 6;

/// Two reads of the same keys, each of which saw what the other did not. A read is the set of keys that had been written.
fn fork(reads: &[BTreeSet<i64>]) -> Option<[&BTreeSet<i64>; 2]> {
    let pairs = reads.iter().enumerate().flat_map(|(place, first)| {
        reads
            .iter()
            .skip(place + 1)
            .map(move |second| [first, second])
    });
    let mut forks =
        pairs.filter(|[first, second]| !first.is_subset(second) && !second.is_subset(first));
    forks.next()
}

fn write(key: i64) -> Appends {
    Appends {
        steps: vec![Step::Append { key, value: 1 }],
    }
}

fn read(keys: impl Iterator<Item = i64>) -> Appends {
    Appends {
        steps: keys.map(|key| Step::Read { key, list: None }).collect(),
    }
}

/// The keys that were found written.
fn seen(steps: &[Step]) -> BTreeSet<i64> {
    let written = steps.iter().filter_map(|step| match step {
        Step::Read {
            key,
            list: Some(list),
        } if !list.is_empty() => Some(*key),
        Step::Read { .. } | Step::Append { .. } => None,
    });
    written.collect()
}

/// One guest writes the first key of each pair, another the second, and the others read all of them: all first keys before all second
/// ones, or the reverse. Who writes reads too, so that there is still something to write when the others begin.
fn lists() -> Vec<Vec<Appends>> {
    let firsts = || (0..PAIRS).map(|pair| 2 * pair);
    let seconds = || (0..PAIRS).map(|pair| 2 * pair + 1);
    let (forth, back) = (
        read(firsts().chain(seconds())),
        read(seconds().chain(firsts())),
    );
    let list = |guest: usize| match guest {
        0 => firsts()
            .flat_map(|key| [write(key), forth.clone()])
            .collect(),
        1 => seconds()
            .flat_map(|key| [write(key), back.clone()])
            .collect(),
        _ if guest.is_multiple_of(2) => vec![forth.clone(); READS],
        _ => vec![back.clone(); READS],
    };
    (0..GUESTS).map(list).collect()
}

/// Two reads of the same pair that do not agree on its order.
fn fork_of(play: &Play<Appends>) -> Option<String> {
    assert_eq!(play.committed(), play.told.len());
    let reads = play.told.iter().filter_map(|(_, told)| told.ok());
    let reads: Vec<_> = reads
        .filter(|steps| matches!(steps[0], Step::Read { .. }))
        .map(|steps| seen(steps))
        .collect();
    let mut forks = (0..PAIRS).filter_map(|pair| {
        let of_pair = |keys: &BTreeSet<i64>| keys.range(2 * pair..2 * pair + 2).copied().collect();
        let reads: Vec<_> = reads.iter().map(of_pair).collect();
        fork(&reads).map(|fork| format!("pair {pair}: {fork:?}"))
    });
    forks.next()
}

async fn make_pairs(database: &TestDatabase) {
    make(database, usize::try_from(2 * PAIRS).expect("few")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_guests_see_writes_in_the_same_order() {
    let database = super::database().await;
    make_pairs(&database).await;
    let stage = Stage::new(Appends::GUEST, &database).await;
    let play = stage.play(Manner::PATIENT, &lists()).await;
    play.report("long fork");
    assert_eq!(fork_of(&play), None);
}

/// It is a matter of luck when, so it is tried until it is so.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_crowd_plain_sql_forks_at_read_committed() {
    for _ in 0..50 {
        let database = super::database().await;
        make_pairs(&database).await;
        let play = plain::play(&database, Isolation::ReadCommitted, &lists()).await;
        if fork_of(&play).is_some() {
            return;
        }
    }
    panic!("no fork was found in 50 plays without isolation");
}

/// One reads the first key before it is written, and the second after it; between the writes, the other reads both.
async fn forked(isolation: Isolation) -> Vec<BTreeSet<i64>> {
    let database = super::database().await;
    let writer = make(&database, 2).await;
    let (early, between) = (database.client().await, database.client().await);
    let begin = isolation.begin();
    early.simple_query(begin).await.expect("begun");
    let mut steps = perform(&early, 0).await;
    write(0).perform(&writer).await.expect("written");
    between.simple_query(begin).await.expect("begun");
    let both = [perform(&between, 0).await, perform(&between, 1).await].concat();
    between.simple_query("COMMIT").await.expect("committed");
    write(1).perform(&writer).await.expect("written");
    steps.extend(perform(&early, 1).await);
    early.simple_query("COMMIT").await.expect("committed");
    vec![seen(&steps), seen(&both)]
}

async fn perform(client: &Client, key: i64) -> Vec<Step> {
    read([key].into_iter()).perform(client).await.expect("read")
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_sql_forks_at_read_committed_and_not_at_serializable() {
    let reads = forked(Isolation::ReadCommitted).await;
    assert!(fork(&reads).is_some(), "{reads:?}");
    assert_eq!(fork(&forked(Isolation::Serializable).await), None);
}

#[test]
fn a_fork_is_found() {
    let reads = |reads: &[&[i64]]| {
        let read = |keys: &&[i64]| keys.iter().copied().collect();
        reads.iter().map(read).collect::<Vec<BTreeSet<i64>>>()
    };
    assert_eq!(fork(&reads(&[&[], &[1], &[1, 2], &[1], &[]])), None);
    assert!(fork(&reads(&[&[], &[1], &[2], &[1, 2]])).is_some());
    assert!(fork(&reads(&[&[1, 2], &[2, 3], &[1, 2, 3]])).is_some());
}
