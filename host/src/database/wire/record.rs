use std::{
    collections::VecDeque,
    ops::Sub,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::{
    Exchange, Status,
    outbound::{Outbound, Request},
};

/// What the guard of one connection saw so far.
#[derive(Debug)]
pub(in crate::database) struct Wire {
    record: Mutex<Record>,
    changed: Notify,
    frame_bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Record {
    /// How many requests were written in full, without those that only close statements.
    pub(super) sent: u64,
    /// How many of them were answered.
    pub(super) answered: u64,
    /// All that were written and not answered.
    pub(super) pending: VecDeque<Request>,
    pub(super) current: Exchange,
    pub(super) complete: VecDeque<Exchange>,
    pub(super) status: Status,
    pub(super) counters: Counters,
    /// Something was read since the last write: the next write begins a flight.
    pub(super) turned: bool,
    pub(super) server_version: Option<String>,
    pub(super) cockroachdb_version: Option<String>,
    pub(super) end: Option<End>,
    /// How many parameters the server has reported in the answer that is coming.
    pub(super) parameters: u32,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::database) enum End {
    /// The server, the network or the host closed it. With the SQLSTATE of the server's last word, if it had
    /// one.
    Closed { sqlstate: Option<String> },
    /// The guard ended it: the server announced a longer frame than allowed.
    FrameTooLong { bytes: usize, maximum: usize },
    /// The guard ended it: the server broke the protocol. How, in words that go on after "the server sent".
    Malformed(&'static str),
}

/// What passed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) struct Counters {
    /// Writes after a read: round trips.
    pub(in crate::database) flights: u64,
    /// Bytes from the server.
    pub(in crate::database) bytes_received: u64,
    /// Bytes to the server.
    pub(in crate::database) bytes_sent: u64,
}

impl Record {
    /// Takes note of what was written.
    pub(super) fn follow(&mut self, outbound: &mut Outbound, bytes: &[u8]) {
        let before = self.pending.len();
        let is_asked = outbound.follow(bytes, &mut self.pending);
        if is_asked && std::mem::take(&mut self.turned) {
            self.counters.flights += 1;
        }
        self.counters.bytes_sent += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let new = self.pending.iter().skip(before);
        self.sent += new
            .map(|request| u64::from(*request == Request::Asked))
            .sum::<u64>();
    }

    /// Takes note that the server is ready again.
    pub(super) fn ready(&mut self, status: Status) {
        self.status = status;
        self.parameters = 0;
        let exchange = std::mem::take(&mut self.current);
        if self.pending.pop_front() == Some(Request::Asked) {
            self.complete.push_back(Exchange { status, ..exchange });
            self.answered += 1;
        }
    }
}

impl Sub for Counters {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            flights: self.flights.saturating_sub(earlier.flights),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
            bytes_sent: self.bytes_sent.saturating_sub(earlier.bytes_sent),
        }
    }
}

impl Wire {
    /// A record of a connection to be made, on which no frame from the server is longer than `frame_bytes`.
    pub(in crate::database) fn new(frame_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            record: Mutex::new(Record {
                turned: true,
                ..Record::default()
            }),
            changed: Notify::new(),
            frame_bytes,
        })
    }

    pub(super) fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn announce(&self) {
        self.changed.notify_waiters();
    }

    /// Notes the end, unless there was one already.
    pub(super) fn end_as(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.announce();
    }

    /// Notes that the stream is gone.
    pub(super) fn close(&self) {
        let mut record = self.lock();
        let last = &record.current;
        let sqlstate = last.error.clone().filter(|_| last.fatal);
        record.end.get_or_insert(End::Closed { sqlstate });
        drop(record);
        self.announce();
    }

    /// How many requests were written in full.
    pub(in crate::database) fn sent(&self) -> u64 {
        self.lock().sent
    }

    /// Whether the server wants to copy data, in the answer that is coming.
    pub(in crate::database) fn is_copying(&self) -> bool {
        self.lock().current.copy
    }

    /// Whether the first `requests` requests were answered, and the connection lives.
    pub(in crate::database) fn is_idle(&self, requests: u64) -> bool {
        let record = self.lock();
        record.end.is_none() && record.answered >= requests
    }

    /// The server's state after the last complete answer.
    pub(in crate::database) fn status(&self) -> Status {
        self.lock().status
    }

    /// How the connection ended, if it did.
    pub(in crate::database) fn end(&self) -> Option<End> {
        self.lock().end.clone()
    }

    /// What passed so far.
    pub(in crate::database) fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// The server's version, and CockroachDB's own if it is one, as told at start-up.
    pub(in crate::database) fn versions(&self) -> (Option<String>, Option<String>) {
        let record = self.lock();
        (
            record.server_version.clone(),
            record.cockroachdb_version.clone(),
        )
    }

    /// Waits until the first `requests` requests were answered, or the connection ended.
    pub(in crate::database) async fn idle(&self, requests: u64) -> Result<Status, End> {
        self.until(|record| match &record.end {
            _ if record.answered >= requests => Some(Ok(record.status)),
            Some(end) => Some(Err(end.clone())),
            None => None,
        })
        .await
    }

    async fn until<T>(&self, condition: impl Fn(&Record) -> Option<T>) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(value) = condition(&self.lock()) {
                return value;
            }
            changed.await;
        }
    }

    /// Takes what was seen of the answer to a request; what older ones left is forgotten.
    pub(in crate::database) fn take(&self, request: u64) -> Option<Exchange> {
        let mut record = self.lock();
        if request == record.answered + 1 {
            return Some(std::mem::take(&mut record.current));
        }
        let newer = usize::try_from(record.answered.checked_sub(request)?).ok()?;
        let index = record.complete.len().checked_sub(newer + 1)?;
        record.complete.drain(..=index).next_back()
    }
}
