//! Panics, with a message on standard error.

chitin::plugin!(run);

#[expect(clippy::panic, reason = "it is what this guest is for")]
fn run() -> chitin::Result<()> {
    panic!("this guest panics")
}
