//! Returns more output than it may.

chitin::plugin!(run);

#[expect(
    clippy::unnecessary_wraps,
    reason = "a plugin may fail, even if this one cannot"
)]
fn run() -> chitin::Result<String> {
    Ok("x".repeat(8 << 20))
}
