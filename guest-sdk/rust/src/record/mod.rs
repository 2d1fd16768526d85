//! Records through serde: a struct or a map to fields, and a row to a struct.

mod read;
mod scalar;
mod tree;
mod write;

pub(crate) use read::deserialize;
pub(crate) use tree::fields;

/// The names by which our own types are recognised on their way through serde.
mod tag {
    pub(super) const JSON: &str = "$chitin::json";
    pub(super) const INTERVAL: &str = "$chitin::interval";
    /// serde_json's own, for JSON text that is to stay as it is.
    pub(super) const RAW_JSON: &str = "$serde_json::private::RawValue";
}
