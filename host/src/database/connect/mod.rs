//! Makes one connection: finds an address that answers, secures it, logs in, and checks that it is what we need.
//!
//! Invariants: every step is bounded by the connect timeout. A connection that is handed out has a guard and runs its
//! transactions SERIALIZABLE. No error holds a password.

mod cancel;
mod error;
mod login;
mod socket;

use std::sync::Arc;

use rand::seq::SliceRandom;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

pub(super) use cancel::Canceller;
pub use error::{ConnectError, Unreachable};
use socket::Endpoint;

use super::{
    limits::Limits,
    options::{Address, ConnectOptions, SslMode},
    server::Server,
    tls,
    wire::Wire,
};

/// Makes connections as the options say.
#[derive(Clone)]
pub(super) struct Connector {
    options: ConnectOptions,
    tls: Option<MakeRustlsConnect>,
    limits: Limits,
}

/// A connection that was made.
pub(super) struct Connection {
    pub(super) client: Client,
    /// Moves the bytes. It ends when the client is dropped or the connection lost.
    pub(super) task: JoinHandle<()>,
    pub(super) wire: Arc<Wire>,
    /// How many requests were put in the driver's queue, the start-up included.
    pub(super) requests: u64,
    /// Whether the host's BEGIN is known to work on it.
    pub(super) begins: bool,
    pub(super) canceller: Canceller,
    pub(super) server: Server,
}

impl Connector {
    /// Reads the certificates that the options name.
    pub(super) fn new(options: ConnectOptions, limits: Limits) -> Result<Self, ConnectError> {
        let mode = options
            .addresses
            .iter()
            .map(|address| options.ssl_mode(address))
            .find(|mode| *mode != SslMode::Disable);
        let tls = mode.map(|mode| tls::connector(&options.tls, mode));
        Ok(Self {
            tls: tls.transpose()?,
            options,
            limits,
        })
    }

    pub(super) fn options(&self) -> &ConnectOptions {
        &self.options
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Tries the addresses one after another. `place` is dropped when the connection's socket is.
    pub(super) async fn connect<P>(&self, place: P) -> Result<Connection, ConnectError>
    where
        P: Clone + Send + Unpin + 'static,
    {
        let mut addresses: Vec<&Address> = self.options.addresses.iter().collect();
        if self.options.network.balance {
            addresses.shuffle(&mut rand::rng());
        }
        let mut failures = Vec::new();
        for address in addresses {
            match self.connect_to(address, &place).await {
                Err(ConnectError::Unreachable(unreachable)) => failures.extend(unreachable),
                outcome => return outcome,
            }
        }
        Err(ConnectError::Unreachable(failures))
    }

    async fn connect_to<P>(&self, address: &Address, place: &P) -> Result<Connection, ConnectError>
    where
        P: Clone + Send + Unpin + 'static,
    {
        let limit = self.options.network.connect_timeout;
        let unreachable = |cause| (address.to_string(), cause);
        let silent = |connected| Unreachable::Silent { limit, connected };
        let endpoints = match timeout(limit, socket::resolve(address)).await {
            Ok(Ok(endpoints)) => endpoints,
            Ok(Err(cause)) => return Err(ConnectError::Unreachable(vec![unreachable(cause)])),
            Err(_) => return Err(ConnectError::Unreachable(vec![unreachable(silent(false))])),
        };
        let mut failures = Vec::new();
        for endpoint in endpoints {
            let mut connected = false;
            let opening = self.open(address, endpoint, place.clone(), &mut connected);
            match timeout(limit, Box::pin(opening)).await {
                Ok(Err(ConnectError::Unreachable(causes))) => failures.extend(causes),
                Ok(outcome) => return outcome,
                Err(_) => failures.push(unreachable(silent(connected))),
            }
        }
        Err(ConnectError::Unreachable(failures))
    }

    async fn open<P>(
        &self,
        address: &Address,
        endpoint: Endpoint,
        place: P,
        connected: &mut bool,
    ) -> Result<Connection, ConnectError>
    where
        P: Send + Unpin + 'static,
    {
        let socket = socket::open(&endpoint, &self.options.network).await;
        let socket = socket.map_err(|error| {
            let cause = Unreachable::from(&error);
            ConnectError::Unreachable(vec![(address.to_string(), cause)])
        })?;
        *connected = true;
        self.log_in(address, endpoint, socket, place).await
    }

    fn tls(&self, address: &Address) -> Option<&MakeRustlsConnect> {
        match self.options.ssl_mode(address) {
            SslMode::Disable => None,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => self.tls.as_ref(),
        }
    }
}
