//! Waits for a minute, with the host's clock.

use std::time::Duration;

chitin::plugin!(run);

#[expect(
    clippy::disallowed_methods,
    clippy::unnecessary_wraps,
    reason = "to wait in vain is what this guest is for"
)]
fn run() -> chitin::Result<()> {
    std::thread::sleep(Duration::from_mins(1));
    Ok(())
}
