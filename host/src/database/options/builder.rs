use std::{path::PathBuf, time::Duration};

use super::{
    Address, ChannelBinding, ClientCertificate, ConnectOptions, Host, InvalidOptions,
    NetworkOptions, Password, PoolOptions, RootCertificates, SslMode, TlsOptions, refused,
};

const DEFAULT_DATABASE: &str = "defaultdb";
const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 26257;
const DEFAULT_USER: &str = "root";
const DEFAULT_APPLICATION_NAME: &str = "chitin";

/// Parameters as typed: by a URL, by the environment, by a configuration file.
#[derive(Debug, Clone, Default)]
pub struct OptionsBuilder {
    database: Option<String>,
    hosts: Vec<String>,
    ports: Vec<Option<u16>>,
    user: Option<String>,
    password: Option<Password>,
    application_name: Option<String>,
    fallback_application_name: Option<String>,
    session: Option<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    tls: TlsOptions,
    network: NetworkOptions,
    pool: PoolOptions,
}

impl OptionsBuilder {
    /// Sets one parameter by its name in a URL: the nine of our own (`database`, `host`, `port`, `user`, `password`, `sslmode`,
    /// `min_connections`, `max_connections`, `application_name`) and those of libpq. What is set twice has its last value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), InvalidOptions> {
        if value.contains('\0') {
            return Err(InvalidOptions::new(
                "a connection parameter holds a zero byte",
            ));
        }
        match name {
            "database" | "dbname" => self.database = Some(value.to_owned()),
            "host" => self.hosts = value.split(',').map(str::to_owned).collect(),
            "port" => self.ports = ports(value)?,
            "user" => self.user = Some(value.to_owned()),
            "password" => self.password = Some(Password::from(value.to_owned())),
            "application_name" => self.application_name = Some(value.to_owned()),
            "fallback_application_name" => {
                self.fallback_application_name = Some(value.to_owned());
            }
            "options" => {
                refused::check_session(value)?;
                self.session = Some(value.to_owned());
            }
            "min_connections" => self.pool.min_connections = number(name, value)?,
            "max_connections" => self.pool.max_connections = number(name, value)?,
            "acquire_timeout" => self.pool.acquire_timeout = seconds(name, value)?,
            "max_lifetime" => self.pool.max_lifetime = seconds(name, value)?,
            _ if name.starts_with("ssl") || name == "channel_binding" => {
                self.set_tls(name, value)?;
            }
            _ => self.set_network(name, value)?,
        }
        Ok(())
    }

    fn set_tls(&mut self, name: &str, value: &str) -> Result<(), InvalidOptions> {
        match name {
            "sslmode" => self.tls.mode = Some(SslMode::parse(value)?),
            "sslrootcert" if value == "system" => self.tls.roots = RootCertificates::ExplicitSystem,
            "sslrootcert" => self.tls.roots = RootCertificates::File(value.into()),
            "sslcert" => self.certificate = Some(value.into()),
            "sslkey" => self.key = Some(value.into()),
            "sslsni" => self.tls.hide_server_name = !switch(name, value)?,
            "ssl_min_protocol_version" => {
                self.tls.only_tls13 = match value {
                    "TLSv1" | "TLSv1.1" | "TLSv1.2" => false,
                    "TLSv1.3" => true,
                    _ => {
                        return Err(InvalidOptions::new(
                            "`ssl_min_protocol_version` is `TLSv1.2` or `TLSv1.3`",
                        ));
                    }
                };
            }
            "channel_binding" => self.tls.channel_binding = ChannelBinding::parse(value)?,
            _ => refused::accept_or_refuse(name, value)?,
        }
        Ok(())
    }

    fn set_network(&mut self, name: &str, value: &str) -> Result<(), InvalidOptions> {
        let network = &mut self.network;
        match name {
            "connect_timeout" => {
                network.connect_timeout = seconds(name, value)?;
                if network.connect_timeout.is_zero() {
                    return Err(InvalidOptions::new(
                        "`connect_timeout` is at least 1 second: nobody waits for ever",
                    ));
                }
            }
            "tcp_user_timeout" => {
                network.tcp_user_timeout = Duration::from_millis(number(name, value)?);
            }
            "keepalives" => network.keepalives = switch(name, value)?,
            "keepalives_idle" => network.keepalives_idle = seconds(name, value)?,
            "keepalives_interval" => network.keepalives_interval = Some(seconds(name, value)?),
            "keepalives_count" => network.keepalives_count = Some(number(name, value)?),
            "load_balance_hosts" => {
                network.balance = match value {
                    "disable" => false,
                    "random" => true,
                    _ => {
                        return Err(InvalidOptions::new(
                            "`load_balance_hosts` is `disable` or `random`",
                        ));
                    }
                };
            }
            _ => refused::accept_or_refuse(name, value)?,
        }
        Ok(())
    }

    /// The parameters as meant, checked against each other.
    pub fn build(self) -> Result<ConnectOptions, InvalidOptions> {
        let addresses = addresses(self.hosts, &self.ports)?;
        let client = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some(ClientCertificate { certificate, key }),
            (None, None) => None,
            (Some(_), None) => return Err(InvalidOptions::new("`sslcert` needs `sslkey`")),
            (None, Some(_)) => return Err(InvalidOptions::new("`sslkey` needs `sslcert`")),
        };
        let tls = TlsOptions { client, ..self.tls };
        check_tls(&tls, &addresses)?;
        check_pool(&self.pool)?;
        let non_empty = |text: &String| !text.is_empty();
        let or = |text: Option<String>, default: &str| {
            text.filter(non_empty).unwrap_or_else(|| default.to_owned())
        };
        Ok(ConnectOptions {
            database: or(self.database, DEFAULT_DATABASE),
            addresses,
            user: or(self.user, DEFAULT_USER),
            password: self.password,
            tls,
            application_name: or(
                self.application_name.or(self.fallback_application_name),
                DEFAULT_APPLICATION_NAME,
            ),
            session: self.session.filter(non_empty),
            network: self.network,
            pool: self.pool,
        })
    }
}

