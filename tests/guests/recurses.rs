//! Calls itself until the stack is full.

chitin::plugin!(run);

#[expect(
    clippy::unnecessary_wraps,
    reason = "a plugin may fail, even if this one cannot"
)]
fn run(start: Option<u64>) -> chitin::Result<u64> {
    Ok(deeper(start.unwrap_or(1)))
}

/// The result of each call is needed by the one before it, in a way that no loop could replace.
#[inline(never)]
fn deeper(depth: u64) -> u64 {
    if depth == 0 {
        1
    } else {
        deeper(depth + 1).rotate_left(7) ^ depth
    }
}
