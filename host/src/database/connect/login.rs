use std::{error::Error as _, io, sync::Arc};

use tokio_postgres::{
    Client, Config, Error, NoTls, SimpleQueryMessage,
    config::{self, SslMode as DriverSslMode},
    error::DbError,
    tls::MakeTlsConnect,
};

use super::{
    Canceller, ConnectError, Connection, Connector, Unreachable,
    socket::{Endpoint, Socket},
};
use crate::database::{
    lease::BEGIN,
    options::{Address, ChannelBinding, Host},
    server::{Server, ServerKind},
    wire::{Guard, GuardTls, Status, Wire},
};

/// Sent at start-up, so that it is also what `RESET` goes back to. All but the first settle how the server reads and writes values as
/// text: both servers know them, and a role's own defaults must not change what a value means.
const SESSION: &str = "-c default_transaction_isolation=serializable -c standard_conforming_strings=on -c TimeZone=UTC -c DateStyle=ISO,MDY \
                       -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex";

impl Connector {
    /// Secures a connected socket, logs in, and checks what is there.
    pub(super) async fn log_in<P>(
        &self,
        address: &Address,
        endpoint: Endpoint,
        socket: Socket,
        place: P,
    ) -> Result<Connection, ConnectError>
    where
        P: Send + Unpin + 'static,
    {
        let wire = Wire::new(usize::try_from(self.limits.frame_bytes).unwrap_or(usize::MAX));
        let refused = |error: &Error, wire: &Wire| self.refused(address, error, wire.sent() > 0);
        let host = match &address.host {
            Host::Network(name) => name.as_str(),
            Host::Unix(_) => "",
        };
        let (client, task) = if let Some(tls) = self.tls(address) {
            let Ok(connector) =
                <_ as MakeTlsConnect<Socket>>::make_tls_connect(&mut tls.clone(), host);
            let connector = GuardTls {
                connector,
                wire: Arc::clone(&wire),
                place,
            };
            let config = self.config(DriverSslMode::Require);
            let connected = config.connect_raw(socket, connector).await;
            let (client, connection) = connected.map_err(|error| refused(&error, &wire))?;
            (client, tokio::spawn(follow(connection)))
        } else {
            let guard = Guard::new(socket, Arc::clone(&wire), place);
            let config = self.config(DriverSslMode::Disable);
            let connected = config.connect_raw(guard, NoTls).await;
            let (client, connection) = connected.map_err(|error| refused(&error, &wire))?;
            (client, tokio::spawn(follow(connection)))
        };
        let server = Server::from_versions(wire.versions());
        let requests = self.prepare_session(address, &client, server.kind).await?;
        let begun = wire.take(requests).map(|begun| begun.status);
        let begins = begun == Some(Status::Transaction) && wire.status() == Status::Idle;
        Ok(Connection {
            canceller: Canceller::new(
                client.cancel_token(),
                endpoint,
                self.options.network.clone(),
                self.tls(address).map(|tls| (tls.clone(), host.to_owned())),
            ),
            client,
            task,
            wire,
            requests: requests + 1,
            begins,
            server,
        })
    }

    fn config(&self, ssl_mode: DriverSslMode) -> Config {
        let options = &self.options;
        let mut config = Config::new();
        let own = options.session.as_deref().unwrap_or_default();
        // Above the host's own limit: the host is to be the first to notice, and this ends what it cannot.
        let idle = self
            .limits
            .idle_in_transaction
            .as_millis()
            .saturating_add(500);
        let session = format!("{own} {SESSION} -c idle_in_transaction_session_timeout={idle}");
        config
            .dbname(options.database.as_str())
            .user(options.user.as_str())
            .application_name(options.application_name.as_str())
            .options(session)
            .ssl_mode(ssl_mode)
            .channel_binding(match options.tls.channel_binding {
                ChannelBinding::Disable => config::ChannelBinding::Disable,
                ChannelBinding::Prefer => config::ChannelBinding::Prefer,
                ChannelBinding::Require => config::ChannelBinding::Require,
            });
        if let Some(password) = &options.password {
            config.password(password.reveal());
        }
        config
    }

