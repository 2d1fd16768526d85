#![doc = include_str!("../../../TRANSACTIONS.md")]

mod handle;
mod options;

pub use handle::{Transaction, transaction, transaction_with};
pub use options::{Isolation, TransactionOptions};
