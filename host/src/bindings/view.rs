use std::{collections::BTreeMap, fmt, time::SystemTime};

use wasmtime::component::ResourceTable;

use crate::{
    database::{LimitState, ServerKind, Session},
    tenancy::TenantId,
};

use super::{Failure, Limits, LogSink, Operations, wit};

/// What answers one call of a guest: borrows from the data of its store.
pub struct View<'a> {
    /// The instance's use of the database.
    pub session: &'a mut Session,
    /// What the guest's handles stand for.
    pub resources: &'a mut ResourceTable,
    /// The shape of the results of this instance; only the guest changes it.
    pub format: &'a mut ResultFormat,
    /// What this run is.
    pub run: &'a RunInfo,
    /// What the operator set for this plugin.
    pub settings: &'a BTreeMap<String, String>,
    /// Where the messages of this run go.
    pub log: &'a LogSink,
    /// The limits of this layer.
    pub limits: &'a Limits,
    /// What runs the operations of this plugin.
    pub operations: &'a dyn Operations,
    /// The limits of the layers that this one does not know.
    pub meter: &'a dyn Meter,
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("View")
            .field("run", self.run)
            .field("format", self.format)
            .finish_non_exhaustive()
    }
}

/// What a guest may know about its run. The same throughout an attempt.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// The name under which the operator runs the plugin.
    pub plugin: String,
    /// Whose data it works on.
    pub tenant: TenantId,
    /// Unique for the run, and the same in all its attempts.
    pub run_id: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When the run began.
    pub started_at: SystemTime,
    /// When the run must be over.
    pub deadline: SystemTime,
    /// Which database answers.
    pub server: ServerKind,
}

/// The shape in which rows reach a guest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResultFormat {
    /// Lists of values, readable without a library.
    #[default]
    Typed,
    /// One buffer.
    Packed,
}

/// Tells the limits that are kept by the layers above and beside this one, with what was used of each so far.
pub trait Meter: Send + Sync {
    /// Those of this instance, named as in the configuration.
    fn limits(&self) -> Vec<LimitState>;
}

impl wit::Host for View<'_> {
    fn convert_error(&mut self, failure: Failure) -> wasmtime::Result<wit::Error> {
        failure.into_answer()
    }
}
