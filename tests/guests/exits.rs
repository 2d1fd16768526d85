//! Ends itself in the middle of its run.

chitin::plugin!(run);

#[expect(clippy::exit, reason = "it is what this guest is for")]
fn run() -> chitin::Result<()> {
    std::process::exit(3)
}
