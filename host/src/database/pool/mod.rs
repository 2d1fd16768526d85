//! The connections of one database and role: makes them, lends them, takes them back, keeps some open.
//!
//! Invariants: never more connections than the maximum, counted from the first attempt to make one until its socket is gone.
//! None is lent twice. None comes back unless the guard saw everything answered, no transaction open, and nothing left
//! unfinished; else it is closed. What a session's SQL text ran on is reset before another session gets it.

mod background;
mod conn;
mod maintain;
mod manager;
mod reset;
mod statements;
mod tally;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadpool::{
    Runtime,
    managed::{self, Object, PoolError, QueueMode, TimeoutType, Timeouts},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::AbortHandle,
    time::{Instant, timeout},
};

pub(super) use background::Background;
pub(super) use conn::Conn;
pub(super) use manager::Manager;
pub(super) use statements::{Plan, Statements, Text};

use super::{
    account::Account,
    connect::{ConnectError, Connector},
    error::TimeoutStep,
    failure::Failure,
    lease::Lease,
    server::{Server, ServerKind},
};

/// How long closing may take, for what is under way and for the sockets.
const CLOSING: Duration = Duration::from_secs(3);

/// One guest's use of the database, as far as connections are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SessionId(u64);

/// Who borrows connections: the session that they are lent to, and the account that what is done on them goes to.
#[derive(Debug, Clone)]
pub(super) struct Borrower {
    pub(super) session: SessionId,
    pub(super) account: Account,
    /// Which attempt at which transaction of the run this is, both from 1; none for what is no part of a transaction of the guest's.
    pub(super) attempt: Option<(u64, u32)>,
}

/// The connections of one database and role. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    objects: managed::Pool<Manager>,
    background: Background,
    kind: ServerKind,
    acquire_timeout: Duration,
    min_connections: usize,
    sessions: AtomicU64,
    /// How often tables may have changed.
    generation: AtomicU64,
    /// The connections that cursors may hold: all but one, so that no number of them keeps other calls waiting.
    for_cursors: Arc<Semaphore>,
    maintenance: OnceLock<AbortHandle>,
}

impl Pool {
    /// Makes the first connection, which tells what is at the other end; the others follow in the background.
    pub(super) async fn open(connector: Connector) -> Result<(Self, Server), ConnectError> {
        let options = connector.options().pool().clone();
        let manager = Manager::new(connector);
        let place = manager.tally().take();
        let connection = manager.connector().connect(place).await?;
        let server = connection.server.clone();
        manager.put_in_reserve(manager.conn(connection));
        let objects = managed::Pool::builder(manager)
            .max_size(options.max_connections)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build();
        let objects = objects.map_err(|error| ConnectError::Other {
            address: "the pool".to_owned(),
            message: error.to_string(),
        })?;
        let shared = Arc::new(Shared {
            objects,
            background: Background::new(),
            kind: server.kind,
            acquire_timeout: options.acquire_timeout,
            min_connections: options.min_connections,
            sessions: AtomicU64::new(1),
            generation: AtomicU64::new(0),
            for_cursors: Arc::new(Semaphore::new(options.max_connections.saturating_sub(1))),
            maintenance: OnceLock::new(),
        });
        let task = tokio::spawn(maintain::maintain(Arc::downgrade(&shared)));
        shared.maintenance.get_or_init(|| task.abort_handle());
        Ok((Self(shared), server))
    }

    /// A name for one more session.
    pub(super) fn new_session(&self) -> SessionId {
        SessionId(self.0.sessions.fetch_add(1, Ordering::Relaxed))
    }

    /// One more session, with an account of its own.
    pub(super) fn new_borrower(&self) -> Borrower {
        Borrower {
            session: self.new_session(),
            account: Account::default(),
            attempt: None,
        }
    }

    /// The same run, on connections that none of its SQL text has run on.
    pub(super) fn apart(&self, borrower: &Borrower) -> Borrower {
        Borrower {
            session: self.new_session(),
            ..borrower.clone()
        }
    }

    /// Sees to it that nothing is used that was prepared until now.
    pub(super) fn forget_statements(&self) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Which state of the tables statements are prepared for.
    pub(super) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// Which product is at the other end.
    pub(super) fn server_kind(&self) -> ServerKind {
        self.0.kind
    }

    pub(super) fn background(&self) -> &Background {
        &self.0.background
    }

    /// Lends a connection, waiting for one as long as the options say, but not beyond the deadline.
    pub(super) async fn acquire(
        &self,
        borrower: &Borrower,
        deadline: Instant,
    ) -> Result<Lease, Failure> {
        let patience = self.0.acquire_timeout;
        self.acquire_within(borrower, deadline, patience).await
    }

