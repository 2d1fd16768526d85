use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};

use super::{
    conn::Conn,
    statements::Statements,
    tally::{Place, Tally},
};
use crate::database::connect::{ConnectError, Connection, Connector};

/// Makes connections for the pool and looks at those that it has.
pub(in crate::database) struct Manager {
    connector: Connector,
    tally: Arc<Tally>,
    /// Open, and not in the pool yet.
    reserve: Mutex<Vec<Conn>>,
    max_lifetime: Duration,
}

enum Source {
    Reserve(Box<Conn>),
    New(Arc<Place>),
}

impl Manager {
    pub(super) fn new(connector: Connector) -> Self {
        let options = connector.options().pool();
        Self {
            tally: Tally::new(options.max_connections),
            reserve: Mutex::default(),
            max_lifetime: options.max_lifetime,
            connector,
        }
    }

    pub(super) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    pub(super) fn reserve(&self) -> MutexGuard<'_, Vec<Conn>> {
        self.reserve.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put_in_reserve(&self, conn: Conn) {
        self.reserve().push(conn);
        self.tally.announce();
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    pub(super) async fn connect(&self, place: Arc<Place>) -> Result<Conn, ConnectError> {
        let connection = self.connector.connect(place).await?;
        Ok(self.conn(connection))
    }

    pub(super) fn conn(&self, connection: Connection) -> Conn {
        let statements = self.connector.limits().prepared_statements;
        let statements = Statements::new(usize::try_from(statements).unwrap_or(usize::MAX));
        Conn::new(connection, statements, self.max_lifetime)
    }

    fn take_from_reserve(&self) -> Option<Conn> {
        let mut reserve = self.reserve();
        std::iter::from_fn(|| reserve.pop()).find(Conn::is_usable)
    }
}

impl managed::Manager for Manager {
    type Type = Conn;
    type Error = ConnectError;

    async fn create(&self) -> Result<Conn, ConnectError> {
        // While an old connection is still being closed, or one is being made for the reserve, there may be no place.
        let source = self.tally.wait_for(|| {
            let reserved = self.take_from_reserve().map(Box::new).map(Source::Reserve);
            reserved.or_else(|| self.tally.take().map(Source::New))
        });
        match source.await {
            Source::Reserve(conn) => Ok(*conn),
            Source::New(place) => self.connect(place).await,
        }
    }

    async fn recycle(&self, conn: &mut Conn, _: &Metrics) -> RecycleResult<ConnectError> {
        if conn.is_usable() {
            Ok(())
        } else {
            Err(RecycleError::message("ended, or at the end of its life"))
        }
    }
}
