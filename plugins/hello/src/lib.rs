//! The smallest plugin: one row from the database.

chitin::plugin!(hello);

fn hello() -> chitin::Result<chitin::Row> {
    chitin::query("SELECT 'Hello from ' || version() AS greeting").one()
}
