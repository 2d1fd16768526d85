use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll},
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
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
#[derive(Debug)]
pub(super) enum Socket {
    Network(TcpStream),
    Unix(UnixStream),
}

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
        Endpoint::Unix(path) => Ok(Socket::Unix(UnixStream::connect(path).await?)),
        Endpoint::Network(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            set_up(&stream, options)?;
            Ok(Socket::Network(stream))
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

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Network(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Network(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Network(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Network(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
