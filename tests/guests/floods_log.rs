//! Logs more than it may. What is too much is dropped, and the run goes on.

chitin::plugin!(run);

#[expect(
    clippy::unnecessary_wraps,
    reason = "a plugin may fail, even if this one cannot"
)]
fn run() -> chitin::Result<u32> {
    const LINES: u32 = 20_000;
    let words = "more than anybody reads ".repeat(10);
    for line in 0..LINES {
        log::info!("{line}: {words}");
    }
    Ok(LINES)
}
