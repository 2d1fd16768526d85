//! Logs more than it may. What is too much is dropped, and the run goes on.

chitin::plugin!(run);

fn run() -> chitin::Result<u32> {
    const LINES: u32 = 20_000;
    let words = "more than anybody reads ".repeat(10);
    for line in 0..LINES {
        log::info!("{line}: {words}");
    }
    Ok(LINES)
}
