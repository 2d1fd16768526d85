use crate::{
    sandbox::{CompileError, Defect},
    tenancy::Capability,
};

/// What a plugin is to export, as WIT writes it.
pub(super) const RUN_SIGNATURE: &str = "func(input: string) -> result<string, string>";
/// The same for its operations.
pub(super) const OPERATION_SIGNATURE: &str =
    "func(name: string, input: string) -> result<string, string>";

/// Why a file is not run: what it is, what a plugin has to be, and what to do. Nothing of it was run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It has no bytes.
    #[error("it is empty, and a plugin is a WebAssembly component: build it again")]
    Empty,
    /// It has too many.
    #[error(
        "it has {bytes} bytes, and a plugin may have {maximum} (limit `component-bytes`): build it for size, or raise the limit"
    )]
    TooLarge {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        maximum: usize,
    },
    /// WebAssembly text.
    #[error(
        "it is WebAssembly in text form, and a plugin is a component in binary form: translate it with `wasm-tools parse`"
    )]
    Text,
    /// A core module.
    #[error(
        "it is a core WebAssembly module, and a plugin is a component: build it for the target `wasm32-wasip2`, or make a component \
         of it with `wasm-tools component new`"
    )]
    CoreModule,
    /// Machine code.
    #[error(
        "it is a compiled component (.cwasm), and the host runs no machine code that it did not make itself: give the `.wasm` it was \
         made from; what it compiles is cached"
    )]
    Precompiled,
    /// Another version of the format.
    #[error(
        "it is WebAssembly of a version that this host does not know, and a plugin is a component of the current one: build it with a \
         current toolchain"
    )]
    OtherVersion,
    /// Something else.
    #[error(
        "it is {0}, and a plugin is a WebAssembly component: give the `.wasm` file that the build made"
    )]
    Foreign(&'static str),
    /// A component that breaks the rules of the format.
    #[error("it is a broken component ({0}): build it or copy it again")]
    Invalid(String),
    /// A component that asks for too much.
    #[error(
        "it is a component that asks for more than the limits give to a plugin ({0}): raise the limit, or build it smaller"
    )]
    TooDemanding(String),
    /// A component that has nothing to run.
    #[error(
        "it is a component that exports neither `run` nor `wasi:cli/run`, but {exports}: export `run: {RUN_SIGNATURE}`, or build it as a \
         program with a `main`", exports = list(.exports, "nothing")
    )]
    NothingToRun {
        /// What it exports.
        exports: Vec<String>,
    },
    /// A component with an export of the right name and the wrong type.
    #[error("its export `{name}` is `{found}`, and the host calls `{expected}`: change its type")]
    WrongType {
        /// The export.
        name: String,
        /// What it is.
        found: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// It needs what this host has not.
    #[error(
        "it imports {imports}, which this host does not offer; it offers {OFFERED}: build the plugin without that import",
        imports = list(.imports, "nothing")
    )]
    UnknownImports {
        /// The imports.
        imports: Vec<String>,
    },
    /// It needs what this host has in another version.
    #[error(
        "it imports `{import}`, and this host offers version {offered} of it: build the plugin for that version"
    )]
    OtherImportVersion {
        /// The import.
        import: String,
        /// The version that the host has.
        offered: &'static str,
    },
    /// It needs what the operator did not grant.
    #[error(
        "it imports {imports}, which it was not granted: if it is to have that, run it with `--grant {grants}`",
        imports = list(.imports, "nothing"), grants = grant_list(.capabilities)
    )]
    NotGranted {
        /// The imports.
        imports: Vec<String>,
        /// What they need.
        capabilities: Vec<Capability>,
    },
    /// An import has the name of an interface of this host, and other contents.
    #[error(
        "one of its imports is not as this host has it ({0}): build the plugin with the interfaces of this host"
    )]
    Mismatch(String),
    /// The host failed at it.
    #[error("a bug of the host: loading it failed: {0}")]
    HostBug(String),
}

/// All that a plugin can import.
const OFFERED: &str = "`chitin:db@0.1.0`, `wasi:logging/logging@0.1.0-draft`, and of WASI 0.2 `wasi:cli`, `wasi:clocks`, \
                       `wasi:filesystem`, `wasi:io`, `wasi:random` and `wasi:sockets`";

/// How many names a message lists.
const LISTED: usize = 8;

fn list(names: &[String], none: &str) -> String {
    if names.is_empty() {
        return none.to_owned();
    }
    let mut shown: Vec<_> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > LISTED {
        shown.push(format!("{} more", names.len() - LISTED));
    }
    shown.join(", ")
}

fn grant_list(capabilities: &[Capability]) -> String {
    let names: Vec<_> = capabilities
        .iter()
        .map(|capability| capability.name())
        .collect();
    names.join(",")
}

impl From<Defect> for Refusal {
    fn from(defect: Defect) -> Self {
        match defect {
            Defect::Empty => Self::Empty,
            Defect::TooLarge { bytes, maximum } => Self::TooLarge { bytes, maximum },
            Defect::Text => Self::Text,
            Defect::CoreModule => Self::CoreModule,
            Defect::Precompiled => Self::Precompiled,
            Defect::OtherVersion => Self::OtherVersion,
            Defect::Cut => Self::Invalid("it ends within its header".to_owned()),
            Defect::Foreign(what) => Self::Foreign(what),
        }
    }
}

impl From<CompileError> for Refusal {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Invalid(cause) => Self::Invalid(cause),
            CompileError::TooDemanding(cause) => Self::TooDemanding(cause),
        }
    }
}
