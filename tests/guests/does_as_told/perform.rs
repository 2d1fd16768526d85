//! The calls themselves.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each function performs its own kind of operation"
)]

use chitin::bindings::chitin::db::{databases, reads, schema, session, sql, types, writes};
use chitin::bindings::wasi::logging::logging;
use serde_json::{Value as Json, json};

use crate::operation::{Operation, ResultFormat};
use crate::transaction::Transactions;
use crate::{answer, parse, world};

/// What a call gave, or why it failed.
pub(crate) type Answer = Result<Json, types::Error>;

/// The handles that this guest holds, and how it goes on after an error.
#[derive(Default)]
pub(crate) struct Guest {
    cursors: Vec<Option<sql::Cursor>>,
    transactions: Transactions,
    stops_on_error: bool,
    leaves_open: bool,
}

impl Guest {
    /// Does as it is told, one after another, and gives the answers.
    pub(crate) fn perform_all(&mut self, operations: Vec<Operation>) -> Result<Vec<Json>, String> {
        operations
            .into_iter()
            .map(|operation| match self.perform(operation)? {
                Ok(answer) => Ok(json!({ "ok": answer })),
                Err(error) => {
                    let answer = json!({ "error": answer::error(error) });
                    if self.stops_on_error {
                        return Err(answer.to_string());
                    }
                    Ok(answer)
                }
            })
            .collect()
    }

    /// Ends what is open, the innermost first, or leaves it to the host if it was told so.
    pub(crate) fn end(self) {
        if self.leaves_open {
            std::mem::forget(self);
        }
    }

    /// Does as it is told. An operation that makes no sense is an error, which ends the run.
    fn perform(&mut self, operation: Operation) -> Result<Answer, String> {
        match operation {
            Operation::Select { .. } | Operation::SelectOne { .. } | Operation::Count { .. } => {
                read(operation)
            }
            Operation::Insert { .. }
            | Operation::Upsert { .. }
            | Operation::Update { .. }
            | Operation::Delete { .. } => write(operation),
            Operation::BatchInsert { .. } | Operation::BatchUpdate { .. } => write_batch(operation),
            Operation::Query(_) | Operation::Execute(_) | Operation::Batch { .. } => {
                run_sql(operation)
            }
            Operation::OpenCursor(_)
            | Operation::CursorColumns { .. }
            | Operation::CursorNext { .. }
            | Operation::DropCursor { .. } => self.use_cursor(operation),
            Operation::Run { .. }
            | Operation::Begin { .. }
            | Operation::Commit(_)
            | Operation::Rollback(_)
            | Operation::Restart(_)
            | Operation::Attempt(_)
            | Operation::DropTransaction(_) => self.transactions.perform(operation),
            Operation::LeaveOpen {} | Operation::StopOnError {} | Operation::Repeat { .. } => {
                self.go_on(operation)
            }
            Operation::CreateTable { .. }
            | Operation::DropTable { .. }
            | Operation::Tables { .. }
            | Operation::DescribeTable { .. }
            | Operation::CreateDatabase { .. } => define(operation),
            Operation::SetResultFormat { .. }
            | Operation::SetStatementTimeout { .. }
            | Operation::Info {}
            | Operation::Setting { .. }
            | Operation::Limits {}
            | Operation::Log { .. } => use_session(operation),
            Operation::Clock {}
            | Operation::Random {}
            | Operation::Remember {}
            | Operation::Sleep { .. }
            | Operation::Spin {}
            | Operation::Hoard {}
            | Operation::Exit { .. }
            | Operation::Fail { .. }
            | Operation::Panic { .. } => world::perform(operation),
        }
    }

    fn go_on(&mut self, operation: Operation) -> Result<Answer, String> {
        Ok(Ok(match operation {
            Operation::LeaveOpen {} => {
                self.leaves_open = true;
                Json::Null
            }
            Operation::StopOnError {} => {
                self.stops_on_error = true;
                Json::Null
            }
            Operation::Repeat { times, operations } => (0..times)
                .map(|_| self.perform_all(operations.clone()))
                .collect::<Result<_, _>>()?,
            _ => return Err("this is no operation on the guest itself".to_owned()),
        }))
    }

    fn use_cursor(&mut self, operation: Operation) -> Result<Answer, String> {
        match operation {
            Operation::OpenCursor(told) => {
                let statement = parse::statement(told)?;
                Ok(
                    sql::open_cursor(&statement.text, &statement.parameters).map(|cursor| {
                        self.cursors.push(Some(cursor));
                        json!(self.cursors.len() - 1)
                    }),
                )
            }
            Operation::CursorColumns { cursor } => {
                Ok(Ok(answer::columns(&self.cursor(cursor)?.columns())))
            }
            Operation::CursorNext { cursor, max_rows } => match self.cursor(cursor)?.next(max_rows)
            {
                Ok(rows) => rows.map_or(Ok(Json::Null), answer::rows).map(Ok),
                Err(error) => Ok(Err(error)),
            },
            Operation::DropCursor { cursor } => {
                self.cursor(cursor)?;
                self.cursors[cursor] = None;
                Ok(Ok(Json::Null))
            }
            _ => Err("this is no operation on cursors".to_owned()),
        }
    }

    fn cursor(&self, place: usize) -> Result<&sql::Cursor, String> {
        self.cursors
            .get(place)
            .and_then(Option::as_ref)
            .ok_or_else(|| format!("there is no cursor {place}"))
    }
}

