use std::{collections::BTreeSet, fmt};

use wasmtime::component::{Component, InstancePre, Linker};

use crate::{
    sandbox::{self, Interface},
    tenancy::{Capability, Grants},
};

use super::{
    Refusal, State,
    entry::{Entry, Operation},
};

/// The contract: each of its interfaces but `types` is a capability of the same name.
const CONTRACT_PACKAGE: &str = "chitin:db";
const CONTRACT_VERSION: &str = "0.1.0";
const TYPES: &str = "chitin:db/types";

const LOGGING: &str = "wasi:logging/logging";
const LOGGING_VERSION: &str = "0.1.0-draft";

/// The packages of WASI that every plugin may import. There is nothing behind them but the plugin's own arguments and streams,
/// clocks and random numbers.
const WASI_PACKAGES: [&str; 6] = [
    "wasi:cli",
    "wasi:clocks",
    "wasi:filesystem",
    "wasi:io",
    "wasi:random",
    "wasi:sockets",
];
const WASI_SERIES: &str = "0.2";

/// A plugin, checked and linked: it can be run any number of times, also at once. Cheap to clone.
#[derive(Clone)]
pub struct Plugin {
    name: String,
    component: InstancePre<State>,
    entry: Entry,
    operation: Option<Operation>,
    grants: Grants,
    needs: BTreeSet<Capability>,
}

impl Plugin {
    pub(super) fn link(
        name: &str,
        component: &Component,
        linker: &Linker<State>,
        grants: &Grants,
    ) -> Result<Self, Refusal> {
        let entry = Entry::find(component)?;
        let operation = Operation::find(component)?;
        let needs = check_imports(&sandbox::imports(component), grants)?;
        let component = linker
            .instantiate_pre(component)
            .map_err(|error| Refusal::Mismatch(sandbox::describe(&error)))?;
        Ok(Self {
            name: name.to_owned(),
            component,
            entry,
            operation,
            grants: grants.clone(),
            needs,
        })
    }

    /// The name under which the operator runs it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The capabilities that it asks for, all of them granted.
    pub fn needs(&self) -> impl Iterator<Item = Capability> {
        self.needs.iter().copied()
    }

    /// Whether it is an ordinary program, whose output is what it prints and whose arguments are its input.
    pub fn is_program(&self) -> bool {
        self.entry.is_program()
    }

    pub(super) fn grants(&self) -> &Grants {
        &self.grants
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// What runs its operations, if it has any.
    pub(super) fn operation(&self) -> Option<Operation> {
        self.operation
    }

    /// How many instances of it a run can have at a time: its own, and one for an operation.
    pub(super) fn slots(&self) -> u32 {
        1 + u32::from(self.operation.is_some())
    }

    pub(super) fn component(&self) -> &InstancePre<State> {
        &self.component
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plugin")
            .field("name", &self.name)
            .field("entry", &self.entry)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

/// Something that a component imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its name, cut and escaped.
    pub name: String,
    /// Whether it can be had.
    pub standing: Standing,
}

/// Whether an import can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Everyone may have it.
    Free,
    /// It has to be granted.
    Needs(Capability),
    /// It is here in this version only.
    OtherVersion(&'static str),
    /// It is not here.
    Unknown,
}

impl Standing {
    /// What has to be granted.
    pub fn capability(self) -> Option<Capability> {
        match self {
            Self::Needs(capability) => Some(capability),
            Self::Free | Self::OtherVersion(_) | Self::Unknown => None,
        }
    }
}

pub(super) fn classify(name: &str) -> Import {
    Import {
        name: name.to_owned(),
        standing: standing(name),
    }
}

fn standing(name: &str) -> Standing {
    let Some(interface) = Interface::parse(name) else {
        return Standing::Unknown;
    };
    let package = interface.package();
    let version = interface.version.as_deref();
    if WASI_PACKAGES.contains(&package) {
        return if interface.is_of_series(WASI_SERIES) {
            Standing::Free
        } else {
            Standing::OtherVersion("0.2")
        };
    }
    let (offered, granted) = if interface.path == LOGGING {
        (LOGGING_VERSION, Standing::Needs(Capability::Logging))
    } else if interface.path == TYPES {
        (CONTRACT_VERSION, Standing::Free)
    } else if package == CONTRACT_PACKAGE {
        let of_name = |capability: &Capability| interface.path.ends_with(&format!("/{capability}"));
        let capability = Capability::ALL
            .into_iter()
            .find(|capability| *capability != Capability::Logging && of_name(capability));
        match capability {
            Some(capability) => (CONTRACT_VERSION, Standing::Needs(capability)),
            None => return Standing::Unknown,
        }
    } else {
        return Standing::Unknown;
    };
    if version == Some(offered) {
        granted
    } else {
        Standing::OtherVersion(offered)
    }
}

/// Checks that each import is here, in this version, and granted; gives the capabilities that they need.
fn check_imports(imports: &[String], grants: &Grants) -> Result<BTreeSet<Capability>, Refusal> {
    let mut unknown = Vec::new();
    let mut denied = Vec::new();
    let mut needs = BTreeSet::new();
    for import in imports {
        match standing(import) {
            Standing::Free => {}
            Standing::Needs(capability) => {
                needs.insert(capability);
                if !grants.allow(capability) {
                    denied.push((import.clone(), capability));
                }
            }
            Standing::OtherVersion(offered) => {
                return Err(Refusal::OtherImportVersion {
                    import: import.clone(),
                    offered,
                });
            }
            Standing::Unknown => unknown.push(import.clone()),
        }
    }
    if !unknown.is_empty() {
        return Err(Refusal::UnknownImports { imports: unknown });
    }
    if !denied.is_empty() {
        let (imports, capabilities) = denied.into_iter().unzip();
        return Err(Refusal::NotGranted {
            imports,
            capabilities,
        });
    }
    Ok(needs)
}
