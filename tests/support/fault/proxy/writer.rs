use std::time::Duration;

use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
    time::sleep,
};

use super::gate::Gate;

/// What one direction does next, in this order.
#[derive(Debug)]
pub(super) enum Out {
    Bytes(Vec<u8>),
    Hold(Gate),
    Delay(Duration),
    /// From here on, in pieces of so many bytes.
    Slice(usize),
    /// From here on, so many bytes a second.
    Throttle(usize),
}

/// The way into one direction. It holds what it is given: a direction that waits does not stop the other.
pub(super) type Sink = mpsc::UnboundedSender<Out>;

/// Does what it is told until nothing more can come, or nobody listens; gives the end that it wrote to.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    mut end: W,
    mut told: mpsc::UnboundedReceiver<Out>,
) -> W {
    let (mut piece, mut pause) = (usize::MAX, Duration::ZERO);
    while let Some(out) = told.recv().await {
        match out {
            Out::Hold(gate) => gate.pass().await,
            Out::Delay(time) => sleep(time).await,
            Out::Slice(bytes) => piece = bytes.max(1),
            Out::Throttle(bytes) => {
                // A hundredth of a second's worth at a time.
                piece = (bytes / 100).max(1);
                pause = Duration::from_millis(10);
            }
            Out::Bytes(bytes) => {
                for bytes in bytes.chunks(piece) {
                    if end.write_all(bytes).await.is_err() {
                        return end;
                    }
                    if bytes.len() == piece {
                        tokio::task::yield_now().await;
                    }
                    if !pause.is_zero() {
                        sleep(pause).await;
                    }
                }
            }
        }
    }
    end
}
