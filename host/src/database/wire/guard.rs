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
                this.wire.end_as(end);
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
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
        let Ok(length) = written else {
            this.wire.close();
            return Poll::Ready(written);
        };
        let mut record = this.wire.lock();
        record.follow(&mut this.outbound, bytes.get(..length).unwrap_or_default());
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

    use super::{Guard, Inbound, Outbound, Wire};
    use crate::database::wire::{CommandTag, Counters, End, Status};

    const START_UP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0r\0\0";
    const SYNC: &[u8] = b"S\0\0\0\x04";

    fn guarded(frame_bytes: usize) -> (Guard<DuplexStream, ()>, DuplexStream, Arc<Wire>) {
        let (ours, theirs) = duplex(1 << 20);
        let wire = Wire::new(frame_bytes);
        (Guard::new(ours, Arc::clone(&wire), ()), theirs, wire)
    }

    /// Sends the start-up and so many requests after it.
    async fn ask(guard: &mut Guard<DuplexStream, ()>, requests: usize) {
        guard.write_all(START_UP).await.expect("written");
        let syncs = SYNC.repeat(requests);
        guard.write_all(&syncs).await.expect("written");
    }

    fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("short");
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    fn row_description(oid: u32) -> Vec<u8> {
        let mut body = b"\0\x01c\0\0\0\0\0\0\0".to_vec();
        body.extend_from_slice(&oid.to_be_bytes());
        body.extend_from_slice(&[0, 4, 255, 255, 255, 255, 0, 1]);
        frame(b'T', &body)
    }

    fn ready(status: u8) -> Vec<u8> {
        frame(b'Z', &[status])
    }

    /// Start-up, a query with a type of that OID and large rows, and one that fails in a transaction.
    fn conversation(oid: u32) -> Vec<u8> {
        [
            frame(b'S', b"server_version\x0015.3\0"),
            frame(b'S', b"crdb_version\0CockroachDB CCL v26.2\0"),
            ready(b'I'),
            frame(b'1', b""),
            row_description(oid),
            frame(b'D', &vec![7; 40_000]),
            frame(b'D', b""),
            frame(b'C', b"SELECT 2\0"),
            ready(b'I'),
            frame(b'E', b"SERROR\0VERROR\0C23505\0Mtwice\0\0"),
            ready(b'E'),
        ]
        .concat()
    }

    #[tokio::test]
    async fn frames_are_read_however_the_bytes_come() {
        for piece in [1, 2, 3, 7, 61, 4_096, 1 << 20] {
            let (mut guard, mut server, wire) = guarded(1 << 20);
            ask(&mut guard, 2).await;
            let sent = conversation(16_401);
            let writing = async {
                for bytes in sent.chunks(piece) {
                    server.write_all(bytes).await.expect("written");
                    tokio::task::yield_now().await;
                }
                drop(server);
            };
            let mut received = Vec::new();
            let (read, ()) = tokio::join!(guard.read_to_end(&mut received), writing);
            assert_eq!(read.expect("read"), sent.len());
            assert!(received == conversation(705), "in pieces of {piece}");
            let version = wire.versions().1;
            assert_eq!(version.as_deref(), Some("CockroachDB CCL v26.2"));
            let answer = wire.take(2).expect("seen");
            let columns = answer.columns.expect("described");
            assert_eq!((columns.len(), columns[0].oid), (1, 16_401));
            let tag = CommandTag {
                verb: "SELECT".to_owned(),
                count: Some(2),
            };
            assert_eq!((answer.tag, answer.status), (Some(tag), Status::Idle));
            let failed = wire.take(3).expect("seen");
            assert_eq!(failed.error.as_deref(), Some("23505"));
            assert_eq!(failed.status, Status::Failed);
            assert!(wire.take(2).is_none(), "it was taken");
        }
    }

    #[tokio::test]
    async fn a_frame_over_the_cap_ends_the_connection_before_it_is_read() {
        let (mut guard, mut server, wire) = guarded(1_000);
        ask(&mut guard, 0).await;
        let mut sent = frame(b'D', &[7; 995]);
        sent.extend_from_slice(b"D\x40\0\0\0");
        server.write_all(&sent).await.expect("written");
        let error = guard.read(&mut [0; 4_096]).await.expect_err("ended");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        let end = End::FrameTooLong {
            bytes: 0x4000_0001,
            maximum: 1_000,
        };
        assert_eq!(wire.end().as_ref(), Some(&end));
        drop(guard);
        assert_eq!(wire.end(), Some(end), "the first reason stays");
    }

    #[tokio::test]
    async fn a_flight_is_a_write_after_a_read() {
        let (mut guard, mut server, wire) = guarded(1_000);
        let password = frame(b'p', b"secret\0");
        let query = frame(b'Q', b"BEGIN\0");
        guard.write_all(START_UP).await.expect("written");
        guard.write_all(&password).await.expect("written");
        server.write_all(&ready(b'I')).await.expect("written");
        guard.read_exact(&mut [0; 6]).await.expect("read");
        guard.write_all(&query).await.expect("written");
        let sent = START_UP.len() + password.len() + query.len();
        let counters = Counters {
            flights: 2,
            bytes_received: 6,
            bytes_sent: u64::try_from(sent).expect("few"),
        };
        assert_eq!((wire.counters(), wire.sent()), (counters, 2));
        assert!(wire.is_idle(1) && !wire.is_idle(2));
    }

    #[tokio::test]
    async fn what_closes_statements_has_no_number_and_costs_nobody_a_round_trip() {
        let (mut guard, mut server, wire) = guarded(1_000);
        let closing = [&frame(b'C', b"Ss1\0")[..], SYNC].concat();
        let query = frame(b'Q', b"SELECT 1\0");
        ask(&mut guard, 0).await;
        server.write_all(&ready(b'I')).await.expect("written");
        guard.read_exact(&mut [0; 6]).await.expect("read");
        guard.write_all(&closing).await.expect("written");
        assert_eq!((wire.sent(), wire.counters().flights), (1, 1));
        guard.write_all(&query).await.expect("written");
        assert_eq!((wire.sent(), wire.counters().flights), (2, 2));
        let closed = [frame(b'3', b""), ready(b'I')].concat();
        server.write_all(&closed).await.expect("written");
        guard.read_exact(&mut [0; 11]).await.expect("read");
        assert!(!wire.is_idle(2), "that was not the answer");
        let answer = [frame(b'C', b"SELECT 1\0"), ready(b'I')].concat();
        server.write_all(&answer).await.expect("written");
        drop(server);
        guard.read_to_end(&mut Vec::new()).await.expect("read");
        let tag = wire.take(2).expect("seen").tag;
        assert_eq!(tag.map(|tag| tag.verb).as_deref(), Some("SELECT"));
    }

    #[tokio::test]
    async fn waiting_ends_with_the_answer_or_with_the_connection() {
        let (mut guard, mut server, wire) = guarded(1_000);
        ask(&mut guard, 1).await;
        let waiting = {
            let wire = Arc::clone(&wire);
            tokio::spawn(async move { (wire.idle(1).await, wire.idle(2).await) })
        };
        tokio::task::yield_now().await;
        server.write_all(&ready(b'T')).await.expect("written");
        let last = frame(b'E', b"SFATAL\0VFATAL\0C57P01\0\0");
        server.write_all(&last).await.expect("written");
        drop(server);
        guard.read_to_end(&mut Vec::new()).await.expect("read");
        let end = End::Closed {
            sqlstate: Some("57P01".to_owned()),
        };
        let outcome = waiting.await.expect("waited");
        assert_eq!(outcome, (Ok(Status::Transaction), Err(end)));
    }

    #[tokio::test]
    async fn a_server_that_breaks_the_protocol_is_not_listened_to() {
        let idle = [frame(b'R', &[0; 4]), ready(b'I')].concat();
        let twice = [&frame(b'T', b"\0\0")[..], &frame(b'D', b"\0\0")].concat();
        let flood = frame(b'S', b"a\0b\0").repeat(10_001);
        for (sent, reason) in [
            (
                &b"Z\0\0\0\x03"[..],
                "a frame that is shorter than its header",
            ),
            (&frame(b'?', b""), "a frame of an unknown kind"),
            (&frame(b'Z', b""), "a state that there is none of"),
            (&frame(b'Z', b"I\0"), "a state that there is none of"),
            (&frame(b'T', b"\0\x01"), "columns that cannot be read"),
            (&frame(b't', b"\0\x01"), "parameters that cannot be read"),
            (
                &frame(b'C', b"SELECT 1"),
                "a command tag that cannot be read",
            ),
            (&frame(b'C', b"\xff\0"), "a command tag that cannot be read"),
            (
                &frame(b'R', b"\0\0\0\x0bi=99999999"),
                "a login that takes too long",
            ),
            (&flood, "a flood of parameters"),
            (
                &[idle.clone(), ready(b'I')].concat(),
                "an answer to nothing",
            ),
            (
                &[idle.clone(), twice.clone()].concat(),
                "an answer to nothing",
            ),
        ] {
            let (mut guard, mut server, wire) = guarded(1 << 20);
            ask(&mut guard, 0).await;
            server.write_all(sent).await.expect("written");
            drop(server);
            let read = guard.read_to_end(&mut Vec::new()).await;
            let error = read.expect_err("it is refused");
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{reason}");
            assert_eq!(wire.end(), Some(End::Malformed(reason)));
        }
        let (mut guard, mut server, wire) = guarded(1 << 20);
        ask(&mut guard, 1).await;
        let again = [idle, frame(b'R', &[0; 4])].concat();
        server.write_all(&again).await.expect("written");
        let read = guard.read_to_end(&mut Vec::new()).await;
        read.expect_err("it is refused");
        assert_eq!(
            wire.end(),
            Some(End::Malformed("a request to log in again"))
        );
    }

    proptest! {
        /// However hostile the bytes and however they are cut, the same is seen and nothing breaks.
        #[test]
        fn any_bytes_are_read_alike_however_they_come(
            bytes in arbitrary_frames(),
            piece in 1_usize..40,
        ) {
            let run = |piece: usize| {
                let wire = Wire::new(1_000);
                wire.lock().follow(&mut Outbound::default(), &[START_UP, SYNC, SYNC].concat());
                let mut inbound = Inbound::default();
                let mut given = Vec::new();
                for chunk in bytes.chunks(piece) {
                    inbound.room()[..chunk.len()].copy_from_slice(chunk);
                    let outcome = inbound.filled(chunk.len(), &wire);
                    let mut buffer = [0; 2_000];
                    let mut buffer = ReadBuf::new(&mut buffer);
                    while inbound.give(&mut buffer) {
                        given.extend_from_slice(buffer.filled());
                        buffer.clear();
                    }
                    if let Err(end) = outcome {
                        return (given, Some(end));
                    }
                }
                (given, None)
            };
            prop_assert_eq!(run(bytes.len().max(1)), run(piece));
        }
    }

    /// Frames of all kinds with bodies of any bytes, and now and then no frame at all.
    fn arbitrary_frames() -> impl Strategy<Value = Vec<u8>> {
        let body = || proptest::collection::vec(any::<u8>(), 0..60);
        let kind = proptest::sample::select(b"RKSNAZE123CDTtnsIGHWdc?".to_vec());
        let piece = prop_oneof![
            8 => (kind, body()).prop_map(|(kind, body)| frame(kind, &body)),
            1 => body(),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }
}
