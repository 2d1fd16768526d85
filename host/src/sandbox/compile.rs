use wasmtime::component::Component;

use super::{Cache, Engine, cache::Digest, fault::describe};

/// Turns bytes into code that can run, by way of a cache if there is one.
#[derive(Debug, Clone)]
pub struct Compiler {
    engine: Engine,
    cache: Option<Cache>,
}

/// The bytes have the header of a component, and yet cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// They break the rules of the format, as when the end of the file is missing.
    #[error("{0}")]
    Invalid(String),
    /// The component asks for more than this engine gives to any.
    #[error("{0}")]
    TooDemanding(String),
}

impl Compiler {
    /// A compiler for this engine.
    pub fn new(engine: Engine, cache: Option<Cache>) -> Self {
        Self { engine, cache }
    }

    /// The engine for which it compiles.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The cache, if there is one.
    pub fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Compiles a component, or takes it from the cache. This can take many seconds of all processors: not for async code.
    ///
    /// The bytes must have passed [`check_bytes`](super::check_bytes). A cache that fails costs time, never the run.
    pub fn compile(&self, bytes: &[u8]) -> Result<Component, CompileError> {
        let wasm = self.engine.wasm();
        let Some(cache) = &self.cache else {
            return Component::from_binary(wasm, bytes).map_err(|error| refused(&error));
        };
        let compiled = self.compile_into(cache, bytes)?;
        if let Kept::Not(reason) = &compiled.kept {
            tracing::warn!(cache = %cache.path().display(), entry = %compiled.key, reason, "cache entry not written");
        }
        Ok(compiled.component)
    }

    /// The same, and tells what became of the code.
    pub fn compile_into(&self, cache: &Cache, bytes: &[u8]) -> Result<Compiled, CompileError> {
        let wasm = self.engine.wasm();
        let digest = Digest::of(bytes, wasm);
        let compiled = |component, code_bytes, kept| Compiled {
            component,
            key: digest.to_string(),
            code_bytes,
            kept,
        };
        if let Some((component, code_bytes)) = cache.load(&digest, wasm) {
            tracing::debug!(%digest, "component taken from the cache");
            return Ok(compiled(component, code_bytes, Kept::Before));
        }
        let component = Component::from_binary(wasm, bytes).map_err(|error| refused(&error))?;
        tracing::debug!(%digest, "component compiled");
        let code = component.serialize();
        let (code_bytes, kept) = match code {
            Err(error) => (0, Kept::Not(error.to_string())),
            Ok(code) => match cache.store(&digest, &code) {
                Ok(()) => (code.len(), Kept::Now),
                Err(reason) => (code.len(), Kept::Not(reason)),
            },
        };
        Ok(compiled(component, code_bytes, kept))
    }
}

/// A component that is ready to run, and what became of its code.
#[derive(Debug)]
pub struct Compiled {
    /// The component.
    pub component: Component,
    /// What it is found by in the cache: its content, and all of the engine that its code depends on.
    pub key: String,
    /// The size of its code.
    pub code_bytes: usize,
    /// Whether it is in the cache.
    pub kept: Kept,
}

/// Whether code is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It was there: nothing was compiled.
    Before,
    /// It is there now.
    Now,
    /// It could not be put there. Why.
    Not(String),
}

/// The pool's refusals have no type of their own, but all name what it was configured to.
fn refused(error: &wasmtime::Error) -> CompileError {
    let message = describe(error);
    if message.contains("configured maximum") || message.contains("pooling allocator") {
        CompileError::TooDemanding(message)
    } else {
        CompileError::Invalid(message)
    }
}
