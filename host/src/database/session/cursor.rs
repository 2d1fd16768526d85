//! Cursors: the rows of one query, a part at a time.
//!
//! Outside a transaction a cursor has a read-only one of its own, on a connection of its own. It lasts until the cursor is read to its
//! end or closed, at most until the deadline of the run; it holds no locks that others wait for, so nothing else bounds its age. At the
//! end it is committed, since only that proves that the rows were a state of the database that ever was.
//!
//! Opening is one round trip, which also brings the first row, and with it the columns. Each part is one more, the first of a large
//! size two, and the end is one.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::OwnedSemaphorePermit;
use tokio_postgres::Row;

use super::{Session, Usage};
use crate::database::{
    classify::Phase,
    error::Error,
    failure::Failure,
    lease::{Answer, Author, BEGIN_READ_ONLY, Begin, Bounds, Ending, Lease, Query},
    limits::LimitExceeded,
    rows::{Column, Measure, Rows},
    statement::{SqlText, Statement},
    value::Value,
};

/// How many rows are asked for at most as long as few are known: those that follow may be much larger.
const FIRST_ROWS: u64 = 100;

/// How many times the bytes of one result may come at once, if the rows have become larger than those before. They are given out in
/// parts; more than that ends the cursor.
const AHEAD: u64 = 4;

/// A cursor outside a transaction may be idle for as long as the guest likes: it holds nothing that others wait for.
const MAY_BE_IDLE: &str = "SET LOCAL idle_in_transaction_session_timeout = 0";

const BUSY: &str = "no connection is free for a cursor beside one for other calls: drop a cursor, or try again later";
/// The connection was lost between two calls.
const LOST: Failure = Failure::Lost {
    sent: false,
    sqlstate: None,
};

/// Names a cursor of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CursorId(u64);

/// The cursors of a session.
#[derive(Default)]
pub(super) struct Cursors {
    opened: u64,
    cursors: BTreeMap<CursorId, Cursor>,
}

struct Cursor {
    id: CursorId,
    columns: Vec<Column>,
    measure: Measure,
    /// Rows that have come and were not given out yet, each with its size.
    ahead: VecDeque<(Row, u64)>,
    /// How many rows have come, and the size of the largest.
    seen: u64,
    largest: u64,
    state: State,
}

enum State {
    /// On the connection of the open transaction, in which so many savepoints were open.
    Inside(usize),
    /// With a connection of its own, which is given back before its place among those of cursors is free again.
    Open(Box<Lease>, OwnedSemaphorePermit),
    /// All rows have come, and the transaction is committed.
    AtEnd,
    /// It failed in this way.
    Over(String),
}

/// A part of the rows that is being put together.
#[derive(Default)]
struct Part {
    rows: Vec<Row>,
    bytes: u64,
}

/// A cursor about to be opened.
struct Opening<'t> {
    id: CursorId,
    text: SqlText<'t>,
    declare: Statement<'t>,
    /// How many characters of the declaration stand before the text.
    before: usize,
}

