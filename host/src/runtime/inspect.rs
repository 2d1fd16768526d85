//! What a file is and what it would need, said without running any of it and without a database.

use wasmtime::component::{Component, types::ComponentItem};

use super::{
    Plugin, Refusal, Runtime,
    plugin::{Import, classify},
};
use crate::{
    sandbox::{self, Anatomy, Interface},
    tenancy::{Capability, Grants},
};

/// How many imports and exports are listed. A component that imports all that there is has some forty.
const LISTED: usize = 200;

/// The limits of a whole run, which nobody checks before it begins.
const SUMS: [&str; 2] = ["memory-bytes", "table-elements"];

/// The exports that mean something to the host.
const RUN: &str = "run";
const OPERATION: &str = "operation";

/// What a file is, and what it would need to run here. Every name that it chose is cut and escaped.
#[derive(Debug)]
pub struct Inspection {
    /// Its size.
    pub bytes: usize,
    /// Its SHA-256 digest, in hexadecimal digits.
    pub digest: String,
    /// What kind of file it is.
    pub kind: FileKind,
    /// What it is made of.
    pub anatomy: Anatomy,
    /// How it would be run; not known for what cannot be compiled.
    pub world: Option<World>,
    /// What it exports, up to a length.
    pub exports: Vec<Export>,
    /// What it imports, up to a length.
    pub imports: Vec<Import>,
    /// How many more imports and exports it has than are listed.
    pub unlisted: usize,
    /// The limits that it exceeds as it is.
    pub excesses: Vec<Excess>,
    /// Why it cannot be run here, whatever is granted to it.
    pub refusal: Option<Refusal>,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A component.
    Component,
    /// A core module: half of a component.
    CoreModule,
    /// Machine code that was made of a component.
    Precompiled,
    /// WebAssembly, written as text.
    Text,
    /// Nothing that the host knows.
    Unknown,
}

/// How a component would be run, by what it exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// It does one job.
    Plugin,
    /// It does one job, and has operations that the host repeats.
    TransactionalPlugin,
    /// It is a program.
    Command,
}

impl World {
    /// The name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::TransactionalPlugin => "transactional-plugin",
            Self::Command => "command",
        }
    }
}

/// Something that a component exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// What it is, as in WIT.
    pub signature: String,
}

/// A limit that a component exceeds before it has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// The name of the limit.
    pub limit: &'static str,
    /// How much is needed.
    pub needed: u64,
    /// How much there is.
    pub maximum: u64,
}

impl Inspection {
    /// What has to be granted beyond these.
    pub fn missing_grants(&self, grants: &Grants) -> Vec<Capability> {
        let needed = self
            .imports
            .iter()
            .filter_map(|import| import.standing.capability());
        let mut missing: Vec<_> = needed.filter(|&needed| !grants.allow(needed)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

impl Runtime {
    /// Looks at a file. It is compiled if it is a component, by way of the cache, and none of it is run.
    pub async fn inspect(&self, bytes: Vec<u8>) -> Result<Inspection, Refusal> {
        let limits = *self.engine().limits();
        let checked = sandbox::check_bytes(&bytes, &limits).map_err(Refusal::from);
        let compiler = self.compiler.clone();
        let is_component = checked.is_ok();
        let looking = tokio::task::spawn_blocking(move || {
            let anatomy = sandbox::anatomy(&bytes);
            let compiled = is_component.then(|| compiler.compile(&bytes));
            (bytes.len(), sandbox::digest(&bytes), anatomy, compiled)
        });
        let (bytes, digest, anatomy, compiled) = looking
            .await
            .map_err(|error| Refusal::HostBug(error.to_string()))?;
        let mut excesses = excesses(&anatomy, &limits);
        if matches!(compiled, Some(Ok(_))) {
            // The engine has counted the parts of what is really used, and found them within the limits.
            excesses.retain(|excess| SUMS.contains(&excess.limit));
        }
        let mut inspection = Inspection {
            bytes,
            digest,
            kind: kind(checked.as_ref().err()),
            excesses,
            anatomy,
            world: None,
            exports: Vec::new(),
            imports: Vec::new(),
            unlisted: 0,
            refusal: checked.err(),
        };
        match compiled {
            None => {}
            Some(Err(error)) => inspection.refusal = Some(error.into()),
            Some(Ok(component)) => self.look_into(&component, &mut inspection),
        }
        Ok(inspection)
    }

    fn look_into(&self, component: &Component, inspection: &mut Inspection) {
        let kind = component.component_type();
        let exports = kind.exports(component.engine());
        let imports = sandbox::imports(component);
        inspection.unlisted =
            exports.len().saturating_sub(LISTED) + imports.len().saturating_sub(LISTED);
        inspection.exports = sandbox::exports(component)
            .into_iter()
            .zip(exports.map(|(_, export)| export.ty))
            .take(LISTED)
            .map(|(name, item)| Export {
                name,
                signature: sandbox::signature(&item),
            })
            .collect();
        inspection.imports = imports
            .iter()
            .take(LISTED)
            .map(|name| classify(name))
            .collect();
        inspection.world = world(component);
        inspection.refusal = Plugin::link("", component, &self.linker, &Grants::all()).err();
    }
}

/// What this host can run and grant, by the names that the contract gives it.
pub fn features() -> Vec<String> {
    let worlds = [World::Plugin, World::TransactionalPlugin, World::Command];
    let worlds = worlds.map(|world| format!("world:{}", world.name()));
    let grants = Capability::ALL.map(|capability| format!("grant:{capability}"));
    worlds.into_iter().chain(grants).collect()
}

fn kind(refusal: Option<&Refusal>) -> FileKind {
    match refusal {
        None => FileKind::Component,
        Some(Refusal::CoreModule) => FileKind::CoreModule,
        Some(Refusal::Precompiled) => FileKind::Precompiled,
        Some(Refusal::Text) => FileKind::Text,
        Some(_) => FileKind::Unknown,
    }
}

fn world(component: &Component) -> Option<World> {
    let is_function = |name: &str| {
        let export = component.get_export(None, name);
        matches!(export, Some((ComponentItem::ComponentFunc(_), _)))
    };
    match (is_function(RUN), is_function(OPERATION)) {
        (true, true) => Some(World::TransactionalPlugin),
        (true, false) => Some(World::Plugin),
        (false, _) => sandbox::exports(component)
            .iter()
            .filter_map(|name| Interface::parse(name))
            .any(|interface| interface.path == "wasi:cli/run")
            .then_some(World::Command),
    }
}

/// What the component has at the start, if each of its modules is used once.
fn excesses(anatomy: &Anatomy, limits: &sandbox::Limits) -> Vec<Excess> {
    [
        (
            "core-instances",
            anatomy.core_modules,
            limits.core_instances.into(),
        ),
        ("memories", anatomy.memories, limits.memories.into()),
        (
            "memory-bytes",
            anatomy.memory_bytes,
            limits.memory_bytes as u64,
        ),
        ("tables", anatomy.tables, limits.tables.into()),
        (
            "table-elements",
            anatomy.table_elements,
            limits.table_elements as u64,
        ),
    ]
    .into_iter()
    .filter(|(_, needed, maximum)| needed > maximum)
    .map(|(limit, needed, maximum)| Excess {
        limit,
        needed,
        maximum,
    })
    .collect()
}
