//! `host --version`.

use serde_json::json;

use super::{exit::Exit, terminal};
use crate::runtime;

/// The package that plugins are built against, as they import it.
const CONTRACT: &str = "chitin:db@0.1.0";

/// Prints which host this is.
pub(super) fn print(as_json: bool) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    terminal::print_output(&if as_json {
        let about = json!({
            "name": "host",
            "version": version,
            "contract": CONTRACT,
            "engine": runtime::ENGINE,
            "target": env!("TARGET"),
            "features": runtime::features(),
        });
        format!("{about}\n")
    } else {
        format!("host {version} ({CONTRACT})\n")
    });
    Exit::Success
}
