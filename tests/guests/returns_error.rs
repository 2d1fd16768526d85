//! Reports an error of its own.

chitin::plugin!(run);

fn run() -> Result<(), &'static str> {
    Err("returns_error always fails: it said \"no\"")
}
