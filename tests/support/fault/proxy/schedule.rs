use std::collections::{HashMap, VecDeque};

use super::{
    message::Message,
    rule::{Action, Rule, Side, Trigger},
    statement::{Statement, Which},
    tracker::Seen,
};
use crate::Random;

/// How much is kept of what passed.
const JOURNAL_LINES: usize = 10_000;
/// How much of it a test that fails says.
const TOLD_LINES: usize = 60;

/// What the proxy does about what passes: the rules of the test first, and then chance, which is the same for the same seed.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    pub(super) rules: Vec<Rule>,
    pub(super) chaos: Option<Chaos>,
    /// The chances of each connection.
    chances: HashMap<usize, Random>,
    /// How often anything but passing was done.
    pub(super) done: usize,
    pub(super) statements: VecDeque<Statement>,
    pub(super) journal: VecDeque<String>,
}

/// Faults that come by chance. What happens to the n-th message of a connection from then on depends on the seed, the number of the
/// connection and n alone, so that a run fails again in the same way.
#[derive(Debug, Clone)]
pub struct Chaos {
    seed: u64,
    one_in: usize,
    actions: Vec<Action>,
}

/// What passes.
pub(super) struct Passing<'a> {
    pub(super) connection: usize,
    pub(super) side: Side,
    pub(super) message: &'a Message,
    /// Of the client's: the statement that it is the first to name.
    pub(super) named: Option<&'a Statement>,
    /// Of the client's: the statement that it runs.
    pub(super) asked: Option<&'a Statement>,
    /// Of the server's: what it answers.
    pub(super) seen: Option<&'a Seen>,
}

/// What is done about a message, before or after its first byte.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) action: Action,
    /// How many of its bytes pass before.
    pub(super) at: usize,
}

impl Chaos {
    /// One message in so many is met by one of these, a part of it having passed or not.
    pub fn new(seed: u64, one_in: usize, actions: impl IntoIterator<Item = Action>) -> Self {
        Self {
            seed,
            one_in,
            actions: actions.into_iter().collect(),
        }
    }

    /// The chance of one connection.
    fn of(&self, connection: usize) -> Random {
        let connection = u64::try_from(connection).expect("few");
        Random::new(self.seed ^ connection.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn draw(&self, random: &mut Random, length: usize) -> Option<Verdict> {
        let meets = random.once_in(self.one_in);
        // Drawn in any case, so that what comes later does not depend on it.
        let (action, at) = (random.below(self.actions.len()), random.below(length + 1));
        let action = self.actions.get(action)?.clone();
        meets.then_some(Verdict { action, at })
    }
}

impl Schedule {
    /// Begins to leave things to chance.
    pub(super) fn begin(&mut self, chaos: Chaos) {
        self.chances.clear();
        self.chaos = Some(chaos);
    }

    /// What is done about a message.
    pub(super) fn judge(&mut self, passing: &Passing<'_>) -> Verdict {
        let mut verdict = None;
        self.rules.retain_mut(|rule| {
            let Some(at) = rule.meets(passing).filter(|_| verdict.is_none()) else {
                return true;
            };
            let action = rule.action.clone();
            verdict = Some(Verdict { action, at });
            rule.always
        });
        let by_chance = self.chaos.as_ref().and_then(|chaos| {
            let own = || chaos.of(passing.connection);
            let random = self.chances.entry(passing.connection).or_insert_with(own);
            chaos.draw(random, passing.message.bytes.len())
        });
        let verdict = verdict.or(by_chance);
        self.done += usize::from(verdict.is_some());
        verdict.unwrap_or(Verdict {
            action: Action::Pass,
            at: 0,
        })
    }

    /// Takes note of a statement.
    pub(super) fn asked(&mut self, statement: &Statement) {
        if self.statements.len() == JOURNAL_LINES {
            self.statements.pop_front();
        }
        self.statements.push_back(statement.clone());
    }

    /// Takes note of what happened.
    pub(super) fn note(&mut self, line: String) {
        if self.journal.len() == JOURNAL_LINES {
            self.journal.pop_front();
        }
        self.journal.push_back(line);
    }

    /// Says what a test that failed can be repeated with.
    #[expect(clippy::print_stderr, reason = "it is what a test that fails says")]
    pub(super) fn tell(&self) {
        if let Some(chaos) = &self.chaos {
            eprintln!("the seed of what happened by chance is {}", chaos.seed);
        }
        let last = self.journal.len().saturating_sub(TOLD_LINES);
        for line in self.journal.iter().skip(last) {
            eprintln!("{line}");
        }
    }
}

impl Rule {
    /// Whether its time has come with this message, and after how many bytes of it.
    fn meets(&mut self, passing: &Passing<'_>) -> Option<usize> {
        let length = passing.message.bytes.len();
        if let Trigger::Byte(side, _) = self.trigger {
            if side != passing.side {
                return None;
            }
            let at = self.skip;
            self.skip = self.skip.saturating_sub(length);
            return (at < length).then_some(at);
        }
        let at = met(self.trigger, passing)?;
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        Some(at)
    }
}

/// Whether a trigger is met by this message, and at which byte.
fn met(trigger: Trigger, passing: &Passing<'_>) -> Option<usize> {
    let is_any = |which: Which, statements: &[Statement]| {
        statements.iter().any(|statement| which.holds(statement))
    };
    let kind = passing.message.kind;
    let seen = passing.seen;
    let is_met = match trigger {
        Trigger::Start => kind == 0,
        Trigger::Named(which) => passing.named.is_some_and(|named| which.holds(named)),
        Trigger::Asked(which) => passing.asked.is_some_and(|asked| which.holds(asked)),
        Trigger::Reply(which) => {
            seen.is_some_and(|seen| seen.is_first && is_any(which, &seen.statements))
        }
        Trigger::ReplyByte(which, number) => {
            let seen = seen.filter(|seen| is_any(which, &seen.statements))?;
            let at = number.checked_sub(seen.before)?;
            return (at < passing.message.bytes.len()).then_some(at);
        }
        Trigger::Done(which) => {
            let statement = seen.and_then(|seen| seen.statement.as_ref());
            kind == b'C' && statement.is_some_and(|statement| which.holds(statement))
        }
        Trigger::Ready(which) => {
            kind == b'Z' && seen.is_some_and(|seen| is_any(which, &seen.statements))
        }
        Trigger::Message(side) => side == passing.side,
        Trigger::Byte(..) => false,
    };
    is_met.then_some(0)
}
