use std::{fmt, time::Duration};

use rustc_demangle::demangle;
use wasmtime::{Trap, WasmBacktrace, component::ResourceTableError};
use wasmtime_wasi::I32Exit;

use super::{Budget, Limits, OutputFailed};

/// How much of a name that a guest chose is passed on.
const NAME_BYTES: usize = 128;

/// How much of a message that a guest can influence is passed on.
const MESSAGE_BYTES: usize = 1024;

/// A limit that stopped a guest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LimitReached {
    /// The name as in [`Limits`], with hyphens.
    pub name: &'static str,
    /// How much was needed, as far as it was measured; a time is in milliseconds.
    pub used: u64,
    /// How much there is.
    pub maximum: u64,
}

impl fmt::Display for LimitReached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            used,
            maximum,
        } = self;
        let unit = match *name {
            "cpu" | "timeout" => " ms",
            name if name.ends_with("-bytes") => " bytes",
            _ => "",
        };
        write!(
            formatter,
            "limit `{name}` reached: {used}{unit} needed, {maximum}{unit} allowed"
        )
    }
}

impl LimitReached {
    /// A limit of time, counted in milliseconds.
    pub fn time(name: &'static str, used: Duration, maximum: Duration) -> Self {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            name,
            used: milliseconds(used),
            maximum: milliseconds(maximum),
        }
    }
}

/// Why a guest was stopped before its function returned.
#[derive(Debug)]
pub enum Fault {
    /// It reached a limit.
    Limit(LimitReached),
    /// It ended itself with this exit code.
    Exit(i32),
    /// Nobody takes its output any more.
    Output(OutputFailed),
    /// It did what code in a sandbox must not do, or gave up.
    Trap(Stop),
    /// Something that only a bug of the host can lead to.
    Host(String),
}

/// A guest that was stopped, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// What kind of mistake it was.
    pub kind: StopKind,
    /// What happened, in a few words.
    pub message: String,
    /// The guest's call stack, the innermost function first, as far as it is known.
    pub frames: Vec<Frame>,
}

/// The kinds of mistakes for which a guest is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopKind {
    /// It gave up by itself: a panic, an uncaught exception, a failed assertion.
    Unreachable,
    /// Its calls are nested too deep.
    StackOverflow,
    /// It touched memory that it does not have.
    MemoryOutOfBounds,
    /// It called through a table what is not there, or not of that type.
    Table,
    /// A division by zero, or a number that does not fit.
    Arithmetic,
    /// It broke the rules of calls between components: a bad pointer, text that is not UTF-8, a handle that is gone.
    Interface,
}

/// One function of a guest's call stack, with names as the guest gives them, cut and escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The core module.
    pub module: Option<String>,
    /// The function, or its index where it has no name.
    pub function: String,
}

impl fmt::Display for Frame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.module {
            Some(module) => write!(formatter, "{module}!{}", self.function),
            None => formatter.write_str(&self.function),
        }
    }
}

/// Why a call into a guest failed, from the engine's error and what the run was refused.
pub fn classify(error: &wasmtime::Error, budget: &Budget, limits: &Limits) -> Fault {
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return Fault::Limit(limit.clone());
    }
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return Fault::Exit(*code);
    }
    if let Some(failed) = error.downcast_ref::<OutputFailed>() {
        return Fault::Output(failed.clone());
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Fault::Host(format!("the pool is smaller than its limits: {error}"));
    }
    if let Some(limit) = unnamed_limit(error, limits).or_else(|| budget.refused()) {
        return Fault::Limit(limit);
    }
    let (kind, message) = match error.downcast_ref::<Trap>() {
        Some(trap) => (kind(*trap), trap_message(*trap)),
        None => (StopKind::Interface, describe(error)),
    };
    Fault::Trap(Stop {
        kind,
        message,
        frames: frames(error),
    })
}

