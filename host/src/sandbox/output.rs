use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamError, StreamResult},
};

use super::LimitReached;

/// How much of a guest's output waits in the host before the guest has to.
const BUFFER_BYTES: usize = 64 << 10;

/// The host could not pass the guest's output on: most often, who read it went away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the output cannot be written: {message}")]
pub struct OutputFailed {
    /// Whether the reader closed its end.
    pub closed: bool,
    /// The system's words.
    pub message: String,
}

impl From<&io::Error> for OutputFailed {
    fn from(error: &io::Error) -> Self {
        Self {
            closed: error.kind() == io::ErrorKind::BrokenPipe,
            message: error.to_string(),
        }
    }
}

/// A guest's standard output, passed on to a writer: never more in between than a small buffer, never more in all than a limit.
#[derive(Debug, Clone)]
pub struct Output(Arc<Mutex<Pipe>>);

struct Pipe {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    buffer: BytesMut,
    /// A flush was asked for and is not done.
    flushing: bool,
    failed: Option<OutputFailed>,
    written: u64,
    maximum: u64,
}

impl Output {
    /// Output that goes to this writer, and is at most so many bytes.
    pub fn new(writer: Box<dyn AsyncWrite + Send + Unpin>, maximum: u64) -> Self {
        Self(Arc::new(Mutex::new(Pipe {
            writer,
            buffer: BytesMut::new(),
            flushing: false,
            failed: None,
            written: 0,
            maximum,
        })))
    }

    /// Output that nobody reads.
    pub fn nowhere() -> Self {
        Self::new(Box::new(tokio::io::sink()), u64::MAX)
    }

    /// Passes on what is still in the buffer.
    pub async fn finish(&self) -> Result<(), OutputFailed> {
        self.pipe().flushing = true;
        std::future::poll_fn(|context| self.pipe().poll_write_out(context)).await;
        self.pipe().failed.clone().map_or(Ok(()), Err)
    }

    /// How many bytes the guest wrote.
    pub fn written(&self) -> u64 {
        self.pipe().written
    }

    fn pipe(&self) -> MutexGuard<'_, Pipe> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipe {
    /// Writes while there is something to write and a reason to: a full buffer or a flush. A failure is kept for the next call.
    fn poll_write_out(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.failed.is_none() && (self.flushing || self.buffer.len() >= BUFFER_BYTES) {
            let step = if self.buffer.is_empty() {
                ready!(Pin::new(&mut self.writer).poll_flush(context))
                    .map(|()| self.flushing = false)
            } else {
                match ready!(Pin::new(&mut self.writer).poll_write(context, &self.buffer)) {
                    Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => {
                        self.buffer.advance(count);
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            };
            if let Err(error) = step {
                self.failed = Some(OutputFailed::from(&error));
                self.buffer.clear();
            }
        }
        Poll::Ready(())
    }

    fn check(&self) -> StreamResult<()> {
        match &self.failed {
            Some(failed) => Err(StreamError::Trap(failed.clone().into())),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pipe")
            .field("buffered", &self.buffer.len())
            .field("failed", &self.failed)
            .field("written", &self.written)
            .field("maximum", &self.maximum)
            .finish_non_exhaustive()
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut pipe = self.pipe();
        pipe.check()?;
        let used = pipe.written.saturating_add(bytes.len() as u64);
        if used > pipe.maximum {
            let limit = LimitReached {
                name: "output-bytes",
                used,
                maximum: pipe.maximum,
            };
            return Err(StreamError::Trap(limit.into()));
        }
        pipe.written = used;
        pipe.buffer.extend_from_slice(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        let mut pipe = self.pipe();
        pipe.check()?;
        pipe.flushing = true;
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let pipe = self.pipe();
        pipe.check()?;
        Ok(if pipe.flushing {
            0
        } else {
            BUFFER_BYTES.saturating_sub(pipe.buffer.len())
        })
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        std::future::poll_fn(|context| self.pipe().poll_write_out(context)).await;
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only the next WASI asks for it, and no guest of it is linked.
        Box::new(tokio::io::sink())
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, LimitReached, Output, OutputStream as _, Pollable as _, StreamError};
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn a_writer_that_waits_holds_the_guest_back() {
        let (writer, mut reader) = tokio::io::duplex(1024);
        let mut output = Output::new(Box::new(writer), 1 << 20);
        let full = Bytes::from(vec![b'x'; super::BUFFER_BYTES]);
        output.write(full).expect("room");
        assert_eq!(output.check_write().expect("open"), 0);
        let read = tokio::spawn(async move {
            let mut read = Vec::new();
            reader.read_to_end(&mut read).await.map(|_| read.len())
        });
        output.ready().await;
        assert!(output.check_write().expect("open") > 0);
        output.finish().await.expect("written");
        drop(output);
        assert_eq!(
            read.await.expect("ends").expect("reads"),
            super::BUFFER_BYTES
        );
    }

    #[test]
    fn output_over_the_limit_is_refused_by_name() {
        let mut output = Output::new(Box::new(tokio::io::sink()), 4);
        output.write(Bytes::from_static(b"1234")).expect("fits");
        let Err(StreamError::Trap(error)) = output.write(Bytes::from_static(b"5")) else {
            unreachable!("over the limit");
        };
        let limit: &LimitReached = error.downcast_ref().expect("a limit");
        assert_eq!(
            (limit.name, limit.used, limit.maximum),
            ("output-bytes", 5, 4)
        );
        assert_eq!(output.written(), 4);
    }

    #[tokio::test]
    async fn a_reader_that_went_away_is_reported() {
        let (writer, reader) = tokio::io::duplex(16);
        drop(reader);
        let mut output = Output::new(Box::new(writer), 1 << 20);
        output.write(Bytes::from_static(b"text")).expect("buffered");
        assert!(output.finish().await.expect_err("nobody reads").closed);
        assert!(matches!(output.check_write(), Err(StreamError::Trap(_))));
    }
}
