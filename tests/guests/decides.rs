//! Decides by what it reads, and writes something else: what write skew is made of. Between the two it waits for the lock on a row of
//! `gates (id)`, if it is told to.

use chitin::{Result, RowLock, add, eq, json, operation, set, table};
use guests::{Script, Told};
use serde::{Deserialize, Serialize};

chitin::plugin!(run, operations: [decide]);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Decision {
    #[serde(flatten)]
    choice: Choice,
    gate: Option<i64>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    /// A doctor goes home, if another one of the shift stays: `doctors (shift, id, on_call)`.
    Leave { shift: i64, doctor: i64 },
    /// Takes an amount from one of two accounts, if both together hold it: `savings (customer, account, balance)`.
    Withdraw {
        customer: i64,
        account: i64,
        amount: i64,
    },
    /// Claims a key in a table, if it is claimed in neither: `left_claims (id, key)` and `right_claims (id, key)`.
    Claim { key: i64, id: i64, side: Side },
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Side {
    Left,
    Right,
}

fn run(script: Script<Decision>) -> Result<Vec<Told<()>>> {
    guests::play(script, decide::with, decide::here)
}

#[operation]
fn decide(Decision { choice, gate }: Decision) -> Result<()> {
    let may = may(choice)?;
    if let Some(gate) = gate {
        let gate = table("gates").filter(eq("id", gate));
        gate.lock(RowLock::for_update()).select_one()?;
    }
    if may {
        write(choice)
    } else {
        Err("it may not".into())
    }
}

fn may(choice: Choice) -> Result<bool> {
    Ok(match choice {
        Choice::Leave { shift, .. } => {
            let on_call = table("doctors").filter(eq("shift", shift));
            on_call.filter(eq("on_call", true)).count()? >= 2
        }
        Choice::Withdraw {
            customer, amount, ..
        } => {
            let savings = table("savings").filter(eq("customer", customer));
            let mut sum = 0;
            for row in savings.select()? {
                sum += row.get::<i64>("balance")?;
            }
            sum >= amount
        }
        Choice::Claim { key, .. } => {
            let mut claims = 0;
            for side in [Side::Left, Side::Right] {
                claims += table(side.table()).filter(eq("key", key)).select()?.len();
            }
            claims == 0
        }
    })
}

fn write(choice: Choice) -> Result<()> {
    match choice {
        Choice::Leave { shift, doctor } => {
            let doctors = table("doctors").filter(eq("shift", shift));
            let doctor = doctors.filter(eq("id", doctor));
            doctor.update([set("on_call", false)])?;
        }
        Choice::Withdraw {
            customer,
            account,
            amount,
        } => {
            let savings = table("savings").filter(eq("customer", customer));
            let account = savings.filter(eq("account", account));
            account.update([add("balance", -amount)])?;
        }
        Choice::Claim { key, id, side } => {
            table(side.table()).insert(&json!({ "id": id, "key": key }))?;
        }
    }
    Ok(())
}

impl Side {
    fn table(self) -> &'static str {
        match self {
            Self::Left => "left_claims",
            Self::Right => "right_claims",
        }
    }
}
