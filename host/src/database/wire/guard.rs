use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::{Wire, inbound::Inbound, outbound::Outbound};

/// A stream to the server whose frames are followed.
#[derive(Debug)]
pub(in crate::database) struct Guard<S, P> {
    stream: S,
    wire: Arc<Wire>,
    inbound: Inbound,
    outbound: Outbound,
    /// What is to live as long as the stream.
    _place: P,
}

impl<S, P> Guard<S, P> {
    /// Follows what passes over `stream`; `place` is dropped together with the stream.
    pub(in crate::database) fn new(stream: S, wire: Arc<Wire>, place: P) -> Self {
        Self {
            stream,
            wire,
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            _place: place,
        }
    }
}

impl<S, P> Drop for Guard<S, P> {
    fn drop(&mut self) {
        self.wire.close();
    }
}

impl<S: AsyncRead + Unpin, P: Unpin> AsyncRead for Guard<S, P> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while buffer.remaining() > 0 && !this.inbound.give(buffer) {
            let mut room = ReadBuf::new(this.inbound.room());
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut room));
            let length = room.filled().len();
            if read.is_err() || length == 0 {
                this.wire.close();
                return Poll::Ready(read);
            }
            if let Err(end) = this.inbound.filled(length, &this.wire) {
                let error = io::Error::new(io::ErrorKind::InvalidData, end.to_string());
                this.wire.end_as(end);
                return Poll::Ready(Err(error));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin, P: Unpin> AsyncWrite for Guard<S, P> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(context, bytes));
        let length = match &written {
            Ok(length) => *length,
            Err(_) => {
                this.wire.close();
                return Poll::Ready(written);
            }
        };
        let requests = this
            .outbound
            .follow(bytes.get(..length).unwrap_or_default());
        let mut record = this.wire.lock();
        if length > 0 && std::mem::take(&mut record.turned) {
            record.counters.flights += 1;
        }
        record.counters.bytes_sent += u64::try_from(length).unwrap_or(u64::MAX);
        record.sent += requests;
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl<S: TlsStream + Unpin, P: Unpin> TlsStream for Guard<S, P> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

/// Makes a TLS connection and puts a [`Guard`] above it, so that the driver still sees the TLS layer's channel binding.
#[derive(Debug)]
pub(in crate::database) struct GuardTls<C, P> {
    pub(in crate::database) connector: C,
    pub(in crate::database) wire: Arc<Wire>,
    pub(in crate::database) place: P,
}

impl<S, C, P> TlsConnect<S> for GuardTls<C, P>
where
    C: TlsConnect<S>,
    C::Future: Send + 'static,
    P: Send + Unpin + 'static,
{
    type Stream = Guard<C::Stream, P>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let Self {
            connector,
            wire,
            place,
        } = self;
        let connecting = connector.connect(stream);
        Box::pin(async move { Ok(Guard::new(connecting.await?, wire, place)) })
    }
}
