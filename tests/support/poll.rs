use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
};

/// What a future gives, if it does within so many polls. Else it is dropped where it is then: at the last of them.
///
/// With 1, 2, 3 and so on it is dropped at every point at which it waits.
pub async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |context: &mut Context<'_>| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