impl Session {
    /// Opens a cursor over a query, if a connection is free for it.
    pub async fn open_cursor(
        &mut self,
        text: &str,
        parameters: &[Value<'_>],
    ) -> Result<CursorId, Error> {
        let (text, statement) = self.check_text(text, parameters)?;
        if !text.is_query {
            return Err(Error::Invalid(
                "a cursor is over a query that changes nothing: SELECT, VALUES, TABLE or WITH; a column named as a keyword that writes goes in double quotes"
                    .to_owned(),
            ));
        }
        self.charge(|usage, limits| usage.open_cursors(self.cursors.open(), limits))?;
        // In an open transaction it is counted as it is sent.
        if !self.is_in_transaction() {
            self.charge(Usage::statement)?;
        }
        self.cursors.opened += 1;
        let opening = Opening::new(CursorId(self.cursors.opened), text, statement);
        let mut attempts = self.attempts("cursor");
        let cursor = loop {
            let outcome = self.open_once(&opening).await;
            if let Some(outcome) = self.conclude(&mut attempts, outcome).await {
                break outcome?;
            }
        };
        let id = cursor.id;
        self.cursors.cursors.insert(id, cursor);
        Ok(id)
    }

    /// The columns of a cursor.
    pub fn cursor_columns(&self, cursor: CursorId) -> &[Column] {
        let cursor = self.cursors.cursors.get(&cursor);
        cursor.map_or(&[], |cursor| &cursor.columns)
    }

    /// The next rows, at least one and at most `max_rows`, as many as the limits of a result allow; none after the last.
    pub async fn fetch(&mut self, cursor: CursorId, max_rows: u32) -> Result<Option<Rows>, Error> {
        if max_rows == 0 {
            return Err(Error::Invalid("a part has at least one row".to_owned()));
        }
        // Taken out while it is worked on: if this future is dropped, so is the cursor.
        let Some(mut taken) = self.cursors.cursors.remove(&cursor) else {
            return Err(Error::Closed("the cursor was closed".to_owned()));
        };
        let at_most = u64::from(max_rows).min(self.limits.result_rows).max(1);
        let part = self.next_part(&mut taken, at_most).await;
        let columns = part.is_ok().then(|| taken.columns.clone());
        self.cursors.cursors.insert(cursor, taken);
        let part = part?.map(|rows| Rows::new(columns.unwrap_or_default(), rows));
        Ok(part)
    }

    /// Ends a cursor and gives its connection back.
    pub async fn close_cursor(&mut self, cursor: CursorId) {
        if let Some(cursor) = self.cursors.cursors.remove(&cursor) {
            self.end_cursor(cursor).await;
        }
    }

    pub(super) async fn close_cursors(&mut self) {
        while let Some((_, cursor)) = self.cursors.cursors.pop_first() {
            self.end_cursor(cursor).await;
        }
    }

    async fn end_cursor(&mut self, cursor: Cursor) {
        match cursor.state {
            State::Open(mut lease, place) => {
                lease.roll_back().await;
                drop(place);
            }
            State::Inside(_) => self.close_inside(cursor.id.close()),
            State::AtEnd | State::Over(_) => {}
        }
    }

    async fn open_once(&mut self, opening: &Opening<'_>) -> Result<Cursor, Error> {
        if self.is_in_transaction() {
            return self.open_in_transaction(opening).await;
        }
        let acquired = self
            .database
            .pool()
            .acquire_for_cursor(&self.borrower, self.deadline)
            .await;
        let (mut lease, place) = acquired.map_err(|failure| {
            if matches!(failure, Failure::Busy) {
                return Error::Busy(BUSY.to_owned());
            }
            failure.into_error(Phase::Read, self.database.server().kind)
        })?;
        let fetch = opening.id.fetch(1);
        let requests = opening.requests(&fetch);
        // The size of a single row is bounded by that of a frame. Whether it is too large is said when it is asked for.
        let bounds = Bounds {
            bytes: u64::MAX,
            ..self.bounds(Author::Guest)
        };
        lease.begin(Begin::Needed(BEGIN_READ_ONLY));
        lease.before_next(MAY_BE_IDLE.to_owned());
        let outcome = lease.run_together(&requests, Ending::Open, &bounds).await;
        let mut answers = match outcome {
            Ok(answers) => answers,
            Err(broken) => {
                lease.roll_back().await;
                let phase = Phase::Transaction;
                let error = self.explain(broken.failure, &opening.declare, Author::Guest, phase);
                return Err(opening.in_text(error));
            }
        };
        let Some(first) = answers.pop() else {
            return Err(Error::Other("protocol: FETCH was not answered".to_owned()));
        };
        let state = State::Open(Box::new(lease), place);
        self.opened_cursor(opening.id, first, state).await
    }

    async fn open_in_transaction(&mut self, opening: &Opening<'_>) -> Result<Cursor, Error> {
        let depth = self.depth();
        let fetch = opening.id.fetch(1);
        let requests = opening.requests(&fetch);
        let first = self.open_inside(&requests, &opening.declare).await;
        let Some(first) = first.map_err(|error| opening.in_text(error))? else {
            return Err(Error::Other("protocol: FETCH was not answered".to_owned()));
        };
        self.opened_cursor(opening.id, first, State::Inside(depth))
            .await
    }

    async fn opened_cursor(
        &mut self,
        id: CursorId,
        first: Answer,
        state: State,
    ) -> Result<Cursor, Error> {
        let described = self.described(first.columns.clone(), Vec::new()).await;
        let mut cursor = Cursor {
            id,
            columns: described.columns().to_vec(),
            measure: Measure::of(&first.columns),
            ahead: VecDeque::new(),
            seen: 0,
            largest: 0,
            state,
        };
        if cursor.keep(first.rows) < 1 {
            self.finish_cursor(&mut cursor).await?;
        }
        Ok(cursor)
    }

    async fn next_part(
        &mut self,
        cursor: &mut Cursor,
        at_most: u64,
    ) -> Result<Option<Vec<Row>>, Error> {
        if let State::Over(how) = &cursor.state {
            return Err(Error::Closed(format!("the cursor is over: {how}")));
        }
        let maximum = self.limits.result_bytes;
        let mut part = Part::default();
        loop {
            cursor.fill(&mut part, at_most, maximum)?;
            let wanted = cursor.wanted(&part, at_most, maximum);
            if wanted == 0 {
                break;
            }
            self.read_ahead(cursor, wanted).await?;
        }
        self.charge(|usage, limits| usage.result_rows(part.rows.len() as u64, limits))?;
        self.charge(|usage, limits| usage.result_bytes(part.bytes, limits))?;
        Ok((!part.rows.is_empty()).then_some(part.rows))
    }

    async fn read_ahead(&mut self, cursor: &mut Cursor, wanted: u64) -> Result<(), Error> {
        let bounds = Bounds {
            bytes: self.limits.result_bytes.saturating_mul(AHEAD),
            rows: wanted,
            ..self.bounds(Author::Guest)
        };
        let lease = match &mut cursor.state {
            State::Open(lease, _) => lease,
            State::Inside(_) => return self.read_inside(cursor, wanted, &bounds).await,
            State::AtEnd | State::Over(_) => return Ok(()),
        };
        self.charge(Usage::statement)?;
        let answer = lease.run(&cursor.id.fetch(wanted), &[], &bounds).await;
        match answer {
            Ok(answer) => {
                if cursor.keep(answer.rows) < wanted {
                    self.finish_cursor(cursor).await?;
                }
                Ok(())
            }
            Err(failure) => {
                let (statement, phase) = (Statement::default(), Phase::Transaction);
                // That its connection was lost may have been noticed before.
                let failure = if matches!(failure, Failure::Over) {
                    LOST
                } else {
                    failure
                };
                let error = self.explain(failure, &statement, Author::Guest, phase);
                let over = State::Over(error.to_string());
                if let State::Open(mut lease, _) = std::mem::replace(&mut cursor.state, over) {
                    lease.roll_back().await;
                }
                Err(error)
            }
        }
    }

    async fn read_inside(
        &mut self,
        cursor: &mut Cursor,
        wanted: u64,
        bounds: &Bounds,
    ) -> Result<(), Error> {
        match self.fetch_inside(cursor.id.fetch(wanted), bounds).await {
            Ok(answer) => {
                if cursor.keep(answer.rows) < wanted {
                    self.finish_cursor(cursor).await?;
                }
                Ok(())
            }
            Err(error) => {
                cursor.state = State::Over(error.to_string());
                Err(error)
            }
        }
    }

    /// Commits what a cursor has read to its end.
    async fn finish_cursor(&mut self, cursor: &mut Cursor) -> Result<(), Error> {
        let state = std::mem::replace(&mut cursor.state, State::AtEnd);
        let (mut lease, _place) = match state {
            State::Open(lease, place) => (lease, place),
            State::Inside(_) => {
                self.close_inside(cursor.id.close());
                return Ok(());
            }
            State::AtEnd | State::Over(_) => return Ok(()),
        };
        let committed = lease.commit(None, &self.bounds(Author::Host)).await;
        committed.map_err(|broken| {
            // It changed nothing: there is no doubt about what was kept.
            let error = broken
                .failure
                .into_error(Phase::Transaction, self.database.server().kind);
            cursor.state = State::Over(error.to_string());
            error
        })
    }
}

impl CursorId {
    fn name(self) -> String {
        format!("chitin_{}", self.0)
    }

