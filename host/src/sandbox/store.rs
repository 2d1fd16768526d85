use std::sync::Arc;

use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use super::{Budget, Limits};

/// How many ticks a guest runs before it yields.
const TICKS_PER_TURN: u64 = 1;

/// Charges one store against the budget of its run, and gives back what the store held when it goes.
#[derive(Debug)]
pub struct Guard {
    budget: Arc<Budget>,
    core_instances: u32,
    memories: u32,
    tables: u32,
    memory_bytes: usize,
    table_elements: usize,
    /// What the growth under way adds; it can still fail after it was granted.
    growing: usize,
}

impl Guard {
    /// A guard for one store of the run with this budget.
    pub fn new(budget: Arc<Budget>, limits: &Limits) -> Self {
        Self {
            budget,
            core_instances: limits.core_instances,
            memories: limits.memories,
            tables: limits.tables,
            memory_bytes: 0,
            table_elements: 0,
            growing: 0,
        }
    }

    /// The budget of the run.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }
}

/// Puts a store under its limits, before anything is instantiated in it: start functions are guest code too.
pub fn watch_store<T: 'static>(
    store: &mut Store<T>,
    limits: &Limits,
    guard: fn(&mut T) -> &mut Guard,
) {
    let budget = Arc::clone(guard(store.data_mut()).budget());
    store.limiter(move |data| guard(data));
    store.set_hostcall_fuel(limits.call_bytes);
    store.set_max_component_handles(limits.handles);
    store.set_epoch_deadline(TICKS_PER_TURN);
    store.epoch_deadline_callback(move |_| match budget.cpu_exhausted() {
        Some(limit) => Err(limit.into()),
        // Tokio's own yield lets it look at sockets and timers in between; waking ourselves would not.
        None => Ok(UpdateDeadline::YieldCustom(
            TICKS_PER_TURN,
            Box::pin(tokio::task::yield_now()),
        )),
    });
}

impl ResourceLimiter for Guard {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.growing = 0;
        let more = desired.saturating_sub(current);
        if !self.budget.grow_memory(more) {
            return Ok(false);
        }
        self.growing = more;
        self.memory_bytes += more;
        if maximum.is_some_and(|maximum| desired > maximum) {
            self.undo_memory();
            return Ok(false);
        }
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo_memory();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.growing = 0;
        let more = desired.saturating_sub(current);
        if !self.budget.grow_table(more) {
            return Ok(false);
        }
        self.growing = more;
        self.table_elements += more;
        if maximum.is_some_and(|maximum| desired > maximum) {
            self.undo_table();
            return Ok(false);
        }
        Ok(true)
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.undo_table();
        Ok(())
    }

    fn instances(&self) -> usize {
        self.core_instances as usize
    }

    fn tables(&self) -> usize {
        self.tables as usize
    }

    fn memories(&self) -> usize {
        self.memories as usize
    }
}

impl Guard {
    fn undo_memory(&mut self) {
        let growing = std::mem::take(&mut self.growing);
        self.memory_bytes -= growing;
        self.budget.give_back(growing, 0);
    }

    fn undo_table(&mut self) {
        let growing = std::mem::take(&mut self.growing);
        self.table_elements -= growing;
        self.budget.give_back(0, growing);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.budget
            .give_back(self.memory_bytes, self.table_elements);
    }
}
