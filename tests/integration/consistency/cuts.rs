//! Connections that are cut at random points.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tests::{
    Random, TestDatabase,
    fault::{Fault, Proxy},
};

/// A proxy before the server that cuts connections: before the server sees a request, or somewhere in its answer.
#[derive(Debug)]
pub(super) struct Cuts {
    proxy: Proxy,
    is_on: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
}

impl Cuts {
    /// Starts a proxy that lets everything pass until it is told to begin, and then cuts at one request of so many.
    pub(super) async fn start(database: &TestDatabase, seed: u64, one_in: usize) -> Self {
        let is_on = Arc::new(AtomicBool::new(false));
        let count = Arc::new(AtomicUsize::new(0));
        let mut random = Random::new(seed);
        let url = database.url();
        let proxy = Proxy::start(&url, {
            let (is_on, count) = (Arc::clone(&is_on), Arc::clone(&count));
            move |_| {
                if !is_on.load(Ordering::SeqCst) || !random.once_in(one_in) {
                    return Fault::None;
                }
                count.fetch_add(1, Ordering::SeqCst);
                if random.once_in(3) {
                    Fault::Unsent
                } else {
                    Fault::Cut(random.below(60))
                }
            }
        });
        Self {
            proxy: proxy.await,
            is_on,
            count,
        }
    }

    /// From now on it cuts.
    pub(super) fn begin(&self) {
        self.is_on.store(true, Ordering::SeqCst);
    }

    /// How often it cut.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// The way through it.
    pub(super) fn url(&self, database: &TestDatabase) -> String {
        self.proxy.url(database.name(), "")
    }
}
