//! Moves money between the `accounts (id, balance)` and enters that in `transfers (id, debit, credit, amount)`; and reads all balances.

use chitin::{Result, asc, eq, ge, json, lt, operation, set, table};
use guests::{Script, Told};
use serde::{Deserialize, Serialize};

chitin::plugin!(run, operations: [perform]);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Business {
    /// Answers what both accounts hold then.
    Transfer {
        id: i64,
        from: i64,
        to: i64,
        amount: i64,
    },
    /// All balances, by two reads: of the accounts below this one, and of the others.
    Audit { middle: i64 },
}

fn run(script: Script<Business>) -> Result<Vec<Told<Vec<i64>>>> {
    guests::play(script, perform::with, perform::here)
}

#[operation]
fn perform(business: Business) -> Result<Vec<i64>> {
    match business {
        Business::Transfer {
            id,
            from,
            to,
            amount,
        } => {
            let balances = [balance(from)? - amount, balance(to)? + amount];
            if balances[0] < 0 {
                return Err("the account does not hold as much".into());
            }
            for (account, balance) in [from, to].into_iter().zip(balances) {
                let account = table("accounts").filter(eq("id", account));
                account.update([set("balance", balance)])?;
            }
            let entry = json!({ "id": id, "debit": from, "credit": to, "amount": amount });
            table("transfers").insert(&entry)?;
            Ok(balances.to_vec())
        }
        Business::Audit { middle } => {
            let mut balances = Vec::new();
            for half in [lt("id", middle), ge("id", middle)] {
                let half = table("accounts").filter(half).columns(["balance"]);
                for row in half.order_by(asc("id")).select()? {
                    balances.push(row.get("balance")?);
                }
            }
            Ok(balances)
        }
    }
}

fn balance(account: i64) -> Result<i64> {
    let account = table("accounts").filter(eq("id", account));
    match account.columns(["balance"]).select_one()? {
        Some(row) => row.get("balance"),
        None => Err("there is no such account".into()),
    }
}
