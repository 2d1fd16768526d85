//! The cases of Hermitage, with guests as the sessions: the test says who does what and when, and what was seen must have happened in
//! some serial order.

mod cases;
mod model;
mod session;

use std::{collections::BTreeSet, time::Duration};

use tests::TestDatabase;
use tokio::time::timeout;
use tokio_postgres::Client;

use self::{
    cases::{Case, Line, cases},
    model::{Answer, Committed, Statement, Table, serial_order},
    session::{Said, Session, Word},
};
use super::{plain::Isolation, stage::Stage};

/// How soon to look whether somebody who does not answer stands before a lock.
const LOOK: Duration = Duration::from_millis(5);

/// One of those who take part.
struct Part {
    session: Session,
    /// What it was told and has not answered.
    told: Option<Line>,
    /// What it did since it began.
    seen: Committed,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// It lost a race.
    Lost,
    Committed,
    Aborted,
}

impl Part {
    async fn new(mut session: Session) -> Self {
        assert_eq!(session.ask(Word::Begin).await, Said::Done);
        Self {
            session,
            told: None,
            seen: Vec::new(),
            state: State::Open,
        }
    }

    fn tell(&mut self, line: Line) {
        self.session.tell(match line {
            Line::Do(statement) if statement.gives_rows() => Word::Query(statement.sql()),
            Line::Do(statement) => Word::Execute(statement.sql()),
            Line::Commit => Word::Commit,
            Line::Abort => Word::Rollback,
        });
        self.told = Some(line);
    }

    /// Waits for the answer to what it was told, if there is one to come.
    async fn settle(&mut self) {
        let Some(line) = self.told else { return };
        let said = self.session.hear().await;
        self.told = None;
        self.state = match (line, said) {
            (_, Said::Retry) => State::Lost,
            (Line::Do(statement), Said::Rows(rows)) => self.saw(statement, Answer::Rows(rows)),
            (Line::Do(statement), Said::Count(count)) => self.saw(statement, Answer::Count(count)),
            (Line::Commit, Said::Done) => State::Committed,
            (Line::Abort, Said::Done) => State::Aborted,
            (line, said) => panic!("{line:?} was answered by {said:?}"),
        };
    }

    fn saw(&mut self, statement: Statement, answer: Answer) -> State {
        self.seen.push((statement, answer));
        State::Open
    }

    /// Waits until it has answered or stands before a lock, as `waiting` of all do then.
    async fn settle_or_wait(&mut self, waiting: usize, watcher: &Client) {
        let look = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        // Hearing is a wait for a channel, which loses nothing when it is given up.
        while timeout(LOOK, self.settle()).await.is_err() {
            let blocked = watcher.query(look, &[]).await.expect("asked").len();
            if blocked == waiting {
                return;
            }
        }
    }

    /// After a lost race: all of it again, alone.
    async fn again(&mut self, lines: &[Line]) {
        while self.state == State::Lost {
            assert_eq!(self.session.ask(Word::Restart).await, Said::Done);
            self.seen.clear();
            self.state = State::Open;
            for line in lines {
                if self.state == State::Open {
                    self.tell(*line);
                    self.settle().await;
                }
            }
        }
    }
}

/// What came of a case.
struct Came {
    committed: Vec<Committed>,
    last: Table,
    begun_again: Vec<usize>,
}

async fn play(case: &Case, sessions: Vec<Session>, watcher: &Client) -> Came {
    let mut parts = Vec::new();
    for session in sessions {
        parts.push(Part::new(session).await);
    }
    for (number, line) in &case.script {
        let waiting = parts.iter().filter(|part| part.told.is_some()).count();
        let part = &mut parts[*number];
        let waiting = waiting - usize::from(part.told.is_some());
        part.settle().await;
        if part.state == State::Open {
            part.tell(*line);
            part.settle_or_wait(waiting + 1, watcher).await;
        }
    }
    for part in &mut parts {
        part.settle().await;
    }
    let lost = |part: &Part| part.state == State::Lost;
    let begun_again = (0..parts.len()).filter(|&number| lost(&parts[number]));
    let begun_again: Vec<_> = begun_again.collect();
    for &number in &begun_again {
        let lines = case.script.iter().filter(|(who, _)| *who == number);
        let lines: Vec<_> = lines.map(|(_, line)| *line).collect();
        parts[number].again(&lines).await;
    }
    let mut committed = Vec::new();
    for part in parts {
        if part.state == State::Committed {
            committed.push(part.seen);
        }
        part.session.end().await;
    }
    Came {
        committed,
        last: rows(watcher).await,
        begun_again,
    }
}

async fn rows(client: &Client) -> Table {
    let rows = client.query("SELECT id, value FROM test", &[]).await;
    let rows = rows.expect("read");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn make(database: &TestDatabase) -> Client {
    let client = database.client().await;
    for statement in [
        "CREATE TABLE test (id int8 PRIMARY KEY, value int8)",
        "INSERT INTO test VALUES (1, 10), (2, 20)",
    ] {
        client.execute(statement, &[]).await.expect("made");
    }
    client
}

impl Came {
    fn serial_order(&self) -> Option<Vec<usize>> {
        serial_order(
            &self.committed,
            &Table::from([(1, 10), (2, 20)]),
            &self.last,
        )
    }
}

impl Case {
    fn sessions(&self) -> usize {
        let sessions: BTreeSet<_> = self.script.iter().map(|(session, _)| session).collect();
        sessions.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_guests_see_has_a_serial_order() {
    for case in cases() {
        let database = super::database().await;
        let watcher = make(&database).await;
        let stage = Stage::new("converses", &database).await;
        let guests = (0..case.sessions()).map(|_| Session::guest(&stage));
        let came = play(&case, guests.collect(), &watcher).await;
        let order = came.serial_order();
        assert!(
            order.is_some(),
            "{}: {:?}, {:?}",
            case.name,
            came.committed,
            came.last
        );
        assert_eq!(came.begun_again, case.begin_again, "{}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_plain_sql_sees_has_one_at_serializable_and_not_at_read_committed() {
    for case in cases() {
        for isolation in [Isolation::Serializable, Isolation::ReadCommitted] {
            let database = super::database().await;
            let watcher = make(&database).await;
            let mut sessions = Vec::new();
            for _ in 0..case.sessions() {
                sessions.push(Session::plain(&database, isolation).await);
            }
            let came = play(&case, sessions, &watcher).await;
            let (begin_again, is_serial) = match isolation {
                Isolation::Serializable => (case.begin_again, true),
                Isolation::ReadCommitted => (&[][..], case.is_serial_at_read_committed),
            };
            let at = format!("{} at {isolation:?}: {:?}", case.name, came.committed);
            assert_eq!(came.serial_order().is_some(), is_serial, "{at}");
            assert_eq!(came.begun_again, begin_again, "{at}");
        }
    }
}
