//! Waits for a minute, with the host's clock.

use std::time::Duration;

chitin::plugin!(run);

fn run() -> chitin::Result<()> {
    std::thread::sleep(Duration::from_secs(60));
    Ok(())
}
