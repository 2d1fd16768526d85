//! Adds up a million rows, a thousand at a time, and leaves another cursor open for the host to end.

use chitin::query;

chitin::plugin!(sums_rows);

fn sums_rows() -> chitin::Result<serde_json::Value> {
    let (mut rows, mut sum) = (0, 0);
    let million = "SELECT n, repeat('x', 90) AS fill FROM generate_series(1, $1::int8) AS n";
    for row in query(million).bind(1_000_000).cursor()? {
        let row = row?;
        rows += 1;
        sum += row.get::<i64>("n")?;
    }
    std::mem::forget(query("VALUES (1), (2)").cursor()?);
    let limits = chitin::limits();
    let part = limits.iter().find(|limit| limit.name == "result-bytes");
    let largest = part.map(|limit| limit.used);
    Ok(chitin::json!({ "rows": rows, "sum": sum, "largest-part-bytes": largest }))
}
