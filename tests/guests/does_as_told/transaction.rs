//! The calls of `transactions`, and the handles that they give.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "this file performs its own kind of operation"
)]

use chitin::bindings::chitin::db::transactions::{self, Transaction};
use serde_json::{Value as Json, json};

use crate::operation::{Handle, Operation};
use crate::parse;
use crate::perform::Answer;

/// All transactions that were begun, in this order.
#[derive(Default)]
pub(crate) struct Transactions(Vec<Begun>);

struct Begun {
    /// None after it was dropped.
    handle: Option<Transaction>,
    /// Committed or rolled back, and not begun again.
    ended: bool,
}

impl Transactions {
    /// Does as it is told.
    pub(crate) fn perform(&mut self, operation: Operation) -> Result<Answer, String> {
        match operation {
            Operation::Run {
                name,
                operations,
                input,
                options,
            } => {
                let input = input.unwrap_or_else(|| Json::Array(operations).to_string());
                let options = options.map(parse::transaction_options);
                let output = transactions::run(&name, &input, options);
                Ok(output
                    .map(|text| serde_json::from_str(&text).unwrap_or_else(|_| Json::String(text))))
            }
            Operation::Begin { options } => {
                let options = options.map(parse::transaction_options);
                Ok(transactions::begin(options).map(|handle| {
                    self.0.push(Begun {
                        handle: Some(handle),
                        ended: false,
                    });
                    json!(self.0.len() - 1)
                }))
            }
            Operation::Commit(place) => self.end(place, Transaction::commit),
            Operation::Rollback(place) => self.end(place, Transaction::rollback),
            Operation::Restart(place) => {
                let place = self.place(place)?;
                let restarted = self.handle(place)?.restart();
                self.0[place].ended &= restarted.is_err();
                Ok(restarted.map(|()| Json::Null))
            }
            Operation::Attempt(place) => {
                let place = self.place(place)?;
                Ok(Ok(self.handle(place)?.attempt().into()))
            }
            Operation::DropTransaction(place) => {
                let place = self.place(place)?;
                self.handle(place)?;
                self.0[place].handle = None;
                Ok(Ok(Json::Null))
            }
            _ => Err("this is no operation on transactions".to_owned()),
        }
    }

    fn end<E>(
        &mut self,
        place: Handle,
        end: impl Fn(&Transaction) -> Result<(), E>,
    ) -> Result<Result<Json, E>, String> {
        let place = self.place(place)?;
        let ended = end(self.handle(place)?);
        self.0[place].ended |= ended.is_ok();
        Ok(ended.map(|()| Json::Null))
    }

    fn place(&self, Handle { transaction }: Handle) -> Result<usize, String> {
        let is_open = |begun: &Begun| begun.handle.is_some() && !begun.ended;
        transaction
            .or_else(|| self.0.iter().rposition(is_open))
            .ok_or_else(|| "there is no transaction".to_owned())
    }

    fn handle(&self, place: usize) -> Result<&Transaction, String> {
        self.0
            .get(place)
            .and_then(|begun| begun.handle.as_ref())
            .ok_or_else(|| format!("there is no transaction {place}"))
    }
}

/// As Rust does with variables: the last comes first.
impl Drop for Transactions {
    fn drop(&mut self) {
        while self.0.pop().is_some() {}
    }
}