fn check_tls(tls: &TlsOptions, addresses: &[Address]) -> Result<(), InvalidOptions> {
    let encrypted = tls.mode.is_some_and(|mode| mode != SslMode::Disable);
    let bound = tls.channel_binding == ChannelBinding::Require;
    let on_a_socket = addresses
        .iter()
        .any(|address| matches!(address.host, Host::Unix(_)));
    if on_a_socket && (encrypted || bound) {
        return Err(InvalidOptions::new(
            "there is no TLS on a unix socket: leave out `sslmode` and `channel_binding`",
        ));
    }
    if bound && tls.mode == Some(SslMode::Disable) {
        return Err(InvalidOptions::new(
            "`channel_binding=require` needs TLS: `sslmode=disable` contradicts it",
        ));
    }
    let verified = matches!(tls.mode, None | Some(SslMode::VerifyFull));
    if tls.roots == RootCertificates::ExplicitSystem && !verified {
        return Err(InvalidOptions::new(
            "`sslrootcert=system` needs `sslmode=verify-full`: anyone can get a certificate of a public authority",
        ));
    }
    Ok(())
}

fn check_pool(pool: &PoolOptions) -> Result<(), InvalidOptions> {
    if pool.max_connections == 0 {
        return Err(InvalidOptions::new("`max_connections` is at least 1"));
    }
    if pool.min_connections > pool.max_connections {
        return Err(InvalidOptions::new(format!(
            "`min_connections` ({}) is more than `max_connections` ({})",
            pool.min_connections, pool.max_connections
        )));
    }
    if pool.max_lifetime.is_zero() {
        return Err(InvalidOptions::new("`max_lifetime` is at least 1 second"));
    }
    Ok(())
}

fn addresses(hosts: Vec<String>, ports: &[Option<u16>]) -> Result<Vec<Address>, InvalidOptions> {
    let hosts = if hosts.is_empty() {
        vec![String::new()]
    } else {
        hosts
    };
    if ports.len() > 1 && ports.len() != hosts.len() {
        return Err(InvalidOptions::new(format!(
            "there are {} hosts and {} ports: give one port for all, or one each",
            hosts.len(),
            ports.len()
        )));
    }
    let common = if let [port] = ports { *port } else { None };
    let address = |(index, host): (usize, String)| Address {
        host: match host.as_str() {
            "" => Host::Network(DEFAULT_HOST.to_owned()),
            path if path.starts_with('/') => Host::Unix(host.into()),
            _ => Host::Network(host),
        },
        port: ports
            .get(index)
            .copied()
            .flatten()
            .or(common)
            .unwrap_or(DEFAULT_PORT),
    };
    Ok(hosts.into_iter().enumerate().map(address).collect())
}

fn ports(value: &str) -> Result<Vec<Option<u16>>, InvalidOptions> {
    let port = |text: &str| match text {
        "" => Ok(None),
        _ => text
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .map(Some)
            .ok_or_else(|| {
                InvalidOptions::new(
                    "`port` is a number from 1 to 65535, or one for each host separated by commas",
                )
            }),
    };
    value.split(',').map(port).collect()
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, InvalidOptions> {
    let parsed = value.trim().parse();
    parsed.map_err(|_| InvalidOptions::new(format!("`{name}` is a whole number, 0 or more")))
}

fn seconds(name: &str, value: &str) -> Result<Duration, InvalidOptions> {
    let parsed = value.trim().parse::<u32>();
    let seconds = parsed
        .map_err(|_| InvalidOptions::new(format!("`{name}` is a whole number of seconds")))?;
    Ok(Duration::from_secs(seconds.into()))
}

fn switch(name: &str, value: &str) -> Result<bool, InvalidOptions> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(InvalidOptions::new(format!("`{name}` is 0 or 1"))),
    }
}
