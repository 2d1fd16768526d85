use std::{collections::BTreeMap, sync::Arc};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::{
    bindings::{self, LogSink, ResultFormat, RunInfo, View},
    database::{LimitState, Session},
    sandbox::{Budget, Guard, Output},
};

use super::launch::Launch;

/// The data of a store: all that one instance is and has.
pub(super) struct State {
    pub(super) session: Session,
    pub(super) guard: Guard,
    pub(super) wasi: WasiCtx,
    /// What the handles of the guest stand for, those of WASI and ours.
    pub(super) resources: ResourceTable,
    pub(super) format: ResultFormat,
    pub(super) run: RunInfo,
    pub(super) settings: Arc<BTreeMap<String, String>>,
    pub(super) log: Arc<LogSink>,
    pub(super) limits: bindings::Limits,
    pub(super) meter: Meter,
    pub(super) launch: Arc<Launch>,
}

impl State {
    /// What answers a call of the guest.
    pub(super) fn view(&mut self) -> View<'_> {
        View {
            session: &mut self.session,
            resources: &mut self.resources,
            format: &mut self.format,
            run: &self.run,
            settings: &self.settings,
            log: &self.log,
            limits: &self.limits,
            meter: &self.meter,
            operations: &self.launch,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.resources,
        }
    }
}

/// Tells a guest what it has used of the machine.
pub(super) struct Meter {
    pub(super) budget: Arc<Budget>,
    pub(super) output: Output,
    pub(super) output_bytes: u64,
}

impl bindings::Meter for Meter {
    fn limits(&self) -> Vec<LimitState> {
        let state = |(name, used, maximum)| LimitState {
            name,
            used,
            maximum,
        };
        let mut states = Vec::from(self.budget.states().map(state));
        states.push(state((
            "output-bytes",
            self.output.written(),
            self.output_bytes,
        )));
        states
    }
}
