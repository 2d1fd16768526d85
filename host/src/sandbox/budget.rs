use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use super::{LimitReached, Limits};

/// What one run may use, and how much of it is used: shared by all stores of the run.
///
/// Its numbers are only ever added to and compared, so that no order between them matters.
#[derive(Debug)]
pub struct Budget {
    memory_bytes: Gauge,
    table_elements: Gauge,
    cpu_nanoseconds: AtomicU64,
    cpu: Duration,
    refused: Mutex<Option<LimitReached>>,
}

impl Budget {
    /// The budget of a run under these limits, with nothing used.
    pub fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            memory_bytes: Gauge::new("memory-bytes", limits.memory_bytes),
            table_elements: Gauge::new("table-elements", limits.table_elements),
            cpu_nanoseconds: AtomicU64::new(0),
            cpu: limits.cpu,
            refused: Mutex::new(None),
        })
    }

    /// Runs a future of this run, and charges it for the processor time it takes: for as long as it waits it is not polled, and
    /// costs nothing.
    pub async fn charge<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let start = thread_cpu_nanoseconds();
            let poll = future.as_mut().poll(context);
            let spent = thread_cpu_nanoseconds().saturating_sub(start);
            self.cpu_nanoseconds.fetch_add(spent, Relaxed);
            poll
        })
        .await
    }

    /// The processor time used so far; it grows whenever the guest yields, which it does at every tick.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_nanoseconds.load(Relaxed))
    }

    /// The limit of processor time, if it is used up.
    pub fn cpu_exhausted(&self) -> Option<LimitReached> {
        let used = self.cpu();
        (used >= self.cpu).then(|| LimitReached::time("cpu", used, self.cpu))
    }

    /// The most memory that all stores of the run had at one time.
    pub fn peak_memory_bytes(&self) -> u64 {
        self.memory_bytes.peak.load(Relaxed)
    }

    /// The limit by which the latest growth of a memory or table was refused, if it was: a guest that runs into a trap then most
    /// likely does so for want of it.
    pub fn refused(&self) -> Option<LimitReached> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The limits of the run by name, each with what is used of it and how much there is; processor time is in milliseconds.
    pub fn states(&self) -> [(&'static str, u64, u64); 3] {
        let cpu = LimitReached::time("cpu", self.cpu(), self.cpu);
        let gauge = |gauge: &Gauge| (gauge.name, gauge.used.load(Relaxed), gauge.maximum);
        [
            gauge(&self.memory_bytes),
            gauge(&self.table_elements),
            (cpu.name, cpu.used, cpu.maximum),
        ]
    }

    /// Asks for more memory, and notes the answer.
    pub(super) fn grow_memory(&self, bytes: usize) -> bool {
        self.note(self.memory_bytes.take(bytes))
    }

    /// Asks for more elements in tables, and notes the answer.
    pub(super) fn grow_table(&self, elements: usize) -> bool {
        self.note(self.table_elements.take(elements))
    }

    /// Gives back what [`Self::grow_memory`] and [`Self::grow_table`] granted.
    pub(super) fn give_back(&self, memory_bytes: usize, table_elements: usize) {
        self.memory_bytes.give_back(memory_bytes);
        self.table_elements.give_back(table_elements);
    }

    fn note(&self, answer: Result<(), LimitReached>) -> bool {
        let granted = answer.is_ok();
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = answer.err();
        granted
    }
}

/// An amount with a maximum and a high-water mark.
#[derive(Debug)]
struct Gauge {
    name: &'static str,
    used: AtomicU64,
    peak: AtomicU64,
    maximum: u64,
}

impl Gauge {
    fn new(name: &'static str, maximum: usize) -> Self {
        Self {
            name,
            used: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            maximum: maximum as u64,
        }
    }

    fn take(&self, amount: usize) -> Result<(), LimitReached> {
        let amount = amount as u64;
        let used = self.used.fetch_add(amount, Relaxed).saturating_add(amount);
        if used > self.maximum {
            self.used.fetch_sub(amount, Relaxed);
            return Err(LimitReached {
                name: self.name,
                used,
                maximum: self.maximum,
            });
        }
        self.peak.fetch_max(used, Relaxed);
        Ok(())
    }

    fn give_back(&self, amount: usize) {
        self.used.fetch_sub(amount as u64, Relaxed);
    }
}

/// The processor time of the calling thread: what others take of the machine does not count.
fn thread_cpu_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Budget, Limits, thread_cpu_nanoseconds};

    fn budget(limits: Limits) -> std::sync::Arc<Budget> {
        Budget::new(&limits)
    }

    #[test]
    fn memory_is_summed_and_given_back() {
        let budget = budget(Limits {
            memory_bytes: 100,
            ..Limits::default()
        });
        assert!(budget.grow_memory(60));
        assert!(!budget.grow_memory(60));
        let refused = budget.refused().expect("a refusal");
        assert_eq!(
            (refused.name, refused.used, refused.maximum),
            ("memory-bytes", 120, 100)
        );
        budget.give_back(60, 0);
        assert!(budget.grow_memory(100));
        assert_eq!(
            budget.refused(),
            None,
            "a later success forgets the refusal"
        );
        assert_eq!(budget.peak_memory_bytes(), 100);
    }

    #[tokio::test]
    async fn waiting_costs_no_processor_time_and_working_does() {
        let budget = budget(Limits {
            cpu: Duration::from_millis(20),
            ..Limits::default()
        });
        budget
            .charge(tokio::time::sleep(Duration::from_millis(40)))
            .await;
        assert_eq!(budget.cpu_exhausted(), None);
        let work = async {
            let until = thread_cpu_nanoseconds() + 20_000_000;
            while thread_cpu_nanoseconds() < until {}
        };
        budget.charge(work).await;
        assert_eq!(budget.cpu_exhausted().expect("used up").name, "cpu");
    }
}
