use std::{sync::Weak, time::Duration};

use tokio::time::timeout;

use super::Shared;
use crate::database::connect::ConnectError;

/// How often the connections are looked after when nothing happens.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long to leave a database alone that does not let us in, at most.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Closes idle connections at the end of their life and keeps the minimum open, as long as there is a pool.
pub(super) async fn maintain(pool: Weak<Shared>) {
    let mut wait = INTERVAL;
    loop {
        let Some(shared) = pool.upgrade() else { return };
        shared.reap();
        match shared.refill().await {
            Ok(()) => wait = INTERVAL,
            Err(error) => {
                wait = (wait * 2).min(LONGEST_WAIT);
                tracing::warn!(%error, retry_in = ?wait, "the minimum of open connections cannot be kept");
            }
        }
        let failed = wait > INTERVAL;
        let tally = std::sync::Arc::clone(shared.objects.manager().tally());
        let minimum = shared.min_connections;
        drop(shared);
        let missing = tally.wait_for(|| (!failed && tally.open() < minimum).then_some(()));
        // Nothing missing within the interval is the usual case.
        timeout(wait, missing).await.unwrap_or_default();
    }
}

impl Shared {
    fn reap(&self) {
        drop(self.objects.retain(|conn, _| conn.is_usable()));
        self.objects
            .manager()
            .reserve()
            .retain(super::Conn::is_usable);
    }

    async fn refill(&self) -> Result<(), ConnectError> {
        let manager = self.objects.manager();
        while !self.objects.is_closed() {
            let Some(place) = manager.tally().take_below(self.min_connections) else {
                break;
            };
            manager.put_in_reserve(manager.connect(place).await?);
        }
        Ok(())
    }
}
