//! Reads a table that is not there.

chitin::plugin!(run);

fn run() -> chitin::Result<chitin::Rows> {
    chitin::table("no_such_table").select()
}
