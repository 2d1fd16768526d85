//! From what the guest was told to the types of the contract. What cannot be understood ends the run.

use chitin::bindings::chitin::db::{reads, schema, sql, transactions, types, writes};
use chitin::bindings::wasi::logging::logging;
use chitin::{BatchRows, Value};

use crate::operation as told;
use crate::value::Given;

type Result<T> = std::result::Result<T, String>;

pub(crate) fn value(Given(value): Given) -> Result<types::Value> {
    value
        .try_into()
        .map_err(|error: chitin::Error| error.to_string())
}

fn values(given: Vec<Given>) -> Result<Vec<types::Value>> {
    given.into_iter().map(value).collect()
}

pub(crate) fn selection(told: told::Selection) -> Result<reads::Selection> {
    Ok(reads::Selection {
        columns: told.columns,
        filter: filter(told.filter)?,
        order_by: told
            .order_by
            .into_iter()
            .map(ordering)
            .collect::<Result<_>>()?,
        limit: told.limit,
        offset: told.offset,
        lock: told.lock.map(lock).transpose()?,
    })
}

fn ordering(told: told::Ordering) -> Result<types::Ordering> {
    Ok(types::Ordering {
        column: told.column,
        direction: if told.descending {
            types::Direction::Descending
        } else {
            types::Direction::Ascending
        },
        nulls: match told.nulls.as_deref() {
            None => None,
            Some("first") => Some(types::NullsOrder::First),
            Some("last") => Some(types::NullsOrder::Last),
            Some(unknown) => return Err(format!("{unknown} is no place for NULLs")),
        },
    })
}

fn lock((strength, wait): (String, String)) -> Result<reads::RowLock> {
    Ok(reads::RowLock {
        strength: match &*strength {
            "exclusive" => reads::LockStrength::Exclusive,
            "shared" => reads::LockStrength::Shared,
            unknown => return Err(format!("{unknown} is no strength of a lock")),
        },
        wait: match &*wait {
            "wait" => reads::LockWait::Wait,
            "no-wait" => reads::LockWait::NoWait,
            "skip-locked" => reads::LockWait::SkipLocked,
            unknown => return Err(format!("{unknown} is no way to wait for a lock")),
        },
    })
}

pub(crate) fn filter(told: Vec<told::Condition>) -> Result<Vec<types::Condition>> {
    let condition = |told: told::Condition| {
        Ok(types::Condition {
            column: told.column,
            operator: operator(&told.operator)?,
            values: values(told.values)?,
            group: told.group,
        })
    };
    told.into_iter().map(condition).collect()
}

fn operator(name: &str) -> Result<types::Operator> {
    use types::Operator as Is;
    Ok(match name {
        "eq" => Is::Eq,
        "ne" => Is::Ne,
        "lt" => Is::Lt,
        "le" => Is::Le,
        "gt" => Is::Gt,
        "ge" => Is::Ge,
        "between" => Is::Between,
        "in-list" => Is::InList,
        "not-in-list" => Is::NotInList,
        "like" => Is::Like,
        "not-like" => Is::NotLike,
        "ilike" => Is::Ilike,
        "not-ilike" => Is::NotIlike,
        "contains" => Is::Contains,
        "is-null" => Is::IsNull,
        "is-not-null" => Is::IsNotNull,
        unknown => return Err(format!("{unknown} is no operator")),
    })
}

pub(crate) fn fields(told: Vec<(String, Given)>) -> Result<Vec<types::Field>> {
    told.into_iter()
        .map(|(column, given)| {
            Ok(types::Field {
                column,
                value: value(given)?,
            })
        })
        .collect()
}

pub(crate) fn assignments(told: Vec<told::Assignment>) -> Result<Vec<types::Assignment>> {
    let assignment = |told: told::Assignment| {
        let change = match told.change {
            told::Change::Set(given) => types::Change::Set(value(given)?),
            told::Change::Add(given) => types::Change::Add(value(given)?),
            told::Change::Reset => types::Change::Reset,
        };
        Ok(types::Assignment {
            column: told.column,
            change,
        })
    };
    told.into_iter().map(assignment).collect()
}

pub(crate) fn target(told: told::Target) -> Result<writes::Target> {
    Ok(match told {
        told::Target::Matching(conditions) => writes::Target::Matching(filter(conditions)?),
        told::Target::AllRows => writes::Target::AllRows,
    })
}

pub(crate) fn returning(told: told::Returning) -> types::Returning {
    match told {
        told::Returning::Nothing => types::Returning::Nothing,
        told::Returning::AllColumns => types::Returning::AllColumns,
        told::Returning::Columns(columns) => types::Returning::Columns(columns),
    }
}

pub(crate) fn conflict(told: told::Conflict) -> writes::Conflict {
    let action = if told.keep {
        writes::ConflictAction::Keep
    } else {
        writes::ConflictAction::Update
    };
    writes::Conflict {
        key: told.key,
        action,
    }
}

pub(crate) fn batch(told: told::Batch) -> Result<writes::Batch> {
    let cells = |row: Vec<serde_json::Value>| row.into_iter().map(cell).collect::<Result<Vec<_>>>();
    let rows = told
        .rows
        .into_iter()
        .map(cells)
        .collect::<Result<Vec<_>>>()?;
    if told.packed {
        packed(told.columns, &rows)
    } else {
        typed(told.columns, rows)
    }
}

fn cell(json: serde_json::Value) -> Result<Option<Value>> {
    if json == serde_json::json!(["missing"]) {
        return Ok(None);
    }
    serde_json::from_value(json)
        .map(|Given(value)| Some(value))
        .map_err(|error| error.to_string())
}

