//! The same work by plain tokio-postgres: prepared statements on one connection.

use std::time::SystemTime;

use tokio_postgres::{
    Client, Row,
    types::{ToSql, Type},
};

use crate::work::{Kind, Work};

/// Rows that a cursor gives at a time, as in the guest.
const PART: i64 = 1_000;

/// A connection.
#[derive(Debug)]
pub(crate) struct Plain {
    client: Client,
}

/// A row of `points`, as an application would hold it.
#[derive(Debug)]
struct Point {
    id: i64,
    label: String,
    weight: i64,
    share: Option<f64>,
    done: Option<bool>,
    made: Option<SystemTime>,
}

impl Plain {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Puts `entries` into the state that the work begins with. Not measured.
    pub(crate) async fn prepare(&self, work: &Work) -> anyhow::Result<()> {
        if work.kind.changes_entries() {
            self.client.simple_query("TRUNCATE entries").await?;
        }
        if work.kind.needs_entries() {
            let fill = "INSERT INTO entries SELECT i, 'entry ' || i, 0.5, true FROM generate_series(0, $1::int8 - 1) AS i";
            self.client.execute(fill, &[&work.count]).await?;
            self.client.simple_query("ANALYZE entries").await?;
        }
        Ok(())
    }

    /// Does the work, and gives the answer that the guest must give too.
    pub(crate) async fn run(&self, work: &Work) -> anyhow::Result<i64> {
        let count = work.count;
        match work.kind {
            Kind::PointSelect | Kind::Query => {
                self.weights("SELECT * FROM points WHERE id = $1", count)
                    .await
            }
            Kind::Count => {
                self.weights("SELECT count(*) AS weight FROM points WHERE id = $1", count)
                    .await
            }
            Kind::Insert => {
                let insert =
                    "INSERT INTO entries (number, label, share, done) VALUES ($1, $2, $3, $4)";
                self.entries(insert, count).await
            }
            Kind::InsertReturning => self.entries_returned(count).await,
            Kind::Upsert => {
                let upsert = "INSERT INTO entries (number, label, share, done) VALUES ($1, $2, $3, $4)
                    ON CONFLICT (number) DO UPDATE SET label = excluded.label, share = excluded.share, done = excluded.done";
                self.entries(upsert, count).await
            }
            Kind::Update => {
                self.by_key("UPDATE entries SET done = false WHERE number = $1", count)
                    .await
            }
            Kind::Execute => {
                self.by_key(
                    "UPDATE entries SET share = share + 1 WHERE number = $1",
                    count,
                )
                .await
            }
            Kind::Delete => {
                self.by_key("DELETE FROM entries WHERE number = $1", count)
                    .await
            }
            Kind::BatchInsert => {
                let insert = "INSERT INTO entries (number, label, share, done)
                    SELECT * FROM unnest($1::int8[], $2::text[], $3::float8[], $4::bool[])";
                self.batch(insert, count).await
            }
            Kind::BatchUpdate => {
                let update = "UPDATE entries SET label = new.label, share = new.share, done = new.done
                    FROM unnest($1::int8[], $2::text[], $3::float8[], $4::bool[]) AS new (number, label, share, done)
                    WHERE entries.number = new.number";
                self.batch(update, count).await
            }
            Kind::SelectMany => self.points(count).await,
            Kind::Cursor => self.cursor(count).await,
            Kind::Operation(statements) | Kind::Marked(statements) | Kind::Handle(statements) => {
                self.transactions(statements, count).await
            }
        }
    }

    async fn weights(&self, select: &str, count: i64) -> anyhow::Result<i64> {
        let statement = self.client.prepare(select).await?;
        let mut sum = 0;
        for id in 0..count {
            let row = self.client.query_one(&statement, &[&id]).await?;
            sum += row.get::<_, i64>("weight");
        }
        Ok(sum)
    }

    async fn entries(&self, write: &str, count: i64) -> anyhow::Result<i64> {
        let statement = self.client.prepare(write).await?;
        let mut written = 0;
        for number in 0..count {
            let label = format!("entry {number}");
            let parameters: [&(dyn ToSql + Sync); 4] = [&number, &label, &0.5, &true];
            written += self.client.execute(&statement, &parameters).await?;
        }
        Ok(i64::try_from(written)?)
    }

