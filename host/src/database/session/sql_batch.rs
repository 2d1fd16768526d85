use super::{Session, run::kept, transaction::Effects, write::Written};
use crate::database::{
    error::{ConversionError, Error},
    failure::Failure,
    lease::{Answer, Author, BEGIN, Begin, Broken, Ending, Query},
    request::SqlStatement,
    statement::{Gives, SqlText, Statement},
};

/// Statements that may be sent.
struct Checked<'t> {
    statements: Vec<Statement<'t>>,
    writes: bool,
    /// The results must have been seen before the commit: some of them could be too large, and then nothing must be kept.
    is_seen_first: bool,
}

impl Session {
    /// Runs SQL texts in this order as one transaction. No texts are no round trip; results are bounded together.
    ///
    /// One round trip. Where rows of any number come back beside a write, it is a second for the commit.
    pub async fn batch(&mut self, statements: &[SqlStatement]) -> Result<Vec<Written>, Error> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        let checked = self.check_batch(statements)?;
        let mut attempts = self.attempts("batch of SQL");
        let answers = loop {
            let outcome = self.batch_once(&checked).await;
            if let Some(outcome) = self.conclude(&mut attempts, outcome).await {
                break outcome;
            }
        };
        let mut results = Vec::with_capacity(statements.len());
        for answer in answers? {
            results.push(self.result(answer).await);
        }
        Ok(results)
    }

    /// Checks all texts before any is sent.
    fn check_batch<'t>(&mut self, statements: &'t [SqlStatement]) -> Result<Checked<'t>, Error> {
        let mut batch = Checked {
            statements: Vec::with_capacity(statements.len()),
            writes: false,
            is_seen_first: false,
        };
        for (place, statement) in statements.iter().enumerate() {
            let SqlStatement { text, parameters } = statement;
            let checked = self.check_text(text, parameters);
            let (text, statement) = checked.map_err(|error| at(place, error))?;
            if text.needs.is_some() {
                let reason = "the schema is not changed in a transaction: run it by itself";
                return Err(at(place, Error::Denied(reason.to_owned())));
            }
            batch.writes |= text.writes;
            batch.is_seen_first |= self.gives_any_number(&text, &statement);
            batch.statements.push(statement);
        }
        batch.is_seen_first &= batch.writes;
        // In an open transaction they are counted as they are sent.
        if !self.is_in_transaction() {
            self.count_statements(statements.len())?;
        }
        Ok(batch)
    }

    /// Whether the rows that a statement gives are not bounded by what it holds.
    fn gives_any_number(&self, text: &SqlText<'_>, statement: &Statement<'_>) -> bool {
        let values = statement.parameters.iter();
        let values = values.filter_map(|value| value.text.as_deref());
        let bytes = statement.sql.len() + values.map(str::len).sum::<usize>();
        let is_large = bytes as u64 > self.limits.result_bytes / 4;
        text.gives == Gives::Any || (text.gives == Gives::Few && is_large)
    }

    async fn batch_once(&mut self, batch: &Checked<'_>) -> Result<Vec<Answer>, Error> {
        let requests: Vec<Query<'_>> = batch.statements.iter().map(request).collect();
        if self.is_in_transaction() {
            return self.batch_inside(batch, &requests).await;
        }
        let bounds = self.bounds(Author::Guest);
        let mut lease = self.acquire().await?;
        lease.begin(Begin::Known(BEGIN));
        let ending = if batch.is_seen_first {
            Ending::Open
        } else {
            Ending::Commit
        };
        let outcome = lease.run_together(&requests, ending, &bounds).await;
        let outcome = outcome.map_err(|broken| self.explain_broken(broken, batch));
        if batch.is_seen_first {
            let outcome = outcome.and_then(|answers| {
                self.check_size(&answers)?;
                Ok(answers)
            });
            return self.end(lease, outcome).await;
        }
        let answers = outcome?;
        match self.check_size(&answers) {
            Err(limit) if batch.writes => Err(kept(&limit)),
            checked => checked.map(|()| answers),
        }
    }

    /// Runs the batch in the open transaction, as a part of it.
    async fn batch_inside(
        &mut self,
        batch: &Checked<'_>,
        requests: &[Query<'_>],
    ) -> Result<Vec<Answer>, Error> {
        let effects = if batch.writes {
            Effects::Some
        } else {
            Effects::Unseen
        };
        let answers = self
            .run_together_in_transaction(requests, effects, |session, broken| {
                session.explain_broken(broken, batch)
            })
            .await?;
        if let Err(limit) = self.check_size(&answers) {
            self.doom(&limit).await;
            return Err(limit);
        }
        Ok(answers)
    }

    fn explain_broken(&self, broken: Broken, batch: &Checked<'_>) -> Error {
        let Broken {
            place,
            phase,
            mut failure,
        } = broken;
        if let Failure::Limit { settled, .. } = &mut failure {
            *settled |= !batch.writes;
        }
        let failed = place.and_then(|place| Some((place, batch.statements.get(place)?)));
        if let Some((place, statement)) = failed {
            at(
                place,
                self.explain(failure, statement, Author::Guest, phase),
            )
        } else {
            failure.into_error(phase, self.database.server().kind)
        }
    }

    /// What one statement did, with its rows if it is of a kind that gives any.
    async fn result(&mut self, answer: Answer) -> Written {
        let count = answer.tag.count.unwrap_or(0);
        let gives_rows = !answer.columns.is_empty() || !answer.rows.is_empty();
        let rows = if gives_rows {
            Some(self.rows(answer).await)
        } else {
            None
        };
        Written { count, rows }
    }
}

fn request<'a>(statement: &'a Statement<'a>) -> Query<'a> {
    Query {
        sql: &statement.sql,
        parameters: &statement.parameters,
    }
}

/// Says which statement of the batch it was.
fn at(place: usize, error: Error) -> Error {
    let said =
        |message: String| format!("statement {place} of the batch, counted from 0: {message}");
    match error {
        Error::Database(mut error) => {
            error.statement_index = u32::try_from(place).ok();
            Error::Database(error)
        }
        Error::Conversion(error) => Error::Conversion(Box::new(ConversionError {
            message: said(error.message),
            ..*error
        })),
        Error::Invalid(message) => Error::Invalid(said(message)),
        Error::Denied(message) => Error::Denied(said(message)),
        error @ (Error::Retry(_)
        | Error::AttemptsExhausted { .. }
        | Error::AmbiguousCommit(_)
        | Error::Limit(_)
        | Error::Timeout(_)
        | Error::Unavailable(_)
        | Error::Busy(_)
        | Error::Closed(_)
        | Error::Abandoned
        | Error::Other(_)) => error,
    }
}
