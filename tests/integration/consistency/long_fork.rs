//! Long fork: two who read see two writes in different orders.

use std::collections::BTreeSet;

use tokio_postgres::Client;

use super::{
    appends::{Appends, Step, make},
    plain::Isolation,
    stage::{GUESTS, Manner, Stage},
    told::Work as _,
};

const GROUPS: i64 = 30;

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

fn read(keys: [i64; 2]) -> Appends {
    Appends {
        steps: keys.map(|key| Step::Read { key, list: None }).to_vec(),
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

/// Two guests write one key of each group, and the others read both, in either order.
#[tokio::test(flavor = "multi_thread")]
async fn all_guests_see_writes_in_the_same_order() {
    let database = super::database().await;
    make(&database, usize::try_from(2 * GROUPS).expect("few")).await;
    let stage = Stage::new(Appends::GUEST, &database).await;
    let list = |guest: usize| {
        let work = move |group: i64| match guest {
            0 => write(2 * group),
            1 => write(2 * group + 1),
            _ if guest.is_multiple_of(2) => read([2 * group, 2 * group + 1]),
            _ => read([2 * group + 1, 2 * group]),
        };
        (0..GROUPS).map(work).collect()
    };
    let lists: Vec<_> = (0..GUESTS).map(list).collect();
    let play = stage.play(Manner::PATIENT, &lists).await;
    play.report("long fork");
    assert_eq!(play.committed(), play.told.len());
    let answers: Vec<_> = play.told.iter().filter_map(|(_, told)| told.ok()).collect();
    for group in 0..GROUPS {
        let is_of_group = |steps: &&&Vec<Step>| {
            steps
                .iter()
                .any(|step| matches!(step, Step::Read { key, .. } if key.div_euclid(2) == group))
        };
        let reads = answers.iter().filter(is_of_group).map(|steps| seen(steps));
        let reads: Vec<_> = reads.collect();
        assert_eq!(fork(&reads), None, "group {group}");
    }
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
    let read = Appends {
        steps: vec![Step::Read { key, list: None }],
    };
    read.perform(client).await.expect("read")
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
