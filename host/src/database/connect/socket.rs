use std::{io, net::SocketAddr, path::PathBuf};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream, lookup_host},
};

use super::Unreachable;
use crate::database::options::{Address, Host, NetworkOptions};

/// One place to connect to; a name can stand for several.
#[derive(Debug, Clone)]
pub(super) enum Endpoint {
    Network(SocketAddr),
    Unix(PathBuf),
}

/// A connected socket of either kind.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Transport for S {}

/// A connected socket.
pub(super) type Socket = Box<dyn Transport>;

/// The places that an address stands for, at least one.
pub(super) async fn resolve(address: &Address) -> Result<Vec<Endpoint>, Unreachable> {
    match &address.host {
        Host::Unix(directory) => Ok(vec![Endpoint::Unix(
            directory.join(format!(".s.PGSQL.{}", address.port)),
        )]),
        Host::Network(name) => {
            let found = lookup_host((name.as_str(), address.port)).await;
            let endpoints: Vec<_> = found
                .map_err(|error| Unreachable::NoSuchHost(error.to_string()))?
                .map(Endpoint::Network)
                .collect();
            if endpoints.is_empty() {
                return Err(Unreachable::NoSuchHost("it has no address".to_owned()));
            }
            Ok(endpoints)
        }
    }
}

/// Connects.
pub(super) async fn open(endpoint: &Endpoint, options: &NetworkOptions) -> io::Result<Socket> {
    match endpoint {
        Endpoint::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Endpoint::Network(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            set_up(&stream, options)?;
            Ok(Box::new(stream))
        }
    }
}

fn set_up(stream: &TcpStream, options: &NetworkOptions) -> io::Result<()> {
    let socket = SockRef::from(stream);
    if options.keepalives {
        let mut keepalive = TcpKeepalive::new().with_time(options.keepalives_idle);
        if let Some(interval) = options.keepalives_interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(count) = options.keepalives_count {
            keepalive = keepalive.with_retries(count);
        }
        socket.set_tcp_keepalive(&keepalive)?;
    }
    #[cfg(target_os = "linux")]
    if !options.tcp_user_timeout.is_zero() {
        socket.set_tcp_user_timeout(Some(options.tcp_user_timeout))?;
    }
    Ok(())
}
