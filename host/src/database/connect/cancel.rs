use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    sync::oneshot,
    time::timeout,
};
use tokio_postgres::{CancelToken, NoTls, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::socket::{self, Endpoint, Socket};
use crate::database::options::NetworkOptions;

/// How long a cancel request may take in all.
const LIMIT: Duration = Duration::from_secs(2);

/// Asks a server to stop what a connection is doing.
#[derive(Clone)]
pub(in crate::database) struct Canceller {
    token: CancelToken,
    endpoint: Endpoint,
    network: NetworkOptions,
    tls: Option<(MakeRustlsConnect, String)>,
}

impl Canceller {
    pub(super) fn new(
        token: CancelToken,
        endpoint: Endpoint,
        network: NetworkOptions,
        tls: Option<(MakeRustlsConnect, String)>,
    ) -> Self {
        Self {
            token,
            endpoint,
            network,
            tls,
        }
    }

    /// Sends the request, to the very address that the connection was made to, and waits until the server has taken note of it.
    ///
    /// It promises nothing: the statement may have ended before, and on some servers the request may arrive later still. So a
    /// connection that was cancelled is never used again.
    pub(in crate::database) async fn cancel(&self) {
        match timeout(LIMIT, self.request()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "a statement could not be cancelled on the server");
            }
            Err(_) => tracing::warn!("a statement could not be cancelled on the server in time"),
        }
    }

    async fn request(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let socket = socket::open(&self.endpoint, &self.network).await?;
        let (owner, returned) = oneshot::channel();
        let lent = Lent {
            socket: Some(socket),
            owner: Some(owner),
        };
        match &self.tls {
            None => self.token.cancel_query_raw(lent, NoTls).await?,
            Some((tls, host)) => {
                let connector =
                    <_ as MakeTlsConnect<Lent>>::make_tls_connect(&mut tls.clone(), host)?;
                self.token.cancel_query_raw(lent, connector).await?;
            }
        }
        // The server closes when it is done. To close first, with its TLS tickets unread, could take the request back.
        let mut socket = returned.await?;
        let mut rest = [0; 256];
        while socket.read(&mut rest).await.is_ok_and(|length| length > 0) {}
        Ok(())
    }
}

/// A socket that goes back to its owner when it is dropped.
struct Lent {
    /// There until then.
    socket: Option<Socket>,
    owner: Option<oneshot::Sender<Socket>>,
}

impl Lent {
    fn socket(self: Pin<&mut Self>) -> io::Result<Pin<&mut Socket>> {
        match &mut self.get_mut().socket {
            Some(socket) => Ok(Pin::new(socket)),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(socket), Some(owner)) = (self.socket.take(), self.owner.take()) {
            // Without an owner who waits for it, it is closed.
            drop(owner.send(socket));
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.socket()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Lent {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.socket()?.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(context)
    }
}
