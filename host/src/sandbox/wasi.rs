use std::{
    fmt,
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::io::AsyncRead;
use wasmtime::component::Linker;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiView,
    cli::{AsyncStdinStream, IsTerminal, StdinStream},
    p2::InputStream,
};

use super::{Lines, Output};

/// How many random bytes a guest gets in one call.
const RANDOM_BYTES: u64 = 64 << 10;

/// The clocks of a guest go in steps of this: finer ones help only those who measure what they should not.
const CLOCK_STEP: Duration = Duration::from_millis(1);

/// Where all randomness of an instance comes from: instances with the same seed draw the same numbers.
#[derive(Clone, Copy)]
pub struct Seed([u8; 32]);

/// The seeds of one run, each different, all from one draw.
pub struct Seeds(Mutex<StdRng>);

impl Seeds {
    /// Seeds that nobody can guess.
    pub fn random() -> Self {
        Self(Mutex::new(StdRng::from_seed(rand::random())))
    }

    /// The next one.
    pub fn draw(&self) -> Seed {
        let mut seeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Seed(seeds.random())
    }
}

impl fmt::Debug for Seeds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Seeds(..)")
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Seed(..)")
    }
}

/// What a guest reads as its standard input.
#[derive(Default)]
pub enum Stdin {
    /// Nothing: it is at its end from the start.
    #[default]
    Empty,
    /// The standard input of this process. Nothing is read from it before the guest asks.
    Process,
    /// This stream. A little is read ahead, from when the guest first asks.
    Stream(Box<dyn AsyncRead + Send + Sync + Unpin>),
}

impl fmt::Debug for Stdin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "Empty",
            Self::Process => "Process",
            Self::Stream(_) => "Stream(..)",
        })
    }
}

/// Where a guest's standard output goes.
#[derive(Debug, Clone)]
pub enum Stdout {
    /// It is what the guest is run for.
    Output(Output),
    /// It is remarks about its work, line by line.
    Lines(Lines),
}

/// All that a guest sees of the world through WASI. There are no files, no environment and no network in it.
#[derive(Debug)]
pub struct World {
    /// The arguments, the program's own name first.
    pub arguments: Vec<String>,
    /// What it reads.
    pub stdin: Stdin,
    /// What it writes.
    pub stdout: Stdout,
    /// What it remarks.
    pub stderr: Lines,
    /// What its wall clock shows at the start; the clocks go on from there.
    pub started_at: SystemTime,
    /// Its randomness.
    pub seed: Seed,
}

impl World {
    /// This world, as the WASI functions see it.
    pub fn into_context(self) -> WasiCtx {
        let mut random = StdRng::from_seed(self.seed.0);
        let insecure = StdRng::from_rng(&mut random);
        let insecure_seed = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
        let clock = Clock {
            started_at: self
                .started_at
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
            started: Instant::now(),
        };
        let mut builder = WasiCtx::builder();
        builder
            .args(&self.arguments)
            .stderr(self.stderr)
            .secure_random(random)
            .insecure_random(insecure)
            .insecure_random_seed(insecure_seed)
            .max_random_size(RANDOM_BYTES)
            .wall_clock(clock)
            .monotonic_clock(clock)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        match self.stdin {
            Stdin::Empty => {}
            Stdin::Process => {
                builder.stdin(tokio::io::stdin());
            }
            Stdin::Stream(stream) => {
                builder.stdin(LazyStdin::new(stream));
            }
        }
        match self.stdout {
            Stdout::Output(output) => builder.stdout(output),
            Stdout::Lines(lines) => builder.stdout(lines),
        };
        builder.build()
    }
}

/// Links WASI 0.2, so that guests of any toolchain load: what they call finds the empty [`World`].
pub fn add_wasi<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

/// Both clocks of a guest: they start together and go in the same steps.
#[derive(Debug, Clone, Copy)]
struct Clock {
    started_at: Duration,
    started: Instant,
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        CLOCK_STEP
    }

    fn now(&self) -> Duration {
        round(self.started_at.saturating_add(self.started.elapsed()))
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        nanoseconds(CLOCK_STEP)
    }

    fn now(&self) -> u64 {
        nanoseconds(round(self.started.elapsed()))
    }
}

fn round(time: Duration) -> Duration {
    let step = CLOCK_STEP.as_nanos();
    let excess = u64::try_from(time.as_nanos() % step).unwrap_or(0);
    time.saturating_sub(Duration::from_nanos(excess))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A stream that is not touched before a guest asks for its standard input.
struct LazyStdin {
    reader: Mutex<Option<Box<dyn AsyncRead + Send + Sync + Unpin>>>,
    stream: OnceLock<AsyncStdinStream>,
}

impl LazyStdin {
    fn new(reader: Box<dyn AsyncRead + Send + Sync + Unpin>) -> Self {
        Self {
            reader: Mutex::new(Some(reader)),
            stream: OnceLock::new(),
        }
    }

    fn stream(&self) -> &AsyncStdinStream {
        self.stream.get_or_init(|| {
            let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
            let empty =
                || -> Box<dyn AsyncRead + Send + Sync + Unpin> { Box::new(tokio::io::empty()) };
            AsyncStdinStream::new(reader.take().unwrap_or_else(empty))
        })
    }
}

impl IsTerminal for LazyStdin {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdinStream for LazyStdin {
    fn p2_stream(&self) -> Box<dyn InputStream> {
        self.stream().p2_stream()
    }

    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        self.stream().async_stream()
    }
}
