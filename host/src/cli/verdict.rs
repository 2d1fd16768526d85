//! What an outcome comes to: the exit code, and what is said.

use super::{
    exit::{Exit, Failure},
    interrupt::interrupted,
};
use crate::runtime::{End, Refusal};

/// The plugin's output, or why there is none.
pub(super) fn of(end: End, told: Option<Exit>) -> Result<Option<String>, Failure> {
    Err(match end {
        End::Finished { output } => return Ok(output),
        End::PluginError(message) => Failure::new(Exit::PluginError, message),
        End::Limit(x) => Failure::new(Exit::Limit, x),
        End::Deadline => Failure::new(Exit::Limit, ""),
        End::Trap(x) => Failure::new(Exit::Trap, x),
        End::Interrupted => interrupted(told.unwrap_or(Exit::Interrupted)),
    })
}

/// Why a plugin is not run.
pub(super) fn of_refusal(refusal: Refusal) -> Failure {
    Failure::caused_by(Exit::Refused, refusal)
}
