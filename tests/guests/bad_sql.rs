//! Sends SQL that is none.

chitin::plugin!(run);

fn run() -> chitin::Result<chitin::Rows> {
    chitin::query("SELEKT 1").rows()
}
