use std::{
    num::NonZeroUsize,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use wasmtime::{
    Config, Enabled, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy,
    WasmBacktraceDetails,
};

use super::Limits;

/// The engine under ours, as its authors name its release. A test compares it with what is built in.
pub const ENGINE: &str = "wasmtime 48.0.8";

/// How often a running guest is interrupted: it yields to other tasks, and its processor time is checked.
const TICK: Duration = Duration::from_millis(10);

/// How many functions of a guest's call stack are reported.
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::new(16).expect("not zero");

/// What the host's own functions need of a fiber's stack, on top of the guest's share.
const HOST_STACK_BYTES: usize = 3 << 19;

/// How much of a memory stays resident when it is given back, where the kernel can tell which pages were touched.
const KEEP_RESIDENT_BYTES: usize = 16 << 20;

/// The same without that help: all of it is wiped each time, touched or not.
const KEEP_RESIDENT_BLIND_BYTES: usize = 64 << 10;

/// The engine: its settings, its pool of memories, and the tick that interrupts guests. One per process; cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    wasm: wasmtime::Engine,
    limits: Limits,
    _ticker: Ticker,
}

/// The engine could not be made: the limits ask for more than the machine has, or for a combination it cannot give.
#[derive(Debug, thiserror::Error)]
#[error("the engine does not start with these limits")]
pub struct EngineError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Engine {
    /// Makes the engine, sets its address space aside, and starts the tick.
    pub fn new(limits: Limits) -> Result<Self, EngineError> {
        let wasm = wasmtime::Engine::new(&config(&limits))
            .map_err(|error| EngineError(error.into_boxed_dyn_error()))?;
        let ticker = Ticker::start(wasm.weak()).map_err(|error| EngineError(error.into()))?;
        Ok(Self(Arc::new(Inner {
            wasm,
            limits,
            _ticker: ticker,
        })))
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The engine as wasmtime has it.
    pub fn wasm(&self) -> &wasmtime::Engine {
        &self.0.wasm
    }
}

fn config(limits: &Limits) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .wasm_component_model(true)
        // What no toolchain needs can break nothing. Relaxed operations give other results on other machines.
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        .epoch_interruption(true)
        .consume_fuel(false)
        .memory_init_cow(true)
        .max_wasm_stack(limits.stack_bytes)
        .async_stack_size(limits.stack_bytes.saturating_add(HOST_STACK_BYTES))
        .async_stack_zeroing(true)
        .wasm_backtrace_max_frames(Some(BACKTRACE_FRAMES))
        // The default asks an environment variable, and reads debug information that the guest wrote.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    config
}

/// The pool fits the limits exactly: a guest that keeps to them always finds its slot free.
fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let keep_resident_bytes = if PoolingAllocationConfig::is_pagemap_scan_available() {
        KEEP_RESIDENT_BYTES
    } else {
        KEEP_RESIDENT_BLIND_BYTES
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(keep_resident_bytes)
        .table_keep_resident(KEEP_RESIDENT_BLIND_BYTES)
        .async_stack_keep_resident(KEEP_RESIDENT_BLIND_BYTES)
        .max_unused_warm_slots(limits.slots)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits.table_elements)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(8 << 20)
        .max_core_instances_per_component(limits.core_instances)
        .max_memories_per_component(limits.memories)
        .max_memories_per_module(limits.memories)
        .max_tables_per_component(limits.tables)
        .max_tables_per_module(limits.tables)
        .total_component_instances(limits.slots)
        .total_core_instances(limits.slots.saturating_mul(limits.core_instances))
        .total_memories(limits.slots.saturating_mul(limits.memories))
        .total_tables(limits.slots.saturating_mul(limits.tables))
        .total_stacks(limits.slots);
    pool
}

/// A plain thread that advances the epoch: guests that never yield cannot starve it. It ends with the engine.
#[derive(Debug)]
struct Ticker {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("epoch-ticker".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                    match engine.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => break,
                    }
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and there is nobody to tell.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::{Enabled, PoolingAllocationConfig, Store};

    use super::{ENGINE, Engine, Limits, pool};

    #[test]
    fn the_engine_is_named_as_it_is_built_in() {
        let built = include_str!("../../../Cargo.lock").split("[[package]]");
        let versions: Vec<_> = built
            .filter_map(|package| {
                let version = package.strip_prefix("\nname = \"wasmtime\"\nversion = \"")?;
                version.split('"').next()
            })
            .collect();
        assert_eq!(versions, [ENGINE.trim_start_matches("wasmtime ")]);
    }

    #[test]
    fn the_engine_has_the_settings_that_were_decided() {
        let engine =
            Engine::new(Limits::default()).expect("this machine has room for the defaults");
        assert!(Store::new(engine.wasm(), ()).get_fuel().is_err());
        assert!(engine.wasm().pooling_allocator_metrics().is_some());
        // The engine shows the rest only in its debugging form.
        let config = format!("{:?}", engine.wasm().config());
        for setting in [
            "strategy: Some(Cranelift)",
            "epoch_interruption: true",
            "consume_fuel: false",
            "memory_init_cow: true",
            "parse_wasm_debuginfo: false",
            "wasm_threads: false",
            "wasm_memory64: false",
            "wasm_relaxed_simd: false",
            "wasm_exceptions: false",
            "wasm_stack_switching: false",
            "wasm_cm_async: false",
        ] {
            assert!(config.contains(setting), "{setting} is not in {config}");
        }
    }

    #[test]
    fn the_pool_fits_the_limits() {
        let limits = Limits::default();
        let pool = pool(&limits);
        assert_eq!(pool.get_pagemap_scan(), Enabled::Auto);
        assert_eq!(
            pool.get_memory_keep_resident() > 1 << 20,
            PoolingAllocationConfig::is_pagemap_scan_available()
        );
        assert_eq!(pool.get_max_memory_size(), limits.memory_bytes);
        assert_eq!(pool.get_table_elements(), limits.table_elements);
        assert_eq!(pool.get_total_component_instances(), limits.slots);
        assert_eq!(pool.get_total_stacks(), limits.slots);
        assert_eq!(pool.get_total_memories(), limits.slots * limits.memories);
        assert_eq!(pool.get_total_tables(), limits.slots * limits.tables);
        assert_eq!(
            pool.get_total_core_instances(),
            limits.slots * limits.core_instances
        );
    }

    #[test]
    fn the_tick_goes_on_until_the_engine_is_dropped() {
        let engine = Engine::new(Limits {
            slots: 1,
            ..Limits::default()
        })
        .expect("an engine");
        let weak = engine.wasm().weak();
        drop(engine);
        assert!(weak.upgrade().is_none());
    }
}
