//! Whose data it is, and what a plugin may ask for it.
//!
//! Invariants: parsed once, at the edge, then passed on as values that cannot be wrong. Knows no SQL, no WebAssembly and no
//! connection; does no I/O.

mod grant;
mod tenant;

pub use grant::{Capability, Grants, UnknownCapability};
pub use tenant::{InvalidTenantId, TenantId};
