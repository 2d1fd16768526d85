use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::sandbox::{LimitReached, Stdin};

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// Standard input that every attempt reads from its beginning: what one has read is kept for the next, up to a limit.
#[derive(Clone)]
pub(super) struct Replay(Arc<Mutex<Kept>>);

struct Kept {
    source: Box<dyn AsyncRead + Send + Sync + Unpin>,
    bytes: Vec<u8>,
    ended: bool,
    maximum: u64,
    exceeded: bool,
}

/// One attempt's reading of it.
struct Reader {
    kept: Arc<Mutex<Kept>>,
    at: usize,
}

impl Replay {
    /// Keeps at most so many bytes of this input.
    pub(super) fn new(stdin: Stdin, maximum: u64) -> Self {
        let source: Box<dyn AsyncRead + Send + Sync + Unpin> = match stdin {
            Stdin::Empty => Box::new(tokio::io::empty()),
            Stdin::Process => Box::new(tokio::io::stdin()),
            Stdin::Stream(stream) => stream,
        };
        Self(Arc::new(Mutex::new(Kept {
            source,
            bytes: Vec::new(),
            ended: false,
            maximum,
            exceeded: false,
        })))
    }

    /// The input, from its beginning.
    pub(super) fn reader(&self) -> Stdin {
        Stdin::Stream(Box::new(Reader {
            kept: Arc::clone(&self.0),
            at: 0,
        }))
    }

    /// The limit, if there was more than may be kept: the attempt that read on has seen an error then.
    pub(super) fn exceeded(&self) -> Option<LimitReached> {
        let kept = lock(&self.0);
        kept.exceeded.then(|| LimitReached {
            name: "stdin-bytes",
            used: kept.maximum.saturating_add(1),
            maximum: kept.maximum,
        })
    }
}

impl Kept {
    /// Reads on; the input has ended or is too long if nothing more is there afterwards.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended || self.exceeded {
            return Poll::Ready(Ok(()));
        }
        let mut chunk = vec![0; CHUNK];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.source).poll_read(context, &mut buffer))?;
        self.ended = buffer.filled().is_empty();
        self.bytes.extend_from_slice(buffer.filled());
        self.exceeded = self.bytes.len() as u64 > self.maximum;
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let shared = Arc::clone(&self.kept);
        let mut kept = lock(&shared);
        if self.at >= kept.bytes.len() {
            ready!(kept.poll_more(context))?;
        }
        if kept.exceeded {
            return Poll::Ready(Err(io::Error::other(
                "more standard input than is kept for the next attempt (limit `stdin-bytes`)",
            )));
        }
        let rest = kept.bytes.get(self.at..).unwrap_or_default();
        let length = rest.len().min(into.remaining());
        into.put_slice(rest.get(..length).unwrap_or_default());
        self.at += length;
        Poll::Ready(Ok(()))
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Replay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = lock(&self.0);
        formatter
            .debug_struct("Replay")
            .field("bytes", &kept.bytes.len())
            .field("ended", &kept.ended)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::{Replay, Stdin};

    async fn read(replay: &Replay, length: usize) -> Vec<u8> {
        let Stdin::Stream(reader) = replay.reader() else {
            unreachable!("a replay is a stream");
        };
        let mut read = Vec::new();
        let limit = length as u64;
        reader
            .take(limit)
            .read_to_end(&mut read)
            .await
            .expect("reads");
        read
    }

    #[tokio::test]
    async fn every_attempt_reads_from_the_beginning() {
        let text: Vec<u8> = (0..=250).cycle().take(200_000).collect();
        let stdin = Stdin::Stream(Box::new(std::io::Cursor::new(text.clone())));
        let replay = Replay::new(stdin, 1 << 20);
        assert_eq!(read(&replay, 10).await, text[..10]);
        assert_eq!(read(&replay, 100_000).await, text[..100_000]);
        assert_eq!(read(&replay, usize::MAX).await, text);
        assert_eq!(read(&replay, usize::MAX).await, text);
        assert_eq!(replay.exceeded(), None);
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_refused_by_the_limit() {
        let stdin = Stdin::Stream(Box::new(std::io::Cursor::new(vec![1; 100])));
        let replay = Replay::new(stdin, 99);
        let Stdin::Stream(mut reader) = replay.reader() else {
            unreachable!("a replay is a stream");
        };
        let error = reader.read(&mut [0; 10]).await.expect_err("too much");
        assert!(error.to_string().contains("stdin-bytes"), "{error}");
        let limit = replay.exceeded().expect("a limit");
        assert_eq!((limit.name, limit.maximum), ("stdin-bytes", 99));
    }
}
