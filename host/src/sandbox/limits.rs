use std::time::Duration;

/// What a guest may use of the machine.
///
/// Those of one run count over all its stores together. A limit that stops a guest is named in the outcome as here, with
/// hyphens: `memory_bytes` is `memory-bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The sum of all linear memories of a run. Default 256 MiB: the largest toolchain starts at 13 MiB, and work on a few
    /// hundred thousand rows fits.
    pub memory_bytes: usize,
    /// Core instances in a component. Default 64: a Python component has up to 38.
    pub core_instances: u32,
    /// Linear memories in a component. Default 8: one, or two where an adapter brings its own, is usual.
    pub memories: u32,
    /// Tables in a component. Default 64: as many as core instances.
    pub tables: u32,
    /// The sum of the elements of all tables of a run. Default 100,000: interpreters have tens of thousands of functions.
    pub table_elements: usize,
    /// The size of a component file. Default 32 MiB: a Python component has 18 MiB.
    pub component_bytes: usize,
    /// What a guest hands to the host in one call. Default 32 MiB: the host holds a copy of it.
    pub call_bytes: usize,
    /// Processor time of a run, in the guest and in what the host does for it; waiting costs none. Default 30 s.
    pub cpu: Duration,
    /// The call stack of a guest. Default 512 KiB, which every toolchain is made for.
    pub stack_bytes: usize,
    /// Handles that a guest holds at a time. Default 1,000.
    pub handles: usize,
    /// Instances alive at a time in this process, at least 2: a plugin with operations needs one for itself and one for an operation. Default
    /// 32: address space is set aside for each of them.
    pub slots: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 256 << 20,
            core_instances: 64,
            memories: 8,
            tables: 64,
            table_elements: 100_000,
            component_bytes: 32 << 20,
            call_bytes: 32 << 20,
            cpu: Duration::from_secs(30),
            stack_bytes: 512 << 10,
            handles: 1_000,
            slots: 32,
        }
    }
}
