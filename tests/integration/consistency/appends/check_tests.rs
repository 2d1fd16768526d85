//! The checker on histories made by hand, one for each anomaly, and on what a serial and a snapshot database would do.

use std::collections::BTreeSet;

use tests::Random;

use super::check::{Kind, Lists, Outcome, Step, Transaction, check, kinds};

const X: i64 = 1;
const Y: i64 = 2;

fn append(key: i64, value: i64) -> Step {
    Step::Append { key, value }
}

fn read(key: i64, list: &[i64]) -> Step {
    Step::Read {
        key,
        list: Some(list.to_vec()),
    }
}

fn ended(outcome: Outcome, steps: &[Step]) -> Transaction {
    Transaction {
        outcome,
        steps: steps.to_vec(),
    }
}

fn ok(steps: &[Step]) -> Transaction {
    ended(Outcome::Ok, steps)
}

/// Asserts what is found in a history that ends with these lists of X and Y.
#[track_caller]
fn expect(history: &[Transaction], x: &[i64], y: &[i64], expected: &[Kind]) {
    let found = check(history, &Lists::from([(X, x.to_vec()), (Y, y.to_vec())]));
    assert_eq!(kinds(&found), expected, "{found:?}");
}

#[test]
fn a_serial_history_is_sound() {
    let history = [
        ok(&[read(X, &[]), append(X, 1), read(X, &[1]), append(X, 2)]),
        ended(Outcome::Fail, &[append(X, 3)]),
        ended(Outcome::Info, &[append(Y, 4)]),
        ended(Outcome::Info, &[append(Y, 5)]),
        ok(&[append(Y, 6), read(Y, &[5, 6]), read(X, &[1, 2])]),
    ];
    expect(&history, &[1, 2], &[5, 6], &[]);
}

#[test]
fn a_circle_of_writes_is_g0() {
    let history = [
        ok(&[append(X, 1), append(Y, 1)]),
        ok(&[append(X, 2), append(Y, 2)]),
    ];
    expect(&history, &[1, 2], &[2, 1], &[Kind::G0]);
}

#[test]
fn what_failed_and_was_seen_is_g1a() {
    let history = [ended(Outcome::Fail, &[append(X, 1)]), ok(&[read(X, &[1])])];
    expect(&history, &[1], &[], &[Kind::G1a]);
    // It went away again: then there is no order either.
    expect(&history, &[], &[], &[Kind::IncompatibleOrder, Kind::G1a]);
}

#[test]
fn what_was_seen_before_its_end_is_g1b() {
    let history = [ok(&[append(X, 1), append(X, 2)]), ok(&[read(X, &[1])])];
    // Who reads in the middle also comes both before and behind.
    expect(&history, &[1, 2], &[], &[Kind::G1b, Kind::GSingle]);
}

#[test]
fn a_circle_of_reads_is_g1c() {
    let history = [
        ok(&[append(X, 1), read(Y, &[1])]),
        ok(&[append(Y, 1), read(X, &[1])]),
    ];
    expect(&history, &[1], &[1], &[Kind::G1c]);
}

#[test]
fn a_skewed_read_is_g_single() {
    let history = [
        ok(&[append(X, 1), append(Y, 1)]),
        ok(&[read(X, &[]), read(Y, &[1])]),
    ];
    expect(&history, &[1], &[1], &[Kind::GSingle]);
}

#[test]
fn a_lost_update_is_g_single_too() {
    let history = [
        ok(&[read(X, &[]), append(X, 1)]),
        ok(&[read(X, &[]), append(X, 2)]),
    ];
    expect(&history, &[1, 2], &[], &[Kind::GSingle]);
    expect(&history, &[2], &[], &[Kind::Lost]);
}

#[test]
fn a_write_skew_is_g2() {
    let history = [
        ok(&[read(X, &[]), append(Y, 1)]),
        ok(&[read(Y, &[]), append(X, 1)]),
    ];
    expect(&history, &[1], &[1], &[Kind::G2]);
    // If one of them is of unknown outcome and was not kept, all is well.
    let [first, mut second] = history;
    second.outcome = Outcome::Info;
    expect(&[first.clone(), second.clone()], &[], &[1], &[]);
    // If it was kept, it may not have seen what its reads say, which are not known.
    expect(&[first, second], &[1], &[1], &[]);
}

#[test]
fn a_circle_is_found_through_who_is_of_unknown_outcome() {
    let history = [
        ended(Outcome::Info, &[append(X, 1), append(Y, 1)]),
        ok(&[read(X, &[]), read(Y, &[1])]),
    ];
    expect(&history, &[1], &[1], &[Kind::GSingle]);
}

