//! Makes the tables of the ledger, and prints which of them are new. It runs once and needs the grant `schema`; the ledger itself does
//! without.

use std::io::{Write as _, stdout};

use chitin::schema::ForeignKey;
use chitin::{Column, Result, create_table, eq, ge, gt, json};

fn main() -> Result<()> {
    chitin::init();
    // The last wall in front of an overdraft, whoever writes to the table.
    let accounts = create_table("accounts")
        .column(Column::text("id").primary_key())
        .column(Column::int64("balance").not_null().default(0))
        .column(Column::boolean("may_overdraw").not_null().default(false))
        .column(Column::int64("entries").not_null().default(0))
        .check_named(
            "no_overdraft",
            [ge("balance", 0).or(eq("may_overdraw", true))],
        )
        .if_not_exists()
        .run()?;
    let transfers = create_table("transfers")
        .column(Column::text("key").primary_key())
        .column(Column::text("payer").not_null())
        .column(Column::text("payee").not_null())
        .column(Column::int64("amount").not_null())
        .column(Column::timestamptz("made_at").not_null().now())
        .foreign_key(ForeignKey::new(["payer"], "accounts"))
        .foreign_key(ForeignKey::new(["payee"], "accounts"))
        .check([gt("amount", 0)])
        .if_not_exists()
        .run()?;
    let entries = create_table("entries")
        .column(Column::text("account").not_null())
        .column(Column::int64("number").not_null())
        .column(Column::text("transfer").not_null())
        .column(Column::text("other").not_null())
        .column(Column::int64("amount").not_null())
        .column(Column::int64("balance").not_null())
        .column(Column::timestamptz("made_at").not_null().now())
        .primary_key(["account", "number"])
        .foreign_key(ForeignKey::new(["account"], "accounts"))
        .foreign_key(ForeignKey::new(["transfer"], "transfers"))
        .if_not_exists()
        .run()?;
    let made = json!({ "accounts": accounts, "transfers": transfers, "entries": entries });
    writeln!(stdout(), "{made}")?;
    Ok(())
}
