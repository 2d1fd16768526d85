//! Transactions in the plugin's own hands: [`transaction`], and the handle below it.

use super::TransactionOptions;
use crate::bindings::chitin::db::transactions as contract;
use crate::{Error, Result};

/// Runs the closure in a transaction, and again after a conflict.
///
/// It commits when the closure returns `Ok` and rolls back when it returns `Err`. After a conflict, in any statement or in
/// the commit, it waits and runs the closure again, whatever that returned; when the attempts are used up, it fails with
/// [`Error::AttemptsExhausted`]. All functions of this crate that read or write run in it, in the closure and in whatever that
/// calls.
///
/// **Only the database is rolled back.** What the closure left in variables around it is still there in the next attempt; an
/// [operation](macro@crate::operation) starts anew instead, and is the form to prefer.
///
/// ```no_run
/// use chitin::{add, eq, ge, table};
///
/// let seats = chitin::transaction(|_| {
///     let flight = table("flights").filter(eq("id", 7));
///     let Some(row) = flight.clone().filter(ge("seats", 1)).select_one()? else {
///         return Err("the flight is full".into());
///     };
///     flight.update([add("seats", -1)])?;
///     table("bookings").insert(&chitin::json!({ "flight": 7, "name": "Ada" }))?;
///     row.get::<i64>("seats")
/// })?;
/// # Ok::<(), chitin::Error>(())
/// ```
///
/// Inside a transaction, such as in an operation, it is a [savepoint](Transaction::savepoint) and runs once: after a
/// conflict, all of the transaction around it has to be run again.
pub fn transaction<T>(body: impl FnMut(&Transaction) -> Result<T>) -> Result<T> {
    repeat(Transaction::begin()?, body)
}

/// As [`transaction`], with options. Inside a transaction it is [`Error::Invalid`].
///
/// ```no_run
/// use chitin::{TransactionOptions, table};
///
/// let (flights, bookings) = chitin::transaction_with(TransactionOptions::new().read_only(), |_| {
///     Ok((table("flights").count()?, table("bookings").count()?))
/// })?;
/// # Ok::<(), chitin::Error>(())
/// ```
pub fn transaction_with<T>(
    options: TransactionOptions,
    body: impl FnMut(&Transaction) -> Result<T>,
) -> Result<T> {
    repeat(Transaction::begin_with(options)?, body)
}

fn repeat<T>(
    mut transaction: Transaction,
    mut body: impl FnMut(&Transaction) -> Result<T>,
) -> Result<T> {
    loop {
        let done = body(&transaction).and_then(|output| transaction.commit().map(|()| output));
        let Err(error) = done else {
            return done;
        };
        // The host knows whether there was a conflict; what the closure made of it does not matter.
        match transaction.restart() {
            Ok(()) => {}
            Err(Error::Invalid(_) | Error::Closed(_)) => return Err(error),
            Err(end) => return Err(end),
        }
    }
}

/// A transaction, or a savepoint inside one. Dropping it rolls it back.
///
/// [`transaction`] is nearly always enough. Whoever takes the handle itself has to run everything again after
/// [`Error::Retry`]:
///
/// ```no_run
/// use chitin::{Error, Transaction, add, eq, table};
///
/// let mut transaction = Transaction::begin()?;
/// loop {
///     let visit = || table("pages").filter(eq("path", "/")).update([add("visits", 1)]);
///     match visit().and_then(|_| transaction.commit()) {
///         Err(Error::Retry(_)) => transaction.restart()?,
///         done => break done?,
///     }
/// }
/// # Ok::<(), chitin::Error>(())
/// ```
///
/// Transactions end in the reverse order of their beginning: ending an outer one first is [`Error::Invalid`]. A
/// [`commit`](Self::commit) that was forgotten is no error: the handle is dropped at the end of its scope, and the run goes on
/// without the changes. The end of a run with one still open, such as in a static, is an error, and rolls it back.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction(contract::Transaction);

impl Transaction {
    /// Begins a transaction; inside one, sets a savepoint.
    pub fn begin() -> Result<Self> {
        Ok(Self(contract::begin(None)?))
    }

    /// Begins a transaction with options. Inside one it is [`Error::Invalid`].
    ///
    /// ```no_run
    /// use chitin::{Transaction, TransactionOptions};
    ///
    /// let report = Transaction::begin_with(TransactionOptions::new().read_only())?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn begin_with(options: TransactionOptions) -> Result<Self> {
        Ok(Self(contract::begin(Some(options.into_contract()))?))
    }

    /// Makes the changes lasting; of a savepoint, a part of the transaction around it.
    ///
    /// [`Error::Retry`] after a conflict: [`restart`](Self::restart) it. [`Error::Database`] if a statement in it had failed, and
    /// [`Error::AmbiguousCommit`] if no clear answer came. After any error but the first it is over.
    pub fn commit(&mut self) -> Result<()> {
        Ok(self.0.commit()?)
    }

    /// Undoes everything since it began, as dropping it does.
    ///
    /// ```no_run
    /// # use chitin::{Transaction, table};
    /// let trial = Transaction::begin()?;
    /// let deleted = table("drafts").all_rows().delete()?;
    /// trial.rollback()?;
    /// log::info!("there are {deleted} drafts, still");
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn rollback(self) -> Result<()> {
        Ok(self.0.rollback()?)
    }

    /// Begins the next attempt after [`Error::Retry`] from any function or from [`commit`](Self::commit), after a wait:
    /// everything is to be done again.
    ///
    /// [`Error::AttemptsExhausted`] when there are no more. [`Error::Invalid`] if there was no conflict, on a savepoint, and in
    /// an operation or a whole run in a transaction, which only the host can run again: return from it.
    pub fn restart(&mut self) -> Result<()> {
        Ok(self.0.restart()?)
    }

    /// Which attempt this is, from 1; after [`commit`](Self::commit), which was the last.
    ///
    /// ```no_run
    /// chitin::transaction(|transaction| {
    ///     if transaction.attempt() > 1 {
    ///         log::info!("there was a conflict; attempt {}", transaction.attempt());
    ///     }
    ///     chitin::table("visits").insert(&chitin::json!({ "page": "/" }))
    /// })?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn attempt(&self) -> u32 {
        self.0.attempt()
    }

    /// Runs the closure in a savepoint: what it did is undone when it returns `Err`, and the transaction goes on all the same,
    /// as if a statement that failed in it had never been there.
    ///
    /// ```no_run
    /// use chitin::{json, table};
    ///
    /// chitin::transaction(|transaction| {
    ///     table("orders").insert(&json!({ "id": 7 }))?;
    ///     let noted = transaction.savepoint(|_| table("notes").insert(&json!({ "order": 7, "text": "new" })));
    ///     match noted {
    ///         Err(error) if error.is_unique_violation() => Ok(()),
    ///         noted => noted,
    ///     }
    /// })?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    ///
    /// It does not help against [`Error::Retry`]: then the whole transaction is over. Return it.
    pub fn savepoint<T>(&self, body: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let mut savepoint = Self::begin()?;
        let output = body(&savepoint)?;
        savepoint.commit()?;
        Ok(output)
    }
}
