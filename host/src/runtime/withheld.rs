use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;

/// Output that is kept until it is known that what it tells of was committed.
#[derive(Debug, Clone, Default)]
pub(super) struct Withheld(Arc<Mutex<Vec<u8>>>);

impl Withheld {
    /// What was written.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AsyncWrite for Withheld {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::Withheld;

    #[tokio::test]
    async fn what_is_written_is_kept() {
        let withheld = Withheld::default();
        let mut writer = withheld.clone();
        writer.write_all(b"once").await.expect("kept");
        assert_eq!(withheld.take(), b"once");
        assert_eq!(withheld.take(), b"");
    }
}
