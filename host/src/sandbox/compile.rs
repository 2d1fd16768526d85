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

    /// Compiles a component, or takes it from the cache. This can take many seconds of all processors: not for async code.
    ///
    /// The bytes must have passed [`check_bytes`](super::check_bytes). A cache that fails costs time, never the run.
    pub fn compile(&self, bytes: &[u8]) -> Result<Component, CompileError> {
        let wasm = self.engine.wasm();
        let Some(cache) = &self.cache else {
            return Component::from_binary(wasm, bytes).map_err(|error| refused(&error));
        };
        let digest = Digest::of(bytes, wasm);
        if let Some(component) = cache.load(&digest, wasm) {
            tracing::debug!(%digest, "component taken from the cache");
            return Ok(component);
        }
        let component = Component::from_binary(wasm, bytes).map_err(|error| refused(&error))?;
        match component.serialize() {
            Ok(code) => cache.store(&digest, &code),
            Err(error) => tracing::warn!(%error, "a compiled component cannot be kept"),
        }
        Ok(component)
    }
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
