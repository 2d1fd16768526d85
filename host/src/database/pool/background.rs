use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, task::JoinSet, time::timeout};

/// Work that outlives the call that caused it: cancelling, waiting until a connection is idle, resetting.
#[derive(Debug)]
pub(in crate::database) struct Background {
    runtime: Handle,
    tasks: Mutex<JoinSet<()>>,
}

impl Background {
    /// Work is done by the runtime that this is called in.
    pub(super) fn new() -> Self {
        Self {
            runtime: Handle::current(),
            tasks: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins some work; can be called from anywhere, also from a `drop`.
    pub(in crate::database) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(work, &self.runtime);
    }

    /// Waits until all work is done, also what was begun meanwhile, but no longer than `limit`. What is left then is dropped.
    pub(super) async fn finish(&self, limit: Duration) {
        let finish = async {
            loop {
                let mut tasks = std::mem::take(&mut *self.lock());
                if tasks.is_empty() {
                    break;
                }
                while tasks.join_next().await.is_some() {}
            }
        };
        if timeout(limit, finish).await.is_err() {
            tracing::warn!("work on connections was not finished in time and is dropped");
        }
    }
}
