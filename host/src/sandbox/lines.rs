use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

/// From which length on a line is passed on without waiting for its end.
const LINE_BYTES: usize = 8 << 10;

/// How much a guest can write in one step.
const CHUNK_BYTES: usize = 8 << 10;

/// Takes the lines that a guest writes, without their ends.
pub type LineSink = Arc<dyn Fn(&str) + Send + Sync>;

/// A standard stream of a guest whose lines are wanted one by one, as for a log.
#[derive(Clone)]
pub struct Lines {
    sink: LineSink,
    pending: Arc<Mutex<BytesMut>>,
}

impl Lines {
    /// A stream that gives each line to this sink.
    pub fn new(sink: LineSink) -> Self {
        Self {
            sink,
            pending: Arc::default(),
        }
    }

    /// Passes on a last line that has no end.
    pub fn finish(&self) {
        let rest = self.pending().split();
        if !rest.is_empty() {
            self.emit(&rest);
        }
    }

    fn take(&self, bytes: &[u8]) {
        let mut pending = self.pending();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            pending.extend_from_slice(piece);
            if pending.ends_with(b"\n") || pending.len() >= LINE_BYTES {
                self.emit(&pending.split());
            }
        }
    }

    fn emit(&self, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (self.sink)(&String::from_utf8_lossy(line));
    }

    fn pending(&self) -> MutexGuard<'_, BytesMut> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lines").finish_non_exhaustive()
    }
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK_BYTES)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
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
    use std::sync::{Arc, Mutex};

    use super::{Bytes, Lines, OutputStream as _};

    #[test]
    fn lines_are_whole_whatever_the_pieces() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let mut lines = Lines::new(Arc::new(move |line: &str| {
            sink.lock().expect("not poisoned").push(line.to_owned());
        }));
        for piece in ["one", "\ntw", "o\r\n\nthree"] {
            lines
                .write(Bytes::from_static(piece.as_bytes()))
                .expect("always taken");
        }
        lines.finish();
        lines.finish();
        assert_eq!(
            *seen.lock().expect("not poisoned"),
            ["one", "two", "", "three"]
        );
    }
}