    fn close(self) -> String {
        format!("CLOSE {}", self.name())
    }

    fn fetch(self, rows: u64) -> String {
        format!("FETCH FORWARD {rows} FROM {}", self.name())
    }
}

impl Cursors {
    /// How many hold a connection.
    pub(super) fn open(&self) -> usize {
        let states = self.cursors.values().map(|cursor| &cursor.state);
        states
            .filter(|state| matches!(state, State::Open(..) | State::Inside(_)))
            .count()
    }

    /// Ends those of the transaction that were opened with at least so many savepoints.
    pub(super) fn end_inside(&mut self, depth: usize, why: &str) {
        for cursor in self.cursors.values_mut() {
            if matches!(cursor.state, State::Inside(opened) if opened >= depth) {
                cursor.state = State::Over(why.to_owned());
            }
        }
    }

    /// Makes those that were opened in the innermost of so many savepoints a part of what is around it.
    pub(super) fn release(&mut self, depth: usize) {
        for cursor in self.cursors.values_mut() {
            if let State::Inside(opened) = &mut cursor.state {
                *opened = (*opened).min(depth.saturating_sub(1));
            }
        }
    }
}

impl<'t> Opening<'t> {
    fn new(id: CursorId, text: SqlText<'t>, statement: Statement<'t>) -> Self {
        let begin = format!("DECLARE {} NO SCROLL CURSOR FOR ", id.name());
        let sql = format!("{begin}{}", text.statement);
        Self {
            id,
            text,
            before: begin.len(),
            declare: Statement { sql, ..statement },
        }
    }

