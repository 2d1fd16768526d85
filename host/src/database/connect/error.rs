use std::{fmt, io, time::Duration};

use crate::database::options::InvalidOptions;

/// Why there is no connection, for the operator: it names hosts and roles, never a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The options cannot be followed, such as a certificate file that is not there.
    #[error("{0}")]
    Options(#[from] InvalidOptions),
    /// No address answered as a database that is ready. Each that was tried, and why.
    #[error("cannot reach the database: {}", Tried(.0))]
    Unreachable(Vec<(String, Unreachable)>),
    /// The connection could not be secured.
    #[error("no secure connection to {address}: {message}")]
    Tls {
        /// The server's address.
        address: String,
        /// What failed, and what to do.
        message: String,
    },
    /// Who we are, or that we are who we say, was not accepted.
    #[error("{address} refused the login of `{user}`: {message}")]
    LoginRefused {
        /// The server's address.
        address: String,
        /// The role.
        user: String,
        /// What the server said, and what to do.
        message: String,
    },
    /// There is no such database.
    #[error(
        "{address} has no database `{database}`: create it, or correct the name in the URL or in `database`"
    )]
    UnknownDatabase {
        /// The server's address.
        address: String,
        /// The name.
        database: String,
    },
    /// The server has no connection left for us.
    #[error(
        "{address} has no connection left for `{user}`: close some, raise the server's limit, or lower `max_connections` ({message})"
    )]
    TooManyConnections {
        /// The server's address.
        address: String,
        /// The role.
        user: String,
        /// What the server said.
        message: String,
    },
    /// Transactions would not be SERIALIZABLE.
    #[error(
        "{address} runs transactions `{found}` although `serializable` was asked for: a server or a pooler in between overrides \
         `default_transaction_isolation`"
    )]
    Isolation {
        /// The server's address.
        address: String,
        /// The level that we would get.
        found: String,
    },
    /// Something else.
    #[error("{address} cannot be used: {message}")]
    Other {
        /// The server's address.
        address: String,
        /// What happened.
        message: String,
    },
}

impl ConnectError {
    /// The cause in words that a guest may read: without hosts, roles and names of databases.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Options(_) => "the operator's connection settings cannot be used",
            Self::Unreachable(_) => "no server answers",
            Self::Tls { .. } => "the connection could not be secured",
            Self::LoginRefused { .. } => "the server refused the login",
            Self::UnknownDatabase { .. } => "there is no such database",
            Self::TooManyConnections { .. } => "the server has no connection left",
            Self::Isolation { .. } => "the server does not run transactions SERIALIZABLE",
            Self::Other { .. } => "the server cannot be used",
        }
    }
}

/// Why an address cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreachable {
    /// Nobody listens there.
    Refused,
    /// The name of the host means nothing.
    NoSuchHost(String),
    /// There is no such socket.
    NoSuchSocket,
    /// No answer came in time.
    Silent {
        /// How long that was.
        limit: Duration,
        /// Whether at least the connection was accepted.
        connected: bool,
    },
    /// The server closed the connection before it was ready.
    Closed,
    /// What listens there does not speak the database's protocol.
    NoDatabase,
    /// The server is starting, stopping or draining. What it said.
    NotReady(String),
    /// Something else about the network.
    Network(String),
}

impl From<&io::Error> for Unreachable {
    fn from(error: &io::Error) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the list of the standard library is open"
        )]
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused,
            io::ErrorKind::NotFound => Self::NoSuchSocket,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Self::Closed,
            io::ErrorKind::InvalidData => Self::NoDatabase,
            _ => Self::Network(error.to_string()),
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => formatter.write_str(
                "the connection was refused; is the database running there, and is the port right?",
            ),
            Self::NoSuchHost(error) => {
                write!(formatter, "the host's name cannot be resolved ({error}); is it spelled right?")
            }
            Self::NoSuchSocket => formatter.write_str(
                "there is no such socket; is the database running, and are directory and port right?",
            ),
            Self::Silent {
                limit,
                connected: false,
            } => write!(
                formatter,
                "no answer within {limit:?}; is the address right, and does a firewall stand in between?"
            ),
            Self::Silent {
                limit,
                connected: true,
            } => write!(
                formatter,
                "the connection was accepted, but no login was possible within {limit:?}; is it a database, and is it healthy?"
            ),
            Self::Closed => formatter.write_str(
                "the server closed the connection before it was ready; is it a database, and does it expect TLS or none?",
            ),
            Self::NoDatabase => formatter.write_str("what listens there is no database; is the port right?"),
            Self::NotReady(message) => write!(formatter, "the server is not ready ({message}); try again soon"),
            Self::Network(error) => formatter.write_str(error),
        }
    }
}

/// Addresses that were tried, as text.
struct Tried<'a>(&'a [(String, Unreachable)]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (address, cause)) in self.0.iter().enumerate() {
            let before = if index == 0 { "" } else { "; " };
            write!(formatter, "{before}{address}: {cause}")?;
        }
        Ok(())
    }
}