    /// Sets what cannot be set at start-up, checks the isolation level, and tries the host's BEGIN, all in one round trip; gives how
    /// many requests that took. BEGIN is the last but one.
    async fn prepare_session(
        &self,
        address: &Address,
        client: &Client,
        kind: ServerKind,
    ) -> Result<u64, ConnectError> {
        let refused = |error| self.refused(address, &error, true);
        let show = client.simple_query("SHOW transaction_isolation");
        let set = client.simple_query(kind.session_settings());
        // What becomes of these two, the guard sees.
        let begin =
            async { tokio::join!(client.simple_query(BEGIN), client.simple_query("ROLLBACK")) };
        let (messages, set, _) = tokio::join!(show, set, begin);
        let messages = messages.map_err(refused)?;
        match set {
            Ok(_) => {}
            Err(error) if kind.may_lack_settings() && !error.is_closed() => {
                tracing::debug!(%error, "this server does not know a setting, and so does not need it");
            }
            Err(error) => return Err(refused(error)),
        }
        let level = messages.iter().find_map(|message| {
            if let SimpleQueryMessage::Row(row) = message {
                row.try_get(0).ok().flatten()
            } else {
                None
            }
        });
        match level {
            // The check, the settings, BEGIN and ROLLBACK.
            Some("serializable") => Ok(4),
            found => Err(ConnectError::Isolation {
                address: address.to_string(),
                found: found.unwrap_or("an unknown level").to_owned(),
            }),
        }
    }

    fn refused(&self, address: &Address, error: &Error, secured: bool) -> ConnectError {
        if let Some(error) = error.as_db_error() {
            return self.refused_by_server(address, error);
        }
        let address = address.to_string();
        let cause = error.source();
        let io = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
        let tls = io.and_then(|error| error.get_ref()?.downcast_ref::<rustls::Error>());
        if let Some(error) = tls {
            let message = explain(error);
            return ConnectError::Tls { address, message };
        }
        if let Some(error) = io {
            return ConnectError::Unreachable(vec![(address, Unreachable::from(error))]);
        }
        if error.is_closed() {
            return ConnectError::Unreachable(vec![(address, Unreachable::Closed)]);
        }
        let message = cause.map_or_else(|| error.to_string(), ToString::to_string);
        if !secured {
            return ConnectError::Tls {
                address,
                message: format!(
                    "{message}; only if nobody can be in between, `sslmode=disable` does without"
                ),
            };
        }
        match message.as_str() {
            "password missing" => ConnectError::LoginRefused {
                address,
                user: self.options.user.clone(),
                message: "it asks for a password and none is given; give one in the URL, in `password` or in PGPASSWORD".to_owned(),
            },
            "server did not use channel binding" => ConnectError::Tls {
                address,
                message: "the server did not bind the login to the connection although `channel_binding=require` asks for it".to_owned(),
            },
            _ => ConnectError::Other { address, message },
        }
    }

    fn refused_by_server(&self, address: &Address, error: &DbError) -> ConnectError {
        let address = address.to_string();
        let user = self.options.user.clone();
        let message = error.message().to_owned();
        match error.code().code() {
            "28P01" => ConnectError::LoginRefused {
                address,
                user,
                message: format!("{message}; is the password right, and the role's name?"),
            },
            "28000" | "42501" => ConnectError::LoginRefused {
                address,
                user,
                message,
            },
            "3D000" => ConnectError::UnknownDatabase {
                address,
                database: self.options.database.clone(),
            },
            "53300" => ConnectError::TooManyConnections {
                address,
                user,
                message,
            },
            "57P01" | "57P02" | "57P03" => {
                ConnectError::Unreachable(vec![(address, Unreachable::NotReady(message))])
            }
            code => ConnectError::Other {
                address,
                message: format!("{message} (SQLSTATE {code})"),
            },
        }
    }
}

/// Lets a connection do its work until it ends. How it ended, the guard knows.
async fn follow(connection: impl Future<Output = Result<(), Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the database ended");
    }
}

/// What a failure of TLS means and what to do about it.
fn explain(error: &rustls::Error) -> String {
    use rustls::CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext,
        NotValidYet, NotValidYetContext, UnknownIssuer,
    };
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the lists of rustls are open"
    )]
    let advice = match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            UnknownIssuer | BadSignature => {
                "no known authority signed the server's certificate: name the file of its authority with `sslrootcert`"
            }
            NotValidForName | NotValidForNameContext { .. } => {
                "the server's certificate is for another name: connect by a name that it has, or check whom you are talking to"
            }
            Expired | ExpiredContext { .. } => "the server's certificate has expired: renew it",
            NotValidYet | NotValidYetContext { .. } => {
                "the server's certificate is not valid yet: are the clocks right?"
            }
            _ => "the server's certificate cannot be accepted",
        },
        rustls::Error::AlertReceived(_) => {
            "the server broke it off: does it want a client certificate, `sslcert` and `sslkey`?"
        }
        _ => "TLS failed",
    };
    format!("{advice} ({error})")
}
