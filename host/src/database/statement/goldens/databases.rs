//! Making databases, on both databases.

use super::{BOTH, Golden};
use crate::database::statement::create_database;

#[test]
fn databases() {
    for (server, file) in BOTH {
        let mut golden = Golden::default();
        for (name, database) in [
            ("a plain name", "sales"),
            ("a name that is no SQL", "a.b\"; DROP DATABASE c; --"),
            ("no name", ""),
            ("the database's own", "system"),
            ("a template", "template1"),
            ("a reserved beginning", "PG_x"),
        ] {
            golden.add(name, create_database(server, database));
        }
        golden.check(&format!("databases_{file}"));
    }
}