#[test]
fn a_read_only_transaction_can_close_a_circle() {
    // Fekete, O'Neil, O'Neil, "A Read-Only Transaction Anomaly Under Snapshot Isolation", 2004.
    let history = [
        ok(&[append(Y, 20)]),
        ok(&[read(X, &[]), read(Y, &[]), append(X, -11)]),
        ok(&[read(X, &[]), read(Y, &[20])]),
    ];
    expect(&history, &[-11], &[20], &[Kind::G2]);
    expect(&history[..2], &[-11], &[20], &[]);
}

#[test]
fn what_a_transaction_forgets_is_internal() {
    let history = [ok(&[append(X, 1), read(X, &[])])];
    expect(&history, &[1], &[], &[Kind::Internal]);
    let history = [
        ok(&[append(X, 1)]),
        ok(&[append(X, 2)]),
        ok(&[read(X, &[1]), read(X, &[1, 2])]),
    ];
    expect(&history, &[1, 2], &[], &[Kind::Internal]);
}

#[test]
fn what_is_no_list_of_appends_is_found() {
    let history = [ok(&[append(X, 1)]), ok(&[append(X, 2)])];
    let with = |list: &[i64]| [&history[..], &[ok(&[read(X, list)])]].concat();
    let missed = [Kind::IncompatibleOrder, Kind::GSingle];
    expect(&with(&[2]), &[1, 2], &[], &missed);
    expect(&with(&[1, 1]), &[1, 1, 2], &[], &[Kind::Duplicate]);
    expect(&with(&[1, 7]), &[1, 7, 2], &[], &[Kind::Garbage]);
}

/// A transaction of up to four steps on four keys, which appends values that nobody else does.
fn draw(random: &mut Random, next: &mut i64) -> Vec<Step> {
    let steps = 1 + random.below(4);
    let step = |_| {
        let key = i64::try_from(random.below(4)).expect("small");
        *next += 1;
        if random.once_in(2) {
            append(key, *next)
        } else {
            Step::Read { key, list: None }
        }
    };
    (0..steps).map(step).collect()
}

/// Does the steps on these lists.
fn apply(lists: &mut Lists, steps: &mut [Step]) {
    for step in steps {
        match step {
            Step::Append { key, value } => lists.entry(*key).or_default().push(*value),
            Step::Read { key, list } => *list = Some(lists.get(key).cloned().unwrap_or_default()),
        }
    }
}

#[test]
fn no_anomaly_is_found_in_what_happened_one_after_the_other() {
    for seed in 0..200 {
        let (mut random, mut next) = (Random::new(seed), 0);
        let (mut lists, mut history) = (Lists::new(), Vec::new());
        for _ in 0..40 {
            let mut steps = draw(&mut random, &mut next);
            let outcome = *random.pick(&[Outcome::Ok, Outcome::Ok, Outcome::Fail, Outcome::Info]);
            if outcome == Outcome::Ok || outcome == Outcome::Info && random.once_in(2) {
                apply(&mut lists, &mut steps);
            }
            history.push(Transaction { outcome, steps });
        }
        let found = check(&history, &lists);
        assert_eq!(found, [], "seed {seed}");
    }
}

/// What a transaction at snapshot isolation appends, and to which lists as it found them.
fn snapshot(random: &mut Random, next: &mut i64, lists: &Lists) -> (Vec<Step>, Lists) {
    let mut steps = draw(random, next);
    apply(&mut lists.clone(), &mut steps);
    (steps, lists.clone())
}

#[test]
fn snapshots_show_write_skew_and_nothing_else() {
    let mut found = BTreeSet::new();
    for seed in 0..200 {
        let (mut random, mut next) = (Random::new(seed), 0);
        let (mut lists, mut history) = (Lists::new(), Vec::new());
        let mut open = Vec::new();
        for _ in 0..60 {
            open.push(snapshot(&mut random, &mut next, &lists));
            if open.len() < 4 {
                continue;
            }
            let (steps, seen) = open.swap_remove(random.below(4));
            // The first who commits wins.
            let lost = steps.iter().any(|step| match step {
                Step::Append { key, .. } => lists.get(key) != seen.get(key),
                Step::Read { .. } => false,
            });
            let outcome = if lost { Outcome::Fail } else { Outcome::Ok };
            if !lost {
                apply(&mut lists, &mut steps.clone());
            }
            history.push(Transaction { outcome, steps });
        }
        let kinds = kinds(&check(&history, &lists));
        assert!(
            kinds.iter().all(|kind| *kind == Kind::G2),
            "seed {seed}: {kinds:?}"
        );
        found.extend(kinds);
    }
    assert_eq!(found, BTreeSet::from([Kind::G2]));
}
