//! One plugin, one tenant, from the first byte to the outcome.
//!
//! [`Runtime`] is the front door, one per process. It loads: bytes become a checked and linked [`Plugin`], or a [`Refusal`] says
//! what they are and what to do. And it runs: a [`Request`] becomes an [`Outcome`], whatever happens on the way, with the cause
//! of any failure and whose it is.
//!
//! Invariants: every run has a store, a budget and a session of its own, and nothing is shared between runs but compiled code. A
//! run never waits for a slot while it holds one. No code of a guest runs before it was checked that the operator granted what it
//! imports, or outside the deadline and the limits; its session is closed at the end of the run, however it ends. Knows no SQL.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::Semaphore;
use wasmtime::component::Linker;

use crate::{
    bindings, sandbox,
    sandbox::{Cache, CacheError, Compiler, Engine, EngineError},
    tenancy::Grants,
};

mod entry;
mod inspect;
mod launch;
mod limits;
mod operation;
mod outcome;
mod plugin;
mod reason;
mod refusal;
mod replay;
mod request;
mod run;
mod state;
mod watch;
mod withheld;

pub use crate::database::RetryCount;
pub use crate::sandbox::{ENGINE, Kept, Stdin, StopKind, Tool, digest};
pub use inspect::{Excess, Export, FileKind, Inspection, World, features};
pub use limits::Limits;
pub use outcome::{Blame, End, Outcome, Report, Step};
pub use plugin::{Import, Plugin, Standing};
pub use reason::Reason;
pub use refusal::Refusal;
pub use request::Request;
pub use watch::Interrupt;

use state::State;

#[cfg(test)]
mod tests;

/// What loads and runs plugins. One per process.
#[derive(Clone)]
pub struct Runtime {
    compiler: Compiler,
    linker: Arc<Linker<State>>,
    slots: Arc<Semaphore>,
}

/// The runtime could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The functions for guests do not fit together: a bug of the host.
    #[error("a bug of the host: the functions for plugins cannot be linked: {0}")]
    Link(String),
    /// The cache cannot be opened, and was asked for.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// What became of a component that was compiled ahead of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What it is found by in the cache.
    pub key: String,
    /// The size of its code.
    pub code_bytes: usize,
    /// Whether it is in the cache.
    pub kept: Kept,
}

impl Runtime {
    /// Makes the engine, and opens the cache of compiled components. A cache that cannot be opened is reported in the log, and
    /// then done without.
    pub fn new(limits: sandbox::Limits, cache: Option<PathBuf>) -> Result<Self, StartError> {
        let cache = cache.and_then(|path| match Cache::open(&path) {
            Ok(cache) => Some(cache),
            Err(error) => {
                tracing::warn!("{error}; every component is compiled anew");
                None
            }
        });
        Self::start(limits, cache)
    }

    /// The same for work that is of no use without a cache.
    pub fn with_cache(limits: sandbox::Limits, cache: &Path) -> Result<Self, StartError> {
        Self::start(limits, Some(Cache::open(cache)?))
    }

    fn start(limits: sandbox::Limits, cache: Option<Cache>) -> Result<Self, StartError> {
        let limits = sandbox::Limits {
            slots: limits.slots.max(2),
            ..limits
        };
        let engine = Engine::new(limits)?;
        let linker = link(&engine).map_err(|error| StartError::Link(error.to_string()))?;
        let slots = usize::try_from(limits.slots).unwrap_or(Semaphore::MAX_PERMITS);
        Ok(Self {
            compiler: Compiler::new(engine, cache),
            linker: Arc::new(linker),
            slots: Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS))),
        })
    }

    /// Makes a plugin of bytes that should be a component, with what the operator grants it.
    ///
    /// None of its code runs. What is not in the cache is compiled, which can take seconds. Dropping the future leaves that
    /// going on in the background.
    pub async fn load(
        &self,
        name: &str,
        bytes: Vec<u8>,
        grants: &Grants,
    ) -> Result<Plugin, Refusal> {
        sandbox::check_bytes(&bytes, self.engine().limits())?;
        let compiler = self.compiler.clone();
        let component = tokio::task::spawn_blocking(move || compiler.compile(&bytes))
            .await
            .map_err(|error| Refusal::HostBug(error.to_string()))??;
        Plugin::link(name, &component, &self.linker, grants)
    }

    /// Compiles a component into the cache, ahead of its first run.
    pub async fn prepare(&self, bytes: Vec<u8>) -> Result<Prepared, Refusal> {
        sandbox::check_bytes(&bytes, self.engine().limits())?;
        let compiler = self.compiler.clone();
        let compiling = tokio::task::spawn_blocking(move || {
            let cache = compiler.cache().cloned();
            let cache = cache.ok_or_else(|| Refusal::HostBug("there is no cache".to_owned()))?;
            Ok::<_, Refusal>(compiler.compile_into(&cache, &bytes)?)
        });
        let compiled = compiling
            .await
            .map_err(|error| Refusal::HostBug(error.to_string()))??;
        Ok(Prepared {
            key: compiled.key,
            code_bytes: compiled.code_bytes,
            kept: compiled.kept,
        })
    }

    fn engine(&self) -> &Engine {
        self.compiler.engine()
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Runtime")
            .field("compiler", &self.compiler)
            .field("slots", &self.slots.available_permits())
            .finish_non_exhaustive()
    }
}

/// Everything that a plugin can be linked to. What it may import is decided by name, before.
fn link(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasm());
    sandbox::add_wasi(&mut linker)?;
    bindings::add_to_linker(&mut linker, State::view)?;
    Ok(linker)
}
