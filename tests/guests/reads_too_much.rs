//! Asks for more rows than one result may have.

chitin::plugin!(run);

fn run() -> chitin::Result<usize> {
    Ok(chitin::query("SELECT generate_series(1, 10001) AS n")
        .rows()?
        .len())
}
