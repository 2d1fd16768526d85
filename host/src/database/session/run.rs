//! The ways of a session to the database.

use std::{collections::BTreeSet, sync::Arc};

use tokio::time::Instant;
use tokio_postgres::{Row, types::Oid};

use super::{Session, Usage, transaction::Effects};
use crate::database::{
    catalog::{Catalog, Description, LOOK_UP, TypeInfo},
    classify::Phase,
    error::Error,
    failure::Failure,
    lease::{Answer, Author, BEGIN, Begin, Bounds, Lease, Parameter},
    pool::Borrower,
    retry::Attempts,
    rows::{Column, Rows},
    statement::Statement,
    wire::RawColumn,
};

/// The most that is asked of the database's own tables at once: neither a result nor a table has more columns.
const CATALOG_ROWS: u64 = 2_000;

impl Session {
    /// Runs a statement of the host's that changes nothing.
    pub(super) async fn read_only(&mut self, statement: &Statement<'_>) -> Result<Answer, Error> {
        // Selections ask for one row more than allowed, to be refused without giving up the connection.
        let bounds = Bounds {
            rows: u64::MAX,
            ..self.bounds(Author::Host)
        };
        let answer = self.run_alone(statement, &bounds, Phase::Read).await?;
        self.check_size(std::slice::from_ref(&answer))?;
        Ok(answer)
    }

    /// Runs a statement that may change something and whose result is not too large.
    pub(super) async fn write(
        &mut self,
        statement: &Statement<'_>,
        author: Author,
    ) -> Result<Answer, Error> {
        let bounds = self.bounds(author);
        let answer = self.run_alone(statement, &bounds, Phase::Write).await?;
        if let Err(limit) = self.check_size(std::slice::from_ref(&answer)) {
            if self.is_in_transaction() {
                self.doom(&limit).await;
                return Err(limit);
            }
            return Err(match effects(statement, author, Phase::Write) {
                Effects::Some => kept(&limit),
                Effects::None | Effects::Unseen => limit,
            });
        }
        Ok(answer)
    }

    /// Runs a statement whose rows are of no interest.
    pub(super) async fn write_only(
        &mut self,
        statement: &Statement<'_>,
        author: Author,
    ) -> Result<Answer, Error> {
        let bounds = Bounds {
            keeps_rows: false,
            ..self.bounds(author)
        };
        self.run_alone(statement, &bounds, Phase::Write).await
    }

    /// Runs a statement in a transaction, so that nothing is kept of it if its result is too large.
    pub(super) async fn write_undoably(
        &mut self,
        statement: &Statement<'_>,
        author: Author,
    ) -> Result<Answer, Error> {
        let mut attempts = self.attempts("write");
        loop {
            let outcome = self.write_undoably_once(statement, author).await;
            if let Some(outcome) = self.conclude(&mut attempts, outcome).await {
                return outcome;
            }
        }
    }

    async fn write_undoably_once(
        &mut self,
        statement: &Statement<'_>,
        author: Author,
    ) -> Result<Answer, Error> {
        if self.is_in_transaction() {
            return self.run_inside(None, statement, author).await;
        }
        let mut lease = self.begin_own().await?;
        let outcome = self.run_inside(Some(&mut lease), statement, author).await;
        self.end(lease, outcome).await
    }

    /// The attempts at some work that is to be done until [`conclude`](Self::conclude) gives its outcome.
    pub(super) fn attempts(&self, work: &'static str) -> Attempts {
        Attempts::new(
            work,
            self.retry,
            self.deadline,
            self.borrower.account.clone(),
        )
    }

    /// The outcome of the work, or none if this attempt must be followed by another: after the wait, which is over then. What fails
    /// with [`Error::Retry`] must have left nothing open. Work in an open transaction is not done again by itself.
    pub(super) async fn conclude<T>(
        &mut self,
        attempts: &mut Attempts,
        outcome: Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        if self.is_in_transaction() {
            return Some(outcome);
        }
        attempts.conclude(outcome).await
    }

    /// Takes a connection for a transaction of a single call, which begins with its first statement.
    pub(super) async fn begin_own(&mut self) -> Result<Lease, Error> {
        let mut lease = self.acquire().await?;
        lease.begin(Begin::Known(BEGIN));
        Ok(lease)
    }

    /// Runs a statement that may write inside a transaction: that of the call, or the one that is open.
    pub(super) async fn run_inside(
        &mut self,
        own: Option<&mut Lease>,
        statement: &Statement<'_>,
        author: Author,
    ) -> Result<Answer, Error> {
        let bounds = self.bounds(author);
        let outcome = if let Some(lease) = own {
            self.run_on(lease, statement, &bounds, Phase::Transaction)
                .await
        } else {
            let effects = effects(statement, author, Phase::Write);
            self.run_in_transaction(statement, &bounds, effects).await
        };
        if let Ok(answer) = &outcome
            && let Err(limit) = self.check_size(std::slice::from_ref(answer))
        {
            self.doom(&limit).await;
            return Err(limit);
        }
        outcome
    }