fn read(operation: Operation) -> Result<Answer, String> {
    match operation {
        Operation::Select { table, selection } => {
            answer::row_set(reads::select(&table, &parse::selection(selection)?))
        }
        Operation::SelectOne {
            table,
            selection,
            unique,
        } => answer::row_set(reads::select_one(
            &table,
            &parse::selection(selection)?,
            unique,
        )),
        Operation::Count { table, filter } => {
            Ok(reads::count(&table, &parse::filter(filter)?).map(Json::from))
        }
        _ => Err("this is no operation that reads".to_owned()),
    }
}

fn write(operation: Operation) -> Result<Answer, String> {
    match operation {
        Operation::Insert {
            table,
            fields,
            returning,
        } => {
            let fields = parse::fields(fields)?;
            answer::statement(writes::insert(
                &table,
                &fields,
                &parse::returning(returning),
            ))
        }
        Operation::Upsert {
            table,
            fields,
            conflict,
            returning,
        } => {
            let (fields, conflict) = (parse::fields(fields)?, parse::conflict(conflict));
            answer::statement(writes::upsert(
                &table,
                &fields,
                &conflict,
                &parse::returning(returning),
            ))
        }
        Operation::Update {
            table,
            assignments,
            target,
            returning,
        } => {
            let (assignments, target) = (parse::assignments(assignments)?, parse::target(target)?);
            answer::statement(writes::update(
                &table,
                &assignments,
                &target,
                &parse::returning(returning),
            ))
        }
        Operation::Delete {
            table,
            target,
            returning,
        } => {
            let target = parse::target(target)?;
            answer::statement(writes::delete(
                &table,
                &target,
                &parse::returning(returning),
            ))
        }
        _ => Err("this is no operation that writes".to_owned()),
    }
}

fn write_batch(operation: Operation) -> Result<Answer, String> {
    match operation {
        Operation::BatchInsert {
            table,
            batch,
            conflict,
            returning,
        } => {
            let (batch, conflict) = (parse::batch(batch)?, conflict.map(parse::conflict));
            let returning = parse::returning(returning);
            answer::statement(writes::batch_insert(
                &table,
                &batch,
                conflict.as_ref(),
                &returning,
            ))
        }
        Operation::BatchUpdate {
            table,
            batch,
            key,
            returning,
        } => {
            let batch = parse::batch(batch)?;
            match writes::batch_update(&table, &batch, &key, &parse::returning(returning)) {
                Ok(result) => Ok(Ok(json!({
                    "count": result.count,
                    "not-found": result.not_found,
                    "rows": result.rows.map(answer::rows).transpose()?,
                }))),
                Err(error) => Ok(Err(error)),
            }
        }
        _ => Err("this is no operation that writes".to_owned()),
    }
}

fn run_sql(operation: Operation) -> Result<Answer, String> {
    match operation {
        Operation::Query(told) => {
            let statement = parse::statement(told)?;
            answer::row_set(sql::query(&statement.text, &statement.parameters))
        }
        Operation::Execute(told) => {
            let statement = parse::statement(told)?;
            Ok(sql::execute(&statement.text, &statement.parameters).map(Json::from))
        }
        Operation::Batch { statements } => {
            let statements = statements
                .into_iter()
                .map(parse::statement)
                .collect::<Result<Vec<_>, _>>()?;
            match sql::batch(&statements) {
                Ok(results) => {
                    let results = results
                        .into_iter()
                        .map(answer::result)
                        .collect::<Result<Vec<_>, _>>()?;
                    Ok(Ok(Json::Array(results)))
                }
                Err(error) => Ok(Err(error)),
            }
        }
        _ => Err("this is no operation of SQL".to_owned()),
    }
}

fn define(operation: Operation) -> Result<Answer, String> {
    Ok(match operation {
        Operation::CreateTable {
            table,
            definition,
            if_not_exists,
        } => {
            let definition = parse::table_definition(definition)?;
            schema::create_table(&table, &definition, if_not_exists).map(Json::Bool)
        }
        Operation::DropTable {
            table,
            if_exists,
            cascade,
        } => schema::drop_table(&table, if_exists, cascade).map(Json::Bool),
        Operation::Tables { schema } => schema::tables(schema.as_deref())
            .map(|tables| tables.iter().map(answer::entry).collect()),
        Operation::DescribeTable { table } => {
            schema::describe_table(&table).map(answer::description)
        }
        Operation::CreateDatabase {
            name,
            if_not_exists,
        } => databases::create_database(&name, if_not_exists).map(Json::Bool),
        _ => return Err("this is no operation on schemas".to_owned()),
    })
}

fn use_session(operation: Operation) -> Result<Answer, String> {
    Ok(Ok(match operation {
        Operation::SetResultFormat { format } => {
            session::set_result_format(match format {
                ResultFormat::Typed => session::ResultFormat::Typed,
                ResultFormat::Packed => session::ResultFormat::Packed,
            });
            Json::Null
        }
        Operation::SetStatementTimeout { milliseconds } => {
            session::set_statement_timeout(milliseconds);
            Json::Null
        }
        Operation::Info {} => answer::info(&session::info()),
        Operation::Setting { name } => json!(session::setting(&name)),
        Operation::Limits {} => {
            let limits = session::limits().into_iter();
            limits
                .map(|limit| json!([limit.name, limit.used, limit.maximum]))
                .collect()
        }
        Operation::Log {
            level,
            context,
            message,
        } => {
            logging::log(parse::level(&level)?, &context, &message);
            Json::Null
        }
        _ => return Err("this is no operation of a session".to_owned()),
    }))
}