    async fn entries_returned(&self, count: i64) -> anyhow::Result<i64> {
        let insert =
            "INSERT INTO entries (number, label, share, done) VALUES ($1, $2, $3, $4) RETURNING *";
        let statement = self.client.prepare(insert).await?;
        let mut sum = 0;
        for number in 0..count {
            let label = format!("entry {number}");
            let row = self
                .client
                .query_one(&statement, &[&number, &label, &0.5, &true])
                .await?;
            sum += row.get::<_, i64>("number");
        }
        Ok(sum)
    }

    async fn by_key(&self, write: &str, count: i64) -> anyhow::Result<i64> {
        let statement = self.client.prepare(write).await?;
        let mut written = 0;
        for number in 0..count {
            written += self.client.execute(&statement, &[&number]).await?;
        }
        Ok(i64::try_from(written)?)
    }

    /// Transactions as they are mostly written: BEGIN and COMMIT each have a round trip of their own.
    async fn transactions(&self, statements: i64, count: i64) -> anyhow::Result<i64> {
        let update = "UPDATE entries SET done = false WHERE number = $1";
        let statement = self.client.prepare(update).await?;
        let mut written = 0;
        for number in 0..count {
            self.client
                .simple_query("BEGIN ISOLATION LEVEL SERIALIZABLE")
                .await?;
            for step in 0..statements {
                let number = (number + step) % count;
                written += self.client.execute(&statement, &[&number]).await?;
            }
            self.client.simple_query("COMMIT").await?;
        }
        Ok(i64::try_from(written)?)
    }

    async fn batch(&self, write: &str, count: i64) -> anyhow::Result<i64> {
        let statement = self.client.prepare(write).await?;
        let numbers: Vec<i64> = (0..count).collect();
        let label = |number| format!("entry {number}");
        let labels: Vec<String> = numbers.iter().map(label).collect();
        let (shares, done) = (vec![0.25; numbers.len()], vec![false; numbers.len()]);
        let written = self
            .client
            .execute(&statement, &[&numbers, &labels, &shares, &done])
            .await?;
        Ok(i64::try_from(written)?)
    }

    async fn points(&self, count: i64) -> anyhow::Result<i64> {
        let statement = self.client.prepare("SELECT * FROM points LIMIT $1").await?;
        let rows = self.client.query(&statement, &[&count]).await?;
        let points: Vec<Point> = rows.iter().map(Point::from).collect();
        Ok(points.iter().map(Point::check).sum())
    }

    async fn cursor(&self, count: i64) -> anyhow::Result<i64> {
        self.client.simple_query("BEGIN READ ONLY").await?;
        let declare = "DECLARE readings NO SCROLL CURSOR FOR SELECT * FROM readings WHERE id < $1";
        let types = [(&count as &(dyn ToSql + Sync), Type::INT8)];
        self.client.query_typed(declare, &types).await?;
        let fetch = format!("FETCH {PART} FROM readings");
        let statement = self.client.prepare(&fetch).await?;
        let mut sum = 0;
        loop {
            let rows = self.client.query(&statement, &[]).await?;
            if rows.is_empty() {
                break;
            }
            let weights = rows.iter().map(|row| row.get::<_, i64>("weight"));
            sum += weights.sum::<i64>();
        }
        self.client.simple_query("COMMIT").await?;
        Ok(sum)
    }
}

impl From<&Row> for Point {
    fn from(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            label: row.get("label"),
            weight: row.get("weight"),
            share: row.get("share"),
            done: row.get("done"),
            made: row.get("made"),
        }
    }
}

impl Point {
    /// A number in which every field has a part, as in the guest.
    fn check(&self) -> i64 {
        let label = i64::try_from(self.label.len()).unwrap_or(0);
        let present = [
            self.share.is_some(),
            self.done == Some(true),
            self.made.is_some(),
        ];
        let present: i64 = present.into_iter().map(i64::from).sum();
        self.id + self.weight + label + present
    }
}
