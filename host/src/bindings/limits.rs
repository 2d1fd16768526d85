/// The limits of what a guest can make this layer do. Each is named in `error.limit` as here, with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Cells and elements of arrays in one batch, together. Default 1,000,000, about 80 MB: in the packed form a value can take no
    /// room at all, so that the size of the buffer bounds nothing.
    pub batch_values: u64,
    /// Bytes of all messages of a run in the log. Default 1 MiB.
    pub log_bytes: u64,
    /// Messages of a run in the log. Default 10,000.
    pub log_lines: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_values: 1_000_000,
            log_bytes: 1 << 20,
            log_lines: 10_000,
        }
    }
}
