use super::{Statement, builder::Builder, condition::push_where};
use crate::database::{
    error::Error,
    identifier::{Identifier, QualifiedName},
    request::{Condition, LockStrength, LockWait, Nulls, Ordering, RowLock, Selection},
};

/// Reads rows, and never more than `at_most`.
pub(in crate::database) fn select<'a>(
    table: &str,
    selection: &'a Selection,
    at_most: u64,
) -> Result<Statement<'a>, Error> {
    let mut builder = Builder::new();
    push_columns(&mut builder, table, &selection.columns)?;
    push_where(&mut builder, &selection.filter)?;
    push_order(&mut builder, &selection.order_by)?;
    let limit = selection.limit.map_or(at_most, |limit| limit.min(at_most));
    builder.sql(" LIMIT ").number_of_rows("limit", limit);
    if let Some(offset) = selection.offset {
        builder.sql(" OFFSET ").number_of_rows("offset", offset);
    }
    if let Some(lock) = selection.lock {
        builder.sql(lock_clause(lock));
    }
    Ok(builder.finish())
}

/// Reads no rows, and so only the columns; none of them named is all of them.
pub(in crate::database) fn select_nothing(
    table: &str,
    columns: &[String],
) -> Result<Statement<'static>, Error> {
    let mut builder = Builder::new();
    push_columns(&mut builder, table, columns)?;
    builder.sql(" LIMIT 0");
    Ok(builder.finish())
}

/// Counts rows.
pub(in crate::database) fn count<'a>(
    table: &str,
    filter: &'a [Condition],
) -> Result<Statement<'a>, Error> {
    let mut builder = Builder::new();
    builder
        .sql("SELECT count(*) FROM ")
        .sql(QualifiedName::table(table)?);
    push_where(&mut builder, filter)?;
    Ok(builder.finish())
}

fn push_columns(builder: &mut Builder<'_>, table: &str, columns: &[String]) -> Result<(), Error> {
    let names = columns
        .iter()
        .map(|column| Identifier::column(column))
        .collect::<Result<Vec<_>, _>>()?;
    builder.sql("SELECT ");
    if names.is_empty() {
        builder.sql("*");
    }
    builder
        .names(&names)
        .sql(" FROM ")
        .sql(QualifiedName::table(table)?);
    Ok(())
}

fn push_order(builder: &mut Builder<'_>, order: &[Ordering]) -> Result<(), Error> {
    for (place, step) in order.iter().enumerate() {
        builder
            .sql(if place == 0 { " ORDER BY " } else { ", " })
            .sql(Identifier::column(&step.column)?);
        builder.sql(if step.descending { " DESC" } else { "" });
        builder.sql(match step.nulls {
            None => "",
            Some(Nulls::First) => " NULLS FIRST",
            Some(Nulls::Last) => " NULLS LAST",
        });
    }
    Ok(())
}

fn lock_clause(lock: RowLock) -> &'static str {
    match (lock.strength, lock.wait) {
        (LockStrength::Exclusive, LockWait::Wait) => " FOR UPDATE",
        (LockStrength::Exclusive, LockWait::NoWait) => " FOR UPDATE NOWAIT",
        (LockStrength::Exclusive, LockWait::SkipLocked) => " FOR UPDATE SKIP LOCKED",
        (LockStrength::Shared, LockWait::Wait) => " FOR SHARE",
        (LockStrength::Shared, LockWait::NoWait) => " FOR SHARE NOWAIT",
        (LockStrength::Shared, LockWait::SkipLocked) => " FOR SHARE SKIP LOCKED",
    }
}
