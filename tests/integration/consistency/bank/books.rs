//! What is wrong with the books of a bank.

use std::collections::{BTreeMap, BTreeSet};

use super::{Business, Told};

/// Balances before and after, and the ids of the transfers that were entered.
#[derive(Debug, Clone)]
pub(super) struct Books {
    pub(super) opening: BTreeMap<i64, i64>,
    pub(super) closing: BTreeMap<i64, i64>,
    pub(super) entered: BTreeSet<i64>,
}

/// Compares what everybody was told with each other and with the books. Only where the answer was that it is not known may the books say
/// either.
pub(super) fn check(told: &[(Business, Told<Vec<i64>>)], books: &Books) -> Vec<String> {
    let total: i64 = books.opening.values().sum();
    let mut mistakes = Vec::new();
    let mut expected = books.opening.clone();
    for (business, became) in told {
        let mut mistake = |what: &str| mistakes.push(format!("{business:?}, {became:?}: {what}"));
        if became
            .ok()
            .is_some_and(|seen| seen.iter().any(|&balance| balance < 0))
        {
            mistake("a balance is negative");
        }
        match *business {
            Business::Audit { .. } => {
                if became
                    .ok()
                    .is_some_and(|seen| seen.iter().sum::<i64>() != total)
                {
                    mistake("the total is another");
                }
            }
            Business::Transfer {
                id,
                from,
                to,
                amount,
            } => {
                let is_entered = books.entered.contains(&id);
                let must_be = match became {
                    Told::Ok(_) => Some(true),
                    Told::Rejected(_) | Told::Exhausted(_) | Told::Failed(_) => Some(false),
                    Told::Unknown(_) => None,
                };
                if must_be.is_some_and(|must_be| must_be != is_entered) {
                    mistake("the books say otherwise");
                }
                if is_entered {
                    *expected.entry(from).or_default() -= amount;
                    *expected.entry(to).or_default() += amount;
                }
            }
        }
    }
    if expected != books.closing {
        let closing = &books.closing;
        mistakes.push(format!("the balances are {closing:?}, not {expected:?}"));
    }
    mistakes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSFER: Business = Business::Transfer {
        id: 7,
        from: 1,
        to: 2,
        amount: 30,
    };

    fn books(closing: [i64; 2], entered: &[i64]) -> Books {
        Books {
            opening: BTreeMap::from([(1, 100), (2, 100)]),
            closing: BTreeMap::from([(1, closing[0]), (2, closing[1])]),
            entered: entered.iter().copied().collect(),
        }
    }

    fn audit(seen: &[i64]) -> (Business, Told<Vec<i64>>) {
        (Business::Audit { middle: 1 }, Told::Ok(seen.to_vec()))
    }

    fn transfers() -> [(Business, Told<Vec<i64>>); 5] {
        [
            Told::Ok(vec![70, 130]),
            Told::Rejected("not enough".to_owned()),
            Told::Exhausted(4),
            Told::Failed("busy".to_owned()),
            Told::Unknown("cut".to_owned()),
        ]
        .map(|told| (TRANSFER, told))
    }

    #[test]
    fn sound_books_are_sound() {
        let (entered, not) = (books([70, 130], &[7]), books([100, 100], &[]));
        let [ok, rejected, exhausted, failed, unknown] = transfers();
        assert_eq!(check(&[ok, audit(&[100, 100])], &entered), [""; 0]);
        for told in [rejected, exhausted, failed, unknown.clone()] {
            assert_eq!(check(&[told, audit(&[200, 0])], &not), [""; 0]);
        }
        assert_eq!(check(&[unknown], &entered), [""; 0]);
    }

    #[test]
    fn what_contradicts_the_books_is_found() {
        let (entered, not) = (books([70, 130], &[7]), books([100, 100], &[]));
        let [ok, rejected, exhausted, failed, unknown] = transfers();
        assert_eq!(check(&[ok], &not).len(), 1);
        for told in [rejected, exhausted, failed] {
            assert_eq!(check(&[told], &entered).len(), 1);
        }
        let lost = books([70, 100], &[7]);
        assert_eq!(check(&[unknown], &lost).len(), 1);
    }

    #[test]
    fn what_an_audit_may_not_see_is_found() {
        let books = books([100, 100], &[]);
        assert_eq!(check(&[audit(&[100, 101])], &books).len(), 1);
        assert_eq!(check(&[audit(&[-1, 201])], &books).len(), 1);
    }
}