    /// The declaration, and what brings the first row.
    fn requests<'a>(&'a self, fetch: &'a str) -> [Query<'a>; 2] {
        [
            Query {
                sql: &self.declare.sql,
                parameters: &self.declare.parameters,
            },
            Query {
                sql: fetch,
                parameters: &[],
            },
        ]
    }

    /// Says where an error is in the text of the guest, who did not write the declaration.
    fn in_text(&self, mut error: Error) -> Error {
        if let Error::Database(error) = &mut error
            && let Some(position) = &mut error.position
        {
            let before = u32::try_from(self.before).unwrap_or(0);
            let offset = u32::try_from(self.text.offset).unwrap_or(0);
            *position = position.saturating_sub(before).saturating_add(offset);
        }
        error
    }
}

impl Cursor {
    /// Takes in rows that came, and gives their number.
    fn keep(&mut self, rows: Vec<Row>) -> u64 {
        let count = rows.len() as u64;
        for row in rows {
            let size = self.measure.bytes(&row);
            self.largest = self.largest.max(size);
            self.ahead.push_back((row, size));
        }
        self.seen += count;
        count
    }

    /// Moves rows that have come into a part, as many as fit.
    fn fill(&mut self, part: &mut Part, at_most: u64, maximum: u64) -> Result<(), Error> {
        while let Some((_, size)) = self.ahead.front() {
            let used = part.bytes.saturating_add(*size);
            let is_full = part.rows.len() as u64 >= at_most;
            if used > maximum && part.rows.is_empty() {
                return Err(Error::Limit(LimitExceeded {
                    name: "result-bytes",
                    used,
                    maximum,
                }));
            }
            if is_full || used > maximum {
                break;
            }
            part.bytes = used;
            part.rows.extend(self.ahead.pop_front().map(|(row, _)| row));
        }
        Ok(())
    }

    /// How many rows to ask the server for, so that they are likely to fit.
    fn wanted(&self, part: &Part, at_most: u64, maximum: u64) -> u64 {
        let missing = at_most.saturating_sub(part.rows.len() as u64);
        if !self.ahead.is_empty() || !matches!(self.state, State::Open(..) | State::Inside(_)) {
            return 0;
        }
        let room = maximum.saturating_sub(part.bytes) / self.largest.max(1);
        let fitting = if part.rows.is_empty() {
            room.max(1)
        } else {
            room
        };
        missing
            .min(fitting)
            .min(self.seen.saturating_mul(10).max(FIRST_ROWS))
    }
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.cursors.keys();
        formatter.debug_set().entries(ids).finish()
    }
}
