//! The SQL of every request, in files. Where a function does not ask which database it writes for, both get the same.

mod conditions;
mod databases;
mod inspect;
mod reads;
mod refused_tables;
mod tables;
mod writes;

use std::fmt::Write as _;

use super::Statement;
use crate::database::{Condition, Error, Operator, ServerKind, Target, Value};

/// Both databases, and the end of the name of a file of golden SQL for each.
const BOTH: [(ServerKind, &str); 2] = [
    (ServerKind::CockroachDb, "cockroachdb"),
    (ServerKind::PostgreSql, "postgresql"),
];

/// Statements and refusals, as they are kept.
#[derive(Default)]
pub(super) struct Golden(pub(super) String);

impl Golden {
    pub(super) fn add(&mut self, name: &str, statement: Result<Statement<'_>, Error>) {
        writeln!(self.0, "-- {name}").ok();
        match statement {
            Err(error) => {
                writeln!(self.0, "{error}\n").ok();
            }
            Ok(Statement {
                sql,
                parameters,
                places,
                ..
            }) => {
                writeln!(self.0, "{sql}").ok();
                for (number, parameter) in parameters.iter().enumerate() {
                    let place = places.get(number).map(|place| {
                        let row = place
                            .row
                            .map(|row| format!(" row {row}"))
                            .unwrap_or_default();
                        format!(" for {}{row}", place.column)
                    });
                    writeln!(
                        self.0,
                        "   ${} {}{}: {}",
                        number + 1,
                        parameter.data_type.name(),
                        place.unwrap_or_default(),
                        parameter.text.as_deref().unwrap_or("NULL")
                    )
                    .ok();
                }
                self.0.push('\n');
            }
        }
    }

    pub(super) fn check(&self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, self.0));
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

fn condition(column: &str, operator: Operator, values: &[Value<'static>]) -> Condition {
    Condition {
        column: column.to_owned(),
        operator,
        values: values.to_vec(),
        group: None,
    }
}

fn matching(condition: Condition) -> Target {
    Target::Matching(vec![condition])
}
