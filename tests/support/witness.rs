//! What a plain client sees of a database while others work in it, and how it makes them lose races.

use tokio_postgres::Client;

use crate::wait_until;

/// A number that the client reads.
pub async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.expect("a number").get(0)
}

/// Waits until no transaction is open in the client's database but its own.
pub async fn nothing_is_open(client: &Client) {
    let open = "SELECT count(*) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
    wait_until("every transaction to end", async || {
        number(client, open).await == 0
    })
    .await;
}

/// Where a transaction loses a race.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// At the statement that writes the row.
    AtTheStatement,
    /// At COMMIT.
    AtTheCommit,
}

impl Lost {
    /// Each of them.
    pub const BOTH: [Self; 2] = [Self::AtTheStatement, Self::AtTheCommit];
}

/// Lets whoever writes rows of this kind to the table lose so many races: SQLSTATE 40001, with the table's name. They are counted by
/// the sequence `races`, of which nothing is ever rolled back.
pub async fn lose_races(client: &Client, table: &str, rows: &str, lost: Lost, times: u32) {
    let (trigger, when) = match lost {
        Lost::AtTheStatement => ("CREATE TRIGGER race BEFORE INSERT OR UPDATE", ""),
        Lost::AtTheCommit => (
            "CREATE CONSTRAINT TRIGGER race AFTER INSERT OR UPDATE",
            "DEFERRABLE INITIALLY DEFERRED",
        ),
    };
    let script = format!(
        "CREATE SEQUENCE races;
         CREATE FUNCTION race() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('races') <= {times} THEN
                 RAISE EXCEPTION 'somebody was faster' USING ERRCODE = '40001', TABLE = '{table}';
             END IF;
             RETURN NEW;
         END $$;
         {trigger} ON {table} {when} FOR EACH ROW WHEN ({rows}) EXECUTE FUNCTION race()"
    );
    client.simple_query(&script).await.expect("made");
}
