use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// How many connections are open, from the first attempt to make one until its socket is gone.
#[derive(Debug)]
pub(in crate::database) struct Tally {
    open: AtomicUsize,
    maximum: usize,
    changed: Notify,
}

/// The right to have one connection open; given back when dropped.
#[derive(Debug)]
pub(in crate::database) struct Place(Arc<Tally>);

impl Tally {
    pub(super) fn new(maximum: usize) -> Arc<Self> {
        Arc::new(Self {
            open: AtomicUsize::new(0),
            maximum,
            changed: Notify::new(),
        })
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// A place, if fewer than so many are taken, and never more than the maximum.
    pub(super) fn take_below(self: &Arc<Self>, number: usize) -> Option<Arc<Place>> {
        let limit = number.min(self.maximum);
        let next = |open| (open < limit).then_some(open + 1);
        self.open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next)
            .ok()
            .map(|_| Arc::new(Place(Arc::clone(self))))
    }

    /// A place, if there is one below the maximum.
    pub(super) fn take(self: &Arc<Self>) -> Option<Arc<Place>> {
        self.take_below(self.maximum)
    }

    /// Tells those who wait that they may look again.
    pub(super) fn announce(&self) {
        self.changed.notify_waiters();
    }

    /// Waits until `look` finds something, looking again whenever a place was given back or something was announced.
    pub(super) async fn wait_for<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = look() {
                return found;
            }
            changed.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.announce();
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn no_more_places_are_taken_than_there_are() {
        let tally = Tally::new(2);
        let first = tally.take();
        let second = tally.take_below(9);
        assert!(first.is_some() && second.is_some() && tally.take().is_none());
        drop(second);
        assert!(tally.take_below(1).is_none());
        assert_eq!(tally.open(), 1);
    }
}
