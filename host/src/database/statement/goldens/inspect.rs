//! Looking at what is there, on both databases.

use super::{BOTH, Golden};
use crate::database::statement::{describe_table, tables};

#[test]
fn inspect() {
    for (server, file) in BOTH {
        let mut golden = Golden::default();
        golden.add("tables", tables(server, None, 10_001));
        golden.add("tables of a schema", tables(server, Some("sales"), 10_001));
        golden.add(
            "tables of the database's own",
            tables(server, Some("pg_toast"), 1),
        );
        golden.add("a table", describe_table(server, "accounts"));
        golden.add(
            "a table in a schema",
            describe_table(server, "sales.\"odd.name\""),
        );
        golden.add(
            "a table of the database's own",
            describe_table(server, "pg_class"),
        );
        golden.check(&format!("inspect_{file}"));
    }
}
