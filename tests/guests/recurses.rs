//! Calls itself until the stack is full.

use std::hint::black_box;

chitin::plugin!(run);

#[expect(
    clippy::unnecessary_wraps,
    reason = "a plugin may fail, even if this one cannot"
)]
fn run() -> chitin::Result<u64> {
    Ok(deeper(black_box(0)))
}

fn deeper(depth: u64) -> u64 {
    let here = black_box([depth; 16]);
    if black_box(false) {
        depth
    } else {
        deeper(here[0] + 1).wrapping_add(here[15])
    }
}
