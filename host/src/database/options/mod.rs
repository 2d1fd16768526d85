//! How to reach a database and log in to it, as typed and as meant.
//!
//! Invariants: what is typed is kept or refused by name, never dropped. No error and no debug output holds a password or a URL.

mod builder;
mod environment;
mod password;
mod refused;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

pub use builder::OptionsBuilder;
pub use password::Password;
pub use tls::{ChannelBinding, ClientCertificate, RootCertificates, SslMode, TlsOptions};

/// How to reach a database, log in to it, and how many connections to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    pub(super) database: String,
    pub(super) addresses: Vec<Address>,
    pub(super) user: String,
    pub(super) password: Option<Password>,
    pub(super) tls: TlsOptions,
    pub(super) application_name: String,
    pub(super) session: Option<String>,
    pub(super) network: NetworkOptions,
    pub(super) pool: PoolOptions,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Its host.
    pub host: Host,
    /// Its port; on a unix socket a part of the file's name.
    pub port: u16,
}

/// A host that is reached over the network, or a directory that holds a unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name or an address.
    Network(String),
    /// A directory with a socket.
    Unix(PathBuf),
}

/// How patient to be with a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkOptions {
    /// For one address: until it is connected, logged in and ready. Default 5 s.
    pub connect_timeout: Duration,
    /// How long data that was sent may stay without an acknowledgement. Default 30 s; zero for the system's own.
    pub tcp_user_timeout: Duration,
    /// Whether the system asks a silent server if it is still there. Default true.
    pub keepalives: bool,
    /// How long a server must have been silent for that. Default 60 s.
    pub keepalives_idle: Duration,
    /// How long until it is asked again; the system's own if absent.
    pub keepalives_interval: Option<Duration>,
    /// How often it is asked in vain; the system's own if absent.
    pub keepalives_count: Option<u32>,
    /// Whether each new connection begins with a server drawn by lot, not with the first. Default false.
    pub balance: bool,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            tcp_user_timeout: Duration::from_secs(30),
            keepalives: true,
            keepalives_idle: Duration::from_mins(1),
            keepalives_interval: None,
            keepalives_count: None,
            balance: false,
        }
    }
}

/// How many connections, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolOptions {
    /// Kept open, used or not. Default 2.
    pub min_connections: usize,
    /// Never more than these. Default 10.
    pub max_connections: usize,
    /// How long to wait for a free one. Default 5 s.
    pub acquire_timeout: Duration,
    /// How long one lives, give or take a tenth. Default 30 min.
    pub max_lifetime: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            min_connections: 2,
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            max_lifetime: Duration::from_mins(30),
        }
    }
}

/// A parameter that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidOptions(String);

impl InvalidOptions {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl ConnectOptions {
    /// Options parameter by parameter.
    pub fn builder() -> OptionsBuilder {
        OptionsBuilder::default()
    }

    /// Reads a URL: `postgresql://`, `postgres://` or `cockroachdb://`.
    pub fn from_url(url: &str) -> Result<Self, InvalidOptions> {
        let mut builder = Self::builder();
        url::read(url, &mut builder)?;
        builder.build()
    }

    /// Reads the variables `PGHOST`, `PGUSER` and so on; what is not set has our defaults, not libpq's.
    pub fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidOptions> {
        let mut builder = Self::builder();
        environment::read(variable, &mut builder)?;
        builder.build()
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Where its servers listen, in the order in which they are tried.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The role to log in as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether there is a password.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// The name that the database shows for our connections.
    pub fn application_name(&self) -> &str {
        &self.application_name
    }

    /// Which authorities are known, and how we show who we are.
    pub fn tls(&self) -> &TlsOptions {
        &self.tls
    }

    /// How many connections, and for how long.
    pub fn pool(&self) -> &PoolOptions {
        &self.pool
    }

    /// The same with other numbers of connections; `max_connections` is at least 1, `min_connections` at most that.
    #[must_use]
    pub fn with_pool(mut self, pool: &PoolOptions) -> Self {
        let max_connections = pool.max_connections.max(1);
        self.pool = PoolOptions {
            min_connections: pool.min_connections.min(max_connections),
            max_connections,
            ..pool.clone()
        };
        self
    }

    /// The same with this password.
    #[must_use]
    pub fn with_password(mut self, password: Password) -> Self {
        self.password = Some(password);
        self
    }

    /// The same for another database of the same servers.
    #[must_use]
    pub fn with_database(mut self, database: &str) -> Self {
        database.clone_into(&mut self.database);
        self
    }

    /// How a connection to this address is secured.
    pub fn ssl_mode(&self, address: &Address) -> SslMode {
        match (&address.host, self.tls.mode) {
            (Host::Unix(_), _) => SslMode::Disable,
            (Host::Network(_), Some(mode)) => mode,
            (Host::Network(name), None) if is_loopback(name) && !self.tls.is_meant() => {
                SslMode::Disable
            }
            (Host::Network(_), None) => SslMode::VerifyFull,
        }
    }
}

impl Address {
    /// Whether it is on this machine.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Unix(_) => true,
            Host::Network(name) => is_loopback(name),
        }
    }
}

fn is_loopback(name: &str) -> bool {
    name == "localhost"
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Network(name) if name.contains(':') => {
                write!(formatter, "[{name}]:{}", self.port)
            }
            Host::Network(name) => write!(formatter, "{name}:{}", self.port),
            Host::Unix(directory) => {
                write!(formatter, "{}/.s.PGSQL.{}", directory.display(), self.port)
            }
        }
    }
}