    /// Commits what went well and rolls back what did not.
    pub(super) async fn end<T>(
        &mut self,
        mut lease: Lease,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        let Ok(value) = outcome else {
            lease.roll_back().await;
            return outcome;
        };
        let committing = self.borrower.account.commit_begins();
        let committed = lease.commit(None, &self.bounds(Author::Host)).await;
        let committed = committed.map(|()| value).map_err(|broken| {
            let kind = self.database.server().kind;
            broken.failure.into_error(Phase::Commit, kind)
        });
        committing.ended(&committed);
        committed
    }

    /// The types of the parameters of a statement of the host's, which is not run.
    pub(super) async fn describe(&mut self, sql: &str) -> Result<Vec<Oid>, Error> {
        let bounds = self.bounds(Author::Host);
        let mut lease = if self.is_in_transaction() {
            match self.look_up_lease().await? {
                Some(lease) => lease,
                None => return self.describe_inside(sql, &bounds).await,
            }
        } else {
            self.acquire().await?
        };
        let described = lease.describe(sql, &bounds).await;
        drop(lease);
        let statement = Statement {
            sql: sql.to_owned(),
            ..Statement::default()
        };
        described.map_err(|failure| self.explain(failure, &statement, Author::Host, Phase::Read))
    }

    /// Runs a statement as a transaction of its own.
    async fn run_alone(
        &mut self,
        statement: &Statement<'_>,
        bounds: &Bounds,
        phase: Phase,
    ) -> Result<Answer, Error> {
        let mut attempts = self.attempts("statement");
        loop {
            let outcome = self.run_once(statement, bounds, phase).await;
            if let Some(outcome) = self.conclude(&mut attempts, outcome).await {
                return outcome;
            }
        }
    }

    async fn run_once(
        &mut self,
        statement: &Statement<'_>,
        bounds: &Bounds,
        phase: Phase,
    ) -> Result<Answer, Error> {
        if self.is_in_transaction() {
            let effects = effects(statement, bounds.author, phase);
            return self.run_in_transaction(statement, bounds, effects).await;
        }
        let mut lease = self.acquire().await?;
        self.run_on(&mut lease, statement, bounds, phase).await
    }

    async fn run_on(
        &mut self,
        lease: &mut Lease,
        statement: &Statement<'_>,
        bounds: &Bounds,
        phase: Phase,
    ) -> Result<Answer, Error> {
        self.charge(Usage::statement)?;
        let outcome = lease
            .run(&statement.sql, &statement.parameters, bounds)
            .await;
        outcome.map_err(|failure| self.explain(failure, statement, bounds.author, phase))
    }

    pub(super) async fn acquire(&self) -> Result<Lease, Error> {
        self.acquire_until(&self.borrower, self.deadline).await
    }

    pub(super) async fn acquire_until(
        &self,
        borrower: &Borrower,
        deadline: Instant,
    ) -> Result<Lease, Error> {
        let lease = self.database.pool().acquire(borrower, deadline).await;
        lease.map_err(|failure| failure.into_error(Phase::Read, self.database.server().kind))
    }

    pub(super) fn bounds(&self, author: Author) -> Bounds {
        Bounds {
            rows: self.limits.result_rows,
            bytes: self.limits.result_bytes,
            keeps_rows: true,
            timeout: self.statement_timeout,
            deadline: self.deadline,
            author,
            held_until: None,
        }
    }

    /// Checks results together against the limits, also by what their decimals are as text, which can be far more than the bytes that
    /// came.
    pub(super) fn check_size(&mut self, answers: &[Answer]) -> Result<(), Error> {
        let rows = answers.iter().map(|answer| answer.rows.len() as u64).sum();
        self.charge(|usage, limits| usage.result_rows(rows, limits))?;
        let bytes = answers.iter().map(Answer::bytes).sum();
        self.charge(|usage, limits| usage.result_bytes(bytes, limits))
    }

    /// Makes the rows of an answer readable.
    pub(super) async fn rows(&mut self, answer: Answer) -> Rows {
        self.described(answer.columns, answer.rows).await
    }

    /// Makes rows readable.
    pub(super) async fn described(&mut self, columns: Vec<RawColumn>, rows: Vec<Row>) -> Rows {
        let oids: Vec<Oid> = columns.iter().map(|column| column.oid).collect();
        let types = self.type_infos(&oids).await;
        let columns = columns.into_iter().zip(types);
        Rows::new(
            columns
                .map(|(column, info)| Column::new(column.name, &info))
                .collect(),
            rows,
        )
    }

