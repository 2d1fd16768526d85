//! Waits in the database for a minute.

chitin::plugin!(run);

fn run() -> chitin::Result<u64> {
    chitin::query("SELECT pg_sleep(60)").execute()
}
