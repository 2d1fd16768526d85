//! Never returns, and never calls the host.

use std::hint::black_box;

chitin::plugin!(run);

#[expect(
    clippy::unnecessary_wraps,
    reason = "a plugin may fail, even if this one cannot"
)]
fn run() -> chitin::Result<u64> {
    let mut turns = 0_u64;
    while black_box(true) {
        turns = turns.wrapping_add(1);
    }
    Ok(turns)
}