    /// What is known about types. Those that nobody asked for yet are looked up, on whatever connection is free.
    pub(super) async fn type_infos(&mut self, oids: &[Oid]) -> Vec<Arc<TypeInfo>> {
        let catalog = self.database.catalog();
        let unknown = |oid: &&Oid| catalog.type_info(**oid).is_none();
        let missing: BTreeSet<Oid> = oids.iter().filter(unknown).copied().collect();
        if !missing.is_empty() {
            let missing: Vec<Oid> = missing.into_iter().collect();
            if let Err(error) = self.look_up(&missing).await {
                tracing::warn!(%error, "types cannot be looked up; results name them by their numbers");
            }
        }
        let catalog = self.database.catalog();
        let info = |oid: &Oid| {
            catalog
                .type_info(*oid)
                .unwrap_or_else(|| Arc::new(TypeInfo::unknown(*oid)))
        };
        oids.iter().map(info).collect()
    }

    /// Looks types up, and those that domains among them are made of.
    async fn look_up(&mut self, oids: &[Oid]) -> Result<(), Error> {
        let mut found: Vec<Description> = Vec::new();
        let mut asked: BTreeSet<Oid> = oids.iter().copied().collect();
        let mut next = asked.clone();
        for _ in 0..Catalog::LOOK_UPS {
            let list: Vec<String> = next.iter().map(Oid::to_string).collect();
            let look_up = Statement {
                sql: LOOK_UP.to_owned(),
                parameters: vec![Parameter::untyped(format!("{{{}}}", list.join(",")))],
                ..Statement::default()
            };
            let rows = self.ask_catalog(&look_up).await?;
            let new = Description::all(&rows);
            next = new.iter().filter_map(Description::base).collect();
            next.retain(|base| asked.insert(*base));
            found.extend(new);
            if next.is_empty() {
                break;
            }
        }
        self.database.catalog().learn(oids, &found);
        Ok(())
    }

    /// Asks the database's own tables. Every column of the answer is of a built-in type.
    pub(super) async fn ask_catalog(&mut self, statement: &Statement<'_>) -> Result<Rows, Error> {
        let mut attempts = self.attempts("look-up");
        loop {
            let outcome = self.ask_catalog_once(statement).await;
            if let Some(outcome) = self.conclude(&mut attempts, outcome).await {
                return outcome;
            }
        }
    }

    async fn ask_catalog_once(&mut self, statement: &Statement<'_>) -> Result<Rows, Error> {
        let Statement {
            sql, parameters, ..
        } = statement;
        let bounds = Bounds {
            rows: CATALOG_ROWS,
            bytes: u64::MAX,
            ..self.bounds(Author::Host)
        };
        let answer = match self.look_up_lease().await? {
            Some(mut lease) => {
                let answer = lease.run(sql, parameters, &bounds).await;
                answer.map_err(|failure| {
                    failure.into_error(Phase::Read, self.database.server().kind)
                })?
            }
            None => self.ask_inside(sql, parameters, &bounds).await?,
        };
        Ok(Rows::of_builtin_types(answer.columns, answer.rows))
    }

    /// A connection to ask the database's own tables on: not one that the guest's SQL text ran on, which may have changed what names mean.
    ///
    /// None if there is an open transaction and no other connection is free at this moment: then its own is the one, since to wait for
    /// another while holding it could be for ever.
    async fn look_up_lease(&mut self) -> Result<Option<Lease>, Error> {
        let borrower = self.database.pool().apart(&self.borrower);
        if !self.is_in_transaction() {
            return self.acquire_until(&borrower, self.deadline).await.map(Some);
        }
        let pool = self.database.pool();
        match pool.acquire_free(&borrower, self.deadline).await {
            Ok(lease) => Ok(Some(lease)),
            Err(Failure::Busy) => Ok(None),
            Err(failure) => Err(failure.into_error(Phase::Read, self.database.server().kind)),
        }
    }
}

/// What a result comes to that cannot be given although what it tells of was committed.
pub(super) fn kept(limit: &Error) -> Error {
    Error::AmbiguousCommit(format!(
        "{limit} in what came back, after it had been committed"
    ))
}

/// What a statement may do to the data.
fn effects(statement: &Statement<'_>, author: Author, phase: Phase) -> Effects {
    match (phase, author) {
        (Phase::Read, Author::Host) => Effects::None,
        (_, Author::Guest) if !statement.writes => Effects::Unseen,
        _ => Effects::Some,
    }
}