fn packed(columns: Vec<String>, rows: &[Vec<Option<Value>>]) -> Result<writes::Batch> {
    let mut batch = chitin::Batch::new(columns);
    let fill = || {
        for row in rows {
            for (column, value) in row.iter().enumerate() {
                if let Some(value) = value {
                    batch.set(column, value)?;
                }
            }
            batch.end_row();
        }
        batch.packed()
    };
    fill()
        .map(writes::Batch::Packed)
        .map_err(|error| error.to_string())
}

fn typed(columns: Vec<String>, rows: Vec<Vec<Option<Value>>>) -> Result<writes::Batch> {
    let cell = |cell: Option<Value>| cell.map(|cell| value(Given(cell))).transpose();
    let rows = rows
        .into_iter()
        .map(|row| row.into_iter().map(cell).collect())
        .collect::<Result<_>>()?;
    Ok(writes::Batch::Typed(writes::TypedBatch { columns, rows }))
}

pub(crate) fn statement(told: told::Statement) -> Result<sql::Statement> {
    Ok(sql::Statement {
        text: told.text,
        parameters: values(told.parameters)?,
    })
}

pub(crate) fn transaction_options(
    told: told::TransactionOptions,
) -> transactions::TransactionOptions {
    transactions::TransactionOptions {
        max_retries: told.max_retries,
        timeout_ms: told.timeout_ms,
        isolation: told.isolation.map(|isolation| match isolation {
            told::Isolation::Serializable => transactions::Isolation::Serializable,
            told::Isolation::ReadCommitted => transactions::Isolation::ReadCommitted,
        }),
        read_only: told.read_only,
        snapshot: told.snapshot.map(|snapshot| match snapshot {
            told::Snapshot::FollowerRead => transactions::Snapshot::FollowerRead,
            told::Snapshot::At(instant) => transactions::Snapshot::At(instant),
        }),
        resolve_ambiguous: told.resolve_ambiguous,
    }
}

pub(crate) fn level(name: &str) -> Result<logging::Level> {
    Ok(match name {
        "trace" => logging::Level::Trace,
        "debug" => logging::Level::Debug,
        "info" => logging::Level::Info,
        "warn" => logging::Level::Warn,
        "error" => logging::Level::Error,
        "critical" => logging::Level::Critical,
        unknown => return Err(format!("{unknown} is no level")),
    })
}

pub(crate) fn table_definition(told: told::TableDefinition) -> Result<schema::TableDefinition> {
    let unique_key = |columns| schema::UniqueKey {
        name: None,
        columns,
    };
    let check = |conditions| {
        Ok(schema::Check {
            name: None,
            conditions: filter(conditions)?,
        })
    };
    Ok(schema::TableDefinition {
        columns: told
            .columns
            .into_iter()
            .map(column)
            .collect::<Result<_>>()?,
        primary_key: told.primary_key,
        unique_keys: told.unique_keys.into_iter().map(unique_key).collect(),
        foreign_keys: told.foreign_keys.into_iter().map(foreign_key).collect(),
        checks: told.checks.into_iter().map(check).collect::<Result<_>>()?,
    })
}

fn column(told: told::Column) -> Result<schema::ColumnDefinition> {
    let default = |told| {
        Ok::<_, String>(match told {
            told::DefaultValue::Constant(given) => schema::DefaultValue::Constant(value(given)?),
            told::DefaultValue::CurrentTimestamp => schema::DefaultValue::CurrentTimestamp,
            told::DefaultValue::RandomUuid => schema::DefaultValue::RandomUuid,
            told::DefaultValue::UniqueId => schema::DefaultValue::UniqueId,
        })
    };
    Ok(schema::ColumnDefinition {
        name: told.name,
        data_type: data_type(told.data_type),
        is_array: told.is_array,
        not_null: told.not_null,
        default_value: told.default_value.map(default).transpose()?,
    })
}

fn data_type(told: told::DataType) -> schema::DataType {
    use schema::DataType as Is;
    use told::DataType as Told;
    match told {
        Told::Boolean => Is::Boolean,
        Told::Int16 => Is::Int16,
        Told::Int32 => Is::Int32,
        Told::Int64 => Is::Int64,
        Told::Float32 => Is::Float32,
        Told::Float64 => Is::Float64,
        Told::Decimal => Is::Decimal,
        Told::Numeric(precision, scale) => Is::Numeric(schema::NumericSize { precision, scale }),
        Told::Text => Is::Text,
        Told::Varchar(length) => Is::Varchar(length),
        Told::Bytes => Is::Bytes,
        Told::Uuid => Is::Uuid,
        Told::Date => Is::Date,
        Told::Time => Is::Time,
        Told::Timetz => Is::Timetz,
        Told::Timestamp => Is::Timestamp,
        Told::Timestamptz => Is::Timestamptz,
        Told::Interval => Is::Interval,
        Told::Json => Is::Json,
        Told::Vector(dimensions) => Is::Vector(dimensions),
        Told::Inet => Is::Inet,
        Told::Bit(length) => Is::Bit(length),
        Told::Named(name) => Is::Named(name),
    }
}

fn foreign_key(told: told::ForeignKey) -> schema::ForeignKey {
    let action = |told: Option<String>| match told.as_deref() {
        Some("cascade") => schema::ReferentialAction::Cascade,
        Some("set-null") => schema::ReferentialAction::SetNull,
        Some("set-default") => schema::ReferentialAction::SetDefault,
        _ => schema::ReferentialAction::NoAction,
    };
    schema::ForeignKey {
        name: told.name,
        columns: told.columns,
        referenced_table: told.referenced_table,
        referenced_columns: told.referenced_columns,
        on_delete: action(told.on_delete),
        on_update: action(told.on_update),
    }
}
