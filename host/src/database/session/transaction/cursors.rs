//! Cursors of the open transaction, which live on its connection.

use super::{Effects, Error, Session};
use crate::database::{
    lease::{Answer, Author, Bounds, Query},
    statement::Statement,
};

impl Session {
    /// Opens a cursor in the transaction by these two statements, the first of which declares it, and reads its first row.
    pub(in crate::database::session) async fn open_inside(
        &mut self,
        requests: &[Query<'_>; 2],
        declare: &Statement<'_>,
    ) -> Result<Option<Answer>, Error> {
        let mut answers = self
            .run_together_in_transaction(requests, Effects::Unseen, |session, broken| {
                session.explain(broken.failure, declare, Author::Guest, broken.phase)
            })
            .await?;
        Ok(answers.pop())
    }

    /// Reads on in a cursor of the transaction.
    pub(in crate::database::session) async fn fetch_inside(
        &mut self,
        fetch: String,
        bounds: &Bounds,
    ) -> Result<Answer, Error> {
        let fetch = Statement {
            sql: fetch,
            ..Statement::default()
        };
        self.run_in_transaction(&fetch, bounds, Effects::Unseen)
            .await
    }

    /// Closes a cursor of the transaction, with the next statement.
    pub(in crate::database::session) fn close_inside(&mut self, close: String) {
        if let Some(transaction) = &mut self.transaction
            && transaction.doom.is_none()
            && let Some(lease) = &mut transaction.lease
        {
            lease.before_next(close);
        }
    }

    /// How many savepoints are open.
    pub(in crate::database::session) fn depth(&self) -> usize {
        let transaction = self.transaction.as_ref();
        transaction.map_or(0, |transaction| transaction.savepoints().len())
    }
}
