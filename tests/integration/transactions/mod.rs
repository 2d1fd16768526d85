//! Transactions.

mod faults;