    /// Lends a connection if one is free at this moment.
    pub(super) async fn acquire_free(
        &self,
        borrower: &Borrower,
        deadline: Instant,
    ) -> Result<Lease, Failure> {
        self.acquire_within(borrower, deadline, Duration::ZERO)
            .await
    }

    async fn acquire_within(
        &self,
        borrower: &Borrower,
        deadline: Instant,
        patience: Duration,
    ) -> Result<Lease, Failure> {
        let object = self.object(borrower.session, deadline, patience).await?;
        Ok(Lease::new(self.clone(), object, borrower.clone(), patience))
    }

    /// Lends a connection for a cursor, if one is free at this moment and not the last; with the place that it takes among those for
    /// cursors.
    pub(super) async fn acquire_for_cursor(
        &self,
        borrower: &Borrower,
        deadline: Instant,
    ) -> Result<(Lease, OwnedSemaphorePermit), Failure> {
        let place = Arc::clone(&self.0.for_cursors).try_acquire_owned();
        let place = place.map_err(|_| Failure::Busy)?;
        let lease = self.acquire_free(borrower, deadline).await?;
        Ok((lease, place))
    }

    /// A connection that may be used for this session.
    pub(super) async fn object(
        &self,
        session: SessionId,
        deadline: Instant,
        patience: Duration,
    ) -> Result<Object<Manager>, Failure> {
        let asked = Instant::now();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(timed_out(TimeoutStep::Running));
            }
            let patience = patience.saturating_sub(asked.elapsed());
            let timeouts = Timeouts {
                wait: Some(patience.min(left)),
                create: Some(left),
                recycle: None,
            };
            let mut object = match self.0.objects.timeout_get(&timeouts).await {
                Ok(object) => object,
                Err(PoolError::Timeout(TimeoutType::Wait)) if patience.is_zero() => {
                    return Err(Failure::Busy);
                }
                Err(error) => return Err(unavailable(error, left <= patience)),
            };
            match object.touched_by {
                Some(other) if other != session => {
                    if self.reset(&mut object).await {
                        return Ok(object);
                    }
                    drop(Object::take(object));
                }
                _ => return Ok(object),
            }
        }
    }

    /// Takes back what was lent, by the release rule.
    pub(super) fn release(object: Object<Manager>) {
        if object.is_clean() {
            drop(object);
        } else {
            drop(Object::take(object));
        }
    }

    /// Takes back what was lent, and before it is lent again resets it in the background if SQL text of a guest ran on it.
    pub(super) fn renew(&self, mut object: Object<Manager>) {
        if object.touched_by.is_none() || !object.is_clean() {
            Self::release(object);
            return;
        }
        let pool = self.clone();
        self.background().spawn(async move {
            if !pool.reset(&mut object).await {
                drop(Object::take(object));
            }
        });
    }

    /// Resets, in the background, what this session's SQL text ran on: the session is over.
    pub(super) fn forget(&self, session: SessionId) {
        let mut touched = 0;
        self.0.objects.retain(|conn, _| {
            touched += usize::from(conn.touched_by == Some(session));
            true
        });
        if touched > 0 {
            let pool = self.clone();
            self.background()
                .spawn(async move { pool.sweep(session, touched).await });
        }
    }

    /// Waits for what is under way and closes every connection, as far as that can be done in a few seconds.
    pub(super) async fn close(&self) {
        if let Some(maintenance) = self.0.maintenance.get() {
            maintenance.abort();
        }
        self.0.objects.close();
        self.0.background.finish(CLOSING).await;
        let manager = self.0.objects.manager();
        manager.reserve().clear();
        let tally = manager.tally();
        let gone = tally.wait_for(|| (tally.open() == 0).then_some(()));
        if timeout(CLOSING, gone).await.is_err() {
            tracing::warn!(
                open = tally.open(),
                "connections are still in use while the pool is closed"
            );
        }
    }

    /// How many connections are open, those that are being made or closed included.
    pub(super) fn open_connections(&self) -> usize {
        self.0.objects.manager().tally().open()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(maintenance) = self.maintenance.get() {
            maintenance.abort();
        }
    }
}

fn unavailable(error: PoolError<ConnectError>, at_the_deadline: bool) -> Failure {
    match error {
        PoolError::Timeout(_) if at_the_deadline => timed_out(TimeoutStep::Running),
        PoolError::Timeout(TimeoutType::Wait) => timed_out(TimeoutStep::Waiting),
        PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => {
            timed_out(TimeoutStep::Connecting)
        }
        PoolError::Backend(error) => {
            tracing::warn!(%error, "no connection to the database");
            Failure::Unavailable(error.reason())
        }
        PoolError::Closed => Failure::Unavailable("the host is closing its connections"),
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            Failure::Unavailable("the pool cannot make connections")
        }
    }
}

fn timed_out(step: TimeoutStep) -> Failure {
    Failure::TimedOut {
        step,
        settled: true,
    }
}
