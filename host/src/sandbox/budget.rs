use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

use super::{LimitReached, Limits};

/// A poll that takes longer is one of a guest that computes.
const SHORT_NANOSECONDS: u64 = 100_000;

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
        let mut is_busy = false;
        poll_fn(|context| {
            let stopwatch = Stopwatch::start(is_busy);
            let poll = future.as_mut().poll(context);
            let spent = stopwatch.nanoseconds();
            is_busy = spent >= SHORT_NANOSECONDS;
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

/// Measures a poll. The processor time of a thread takes a system call to read, many times what the clock costs; where a poll is short
/// they show the same, but for a thread that the kernel took off its processor meanwhile, which is then charged for that too. So only
/// what follows a long poll, a guest that computes, is measured exactly.
enum Stopwatch {
    Clock(Instant),
    Processor(u64),
}

impl Stopwatch {
    fn start(is_exact: bool) -> Self {
        if is_exact {
            Self::Processor(thread_cpu_nanoseconds())
        } else {
            Self::Clock(Instant::now())
        }
    }

    fn nanoseconds(&self) -> u64 {
        match self {
            Self::Clock(start) => u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Self::Processor(start) => thread_cpu_nanoseconds().saturating_sub(*start),
        }
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
    use std::{future::poll_fn, task::Poll, time::Duration};

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

    #[tokio::test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread that sleeps is like one whose processor others have"
    )]
    async fn who_computes_is_not_charged_for_what_others_take() {
        let budget = budget(Limits::default());
        let mut polls = 0;
        let work = poll_fn(|context| {
            let until = thread_cpu_nanoseconds() + 2_000_000;
            while thread_cpu_nanoseconds() < until {}
            std::thread::sleep(Duration::from_millis(50));
            polls += 1;
            context.waker().wake_by_ref();
            if polls < 4 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        });
        budget.charge(work).await;
        let used = budget.cpu();
        assert!(used >= Duration::from_millis(4 * 2), "{used:?}");
        assert!(used < Duration::from_millis(2 * 50), "{used:?}");
    }
}
