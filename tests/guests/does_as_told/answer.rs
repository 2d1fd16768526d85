//! From the types of the contract to JSON.

use chitin::Rows;
use chitin::bindings::chitin::db::{schema, session, types};
use serde_json::{Value as Json, json};

use crate::value::notation;

type Answer = Result<Json, types::Error>;

pub(crate) fn row_set(result: Result<types::RowSet, types::Error>) -> Result<Answer, String> {
    match result {
        Ok(row_set) => rows(row_set).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

pub(crate) fn statement(
    statement: Result<types::StatementResult, types::Error>,
) -> Result<Answer, String> {
    match statement {
        Ok(statement) => result(statement).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

pub(crate) fn result(result: types::StatementResult) -> Result<Json, String> {
    Ok(json!({ "count": result.count, "rows": result.rows.map(rows).transpose()? }))
}

/// Rows of either form. A buffer that cannot be read ends the run.
pub(crate) fn rows(row_set: types::RowSet) -> Result<Json, String> {
    let shape = match &row_set {
        types::RowSet::Typed(_) => "typed",
        types::RowSet::Packed(_) => "packed",
    };
    let rows = Rows::try_from(row_set).map_err(|error| error.to_string())?;
    let places = 0..rows.columns().len();
    let cells = rows.iter().map(|row| {
        let cell = |place| {
            row.value(place)
                .map(notation)
                .map_err(|error| error.to_string())
        };
        places.clone().map(cell).collect::<Result<Json, _>>()
    });
    let cells: Json = cells.collect::<Result<_, String>>()?;
    Ok(json!({ "shape": shape, "columns": columns(rows.columns()), "rows": cells }))
}

pub(crate) fn columns(columns: &[types::Column]) -> Json {
    columns
        .iter()
        .map(|column| json!([column.name, column.type_name]))
        .collect()
}

pub(crate) fn info(info: &session::RunInfo) -> Json {
    json!({
        "plugin": info.plugin,
        "tenant": info.tenant,
        "run-id": info.run_id,
        "attempt": info.attempt,
        "started-at": info.started_at,
        "deadline": info.deadline,
        "database": match info.database {
            session::DatabaseProduct::Cockroachdb => "cockroachdb",
            session::DatabaseProduct::Postgresql => "postgresql",
        },
    })
}

pub(crate) fn description(table: schema::TableDescription) -> Json {
    let columns = table.columns.into_iter().map(|column| {
        json!({
            "name": column.name,
            "type-name": column.type_name,
            "not-null": column.not_null,
            "default-text": column.default_text,
        })
    });
    let unique_keys = table
        .unique_keys
        .into_iter()
        .map(|key| json!([key.name, key.columns]));
    let foreign_keys = table.foreign_keys.into_iter().map(|key| {
        json!({
            "name": key.name,
            "columns": key.columns,
            "referenced-table": key.referenced_table,
            "referenced-columns": key.referenced_columns,
            "on-delete": kebab(&format!("{:?}", key.on_delete)),
            "on-update": kebab(&format!("{:?}", key.on_update)),
        })
    });
    json!({
        "schema": table.schema,
        "name": table.name,
        "columns": columns.collect::<Json>(),
        "primary-key": table.primary_key,
        "unique-keys": unique_keys.collect::<Vec<_>>(),
        "foreign-keys": foreign_keys.collect::<Json>(),
    })
}

pub(crate) fn entry(table: &schema::TableEntry) -> Json {
    json!([
        table.schema,
        table.name,
        kebab(&format!("{:?}", table.kind))
    ])
}

/// The case of an error, and what it holds by the names of the contract.
pub(crate) fn error(error: types::Error) -> Json {
    use types::Error as Is;
    match error {
        Is::Retry(reason) => json!({ "case": "retry", "reason": reason_of(&reason) }),
        Is::AttemptsExhausted(exhaustion) => json!({
            "case": "attempts-exhausted",
            "attempts": exhaustion.attempts,
            "last": reason_of(&exhaustion.last),
        }),
        Is::AmbiguousCommit(text) => json!({ "case": "ambiguous-commit", "text": text }),
        Is::Database(error) => json!({
            "case": "database",
            "sqlstate": error.sqlstate,
            "kind": kebab(&format!("{:?}", error.kind)),
            "message": error.message,
            "detail": error.detail,
            "hint": error.hint,
            "schema": error.schema,
            "table": error.table,
            "column": error.column,
            "constraint": error.constraint,
            "position": error.position,
            "statement-index": error.statement_index,
            "retryable": error.retryable,
        }),
        Is::Invalid(text) => json!({ "case": "invalid", "text": text }),
        Is::Conversion(error) => json!({
            "case": "conversion",
            "column": error.column,
            "row": error.row,
            "type-name": error.type_name,
            "message": error.message,
        }),
        Is::Denied(text) => json!({ "case": "denied", "text": text }),
        Is::Limit(limit) => {
            json!({ "case": "limit", "name": limit.name, "used": limit.used, "maximum": limit.maximum })
        }
        Is::Timeout(step) => json!({ "case": "timeout", "step": kebab(&format!("{step:?}")) }),
        Is::Unavailable(text) => json!({ "case": "unavailable", "text": text }),
        Is::Busy(text) => json!({ "case": "busy", "text": text }),
        Is::Closed(text) => json!({ "case": "closed", "text": text }),
        Is::Rejected(text) => json!({ "case": "rejected", "text": text }),
        Is::Trapped(text) => json!({ "case": "trapped", "text": text }),
        Is::Other(text) => json!({ "case": "other", "text": text }),
    }
}

fn reason_of(reason: &types::RetryReason) -> Json {
    json!({ "sqlstate": reason.sqlstate, "message": reason.message, "table": reason.table })
}

/// The name of a case as the contract has it, from `DatabaseErrorKind::UniqueViolation`.
fn kebab(debug: &str) -> String {
    let name = debug.rsplit("::").next().unwrap_or(debug);
    let mut kebab = String::new();
    for (place, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && place > 0 {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}