/// The engine reports some limits in words only.
fn unnamed_limit(error: &wasmtime::Error, limits: &Limits) -> Option<LimitReached> {
    let all = |name, maximum| LimitReached {
        name,
        used: maximum,
        maximum,
    };
    if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
        return Some(all("handles", limits.handles as u64));
    }
    let cause = error.root_cause().to_string();
    if cause.contains("store handle limit exceeded") {
        return Some(all("handles", limits.handles as u64));
    }
    if cause.contains("fuel allocated for hostcalls has been exhausted") {
        return Some(all("call-bytes", limits.call_bytes as u64));
    }
    None
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest, and what may come, are rules of components"
)]
fn kind(trap: Trap) -> StopKind {
    match trap {
        Trap::UnreachableCodeReached => StopKind::Unreachable,
        Trap::StackOverflow => StopKind::StackOverflow,
        Trap::MemoryOutOfBounds | Trap::HeapMisaligned => StopKind::MemoryOutOfBounds,
        Trap::TableOutOfBounds | Trap::IndirectCallToNull | Trap::BadSignature => StopKind::Table,
        Trap::IntegerOverflow | Trap::IntegerDivisionByZero | Trap::BadConversionToInteger => {
            StopKind::Arithmetic
        }
        _ => StopKind::Interface,
    }
}

fn trap_message(trap: Trap) -> String {
    let text = trap.to_string();
    let text = text.strip_prefix("wasm trap: ").unwrap_or(&text);
    match kind(trap) {
        StopKind::Unreachable => {
            "it reached `unreachable`, as in a panic or an uncaught exception; its last words are in the log"
                .to_owned()
        }
        StopKind::StackOverflow => "call stack exhausted: its calls are nested too deep".to_owned(),
        StopKind::MemoryOutOfBounds
        | StopKind::Table
        | StopKind::Arithmetic
        | StopKind::Interface => text.to_owned(),
    }
}

/// The messages of an error from the outermost to its cause, without the backtrace that the engine puts among them.
pub fn describe(error: &wasmtime::Error) -> String {
    let messages: Vec<_> = error
        .chain()
        .map(ToString::to_string)
        .filter(|message| !message.starts_with("error while executing at wasm backtrace"))
        .collect();
    clean(&messages.join(": "), MESSAGE_BYTES)
}

fn frames(error: &wasmtime::Error) -> Vec<Frame> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    let frame = |frame: &wasmtime::FrameInfo| Frame {
        module: frame.module().name().map(|name| clean(name, NAME_BYTES)),
        function: match frame.func_name() {
            Some(name) => clean(&format!("{:#}", demangle(name)), NAME_BYTES),
            None => format!("function {}", frame.func_index()),
        },
    };
    backtrace.frames().iter().map(frame).collect()
}

/// A guest's text, cut to a length, what steers a terminal escaped.
pub(super) fn clean(text: &str, bytes: usize) -> String {
    let end = text.floor_char_boundary(bytes);
    let (kept, rest) = text.split_at(end);
    let mut clean = String::with_capacity(kept.len());
    for c in kept.chars() {
        let turns_lines = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns_lines {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    if !rest.is_empty() {
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::{Budget, Fault, LimitReached, Limits, Stop, StopKind, classify, clean};
    use wasmtime::Trap;

    #[test]
    fn names_are_cut_and_escaped() {
        assert_eq!(clean("a\u{1b}[31mb\n", 128), "a\\u{1b}[31mb\\n");
        assert_eq!(clean("ääää", 3), "ä…");
        assert_eq!(clean("", 3), "");
    }

    #[test]
    fn a_trap_after_a_refused_growth_is_put_down_to_the_limit() {
        let limits = Limits {
            memory_bytes: 10,
            ..Limits::default()
        };
        let budget = Budget::new(&limits);
        let trap = wasmtime::Error::from(Trap::UnreachableCodeReached);
        assert!(matches!(
            classify(&trap, &budget, &limits),
            Fault::Trap(Stop {
                kind: StopKind::Unreachable,
                ..
            })
        ));
        assert!(!budget.grow_memory(11));
        assert!(matches!(
            classify(&trap, &budget, &limits),
            Fault::Limit(LimitReached {
                name: "memory-bytes",
                used: 11,
                maximum: 10
            })
        ));
    }
}
