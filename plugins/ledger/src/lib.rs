//! A ledger: accounts, transfers between them, and statements of account. Money is whole numbers of its smallest unit.
//!
//! Whatever changes a balance is an operation: the host runs it in a transaction, and again after a conflict. It can read,
//! decide and write as if nobody else were there.

use chitin::{
    AllColumns, Conflict, Error, Result, RowLock, TransactionOptions, asc, desc, eq, json, lt,
    one_of, operation, table,
};
use serde::{Deserialize, Serialize};

chitin::plugin!(run, operations: [open, transfer, statement]);

/// What the ledger is to do.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    Open(Opening),
    Transfer(Order),
    /// Of one account.
    Balance(String),
    /// Of all these accounts, at the same instant.
    Balances(Vec<String>),
    Statement(Request),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Account(Account),
    Accounts(Vec<Account>),
    Receipt(Receipt),
    Statement(Statement),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    account: String,
    /// As the account has that money comes from.
    #[serde(default)]
    may_overdraw: bool,
}

/// A row of `accounts`.
#[derive(Serialize, Deserialize)]
struct Account {
    id: String,
    balance: i64,
    may_overdraw: bool,
    /// How many entries its statement has.
    entries: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    /// Chosen by whoever gives the order. Under one key, money is moved once.
    key: String,
    payer: String,
    payee: String,
    amount: i64,
}

/// A row of `transfers`.
#[derive(Serialize, Deserialize)]
struct Receipt {
    #[serde(flatten)]
    order: Order,
    made_at: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    account: String,
    /// Entries with lower numbers than this; left out, the latest.
    before: Option<i64>,
    /// At most so many entries.
    #[serde(default = "a_page")]
    limit: u64,
}

fn a_page() -> u64 {
    100
}

#[derive(Serialize, Deserialize)]
struct Statement {
    account: Account,
    /// The latest first.
    entries: Vec<Entry>,
}

/// A row of `entries`: what a transfer did to an account.
#[derive(Serialize, Deserialize)]
struct Entry {
    account: String,
    number: i64,
    transfer: String,
    /// The other account of the transfer.
    other: String,
    amount: i64,
    /// What the account had afterwards.
    balance: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_at: Option<String>,
}

fn run(command: Command) -> Result<Answer> {
    Ok(match command {
        Command::Open(opening) => Answer::Account(open(opening)?),
        Command::Transfer(order) => Answer::Receipt(transfer_surely(order)?),
        Command::Balance(account) => Answer::Account(Account::read(&account)?),
        Command::Balances(accounts) => {
            let accounts = table("accounts")
                .filter(one_of("id", accounts))
                .order_by(asc("id"));
            Answer::Accounts(accounts.select()?.deserialize()?)
        }
        Command::Statement(request) => {
            let reading = TransactionOptions::new().read_only();
            Answer::Statement(statement::with(reading, request)?)
        }
    })
}

/// It may be unknown whether a commit has happened whose answer was lost. The key makes it safe to just ask again.
fn transfer_surely(order: Order) -> Result<Receipt> {
    match transfer(order.clone()) {
        Err(error) if error.is_ambiguous_commit() => transfer(order),
        result => result,
    }
}

/// Opens an account, or finds it opened in the same way before.
#[operation]
fn open(opening: Opening) -> Result<Account> {
    let Opening {
        account,
        may_overdraw,
    } = opening;
    let row = json!({ "id": account, "may_overdraw": may_overdraw });
    table("accounts").upsert(&row, &Conflict::keep(["id"]))?;
    let account = Account::read(&account)?;
    if account.may_overdraw == may_overdraw {
        Ok(account)
    } else {
        Err(format!(
            "account `{}` is there already, and differs in `may_overdraw`",
            account.id
        )
        .into())
    }
}

#[operation]
fn transfer(order: Order) -> Result<Receipt> {
    order.check()?;
    let [mut payer, mut payee] = lock(&order.payer, &order.payee)?;
    let kept = Conflict::keep(["key"]);
    let Some(receipt) = table("transfers").upsert_returning(&order, &kept, AllColumns)? else {
        return order.receipt();
    };
    let entries = [
        payer.book(&order, &payee.id, -order.amount)?,
        payee.book(&order, &payer.id, order.amount)?,
    ];
    table("accounts").batch_update([payer, payee], ["id"])?;
    table("entries").batch_insert(&entries)?;
    receipt.deserialize()
}

/// Both accounts, and nobody else changes them now. All transfers lock in the same order: of two that are crosswise, one waits for
/// the other.
fn lock(payer: &str, payee: &str) -> Result<[Account; 2]> {
    let both = table("accounts").filter(one_of("id", [payer, payee]));
    let locked = both
        .order_by(asc("id"))
        .lock(RowLock::for_update())
        .select()?;
    let mut accounts: Vec<Account> = locked.deserialize()?;
    let mut take = |id| match accounts.iter().position(|account| account.id == id) {
        Some(place) => Ok(accounts.swap_remove(place)),
        None => Err(unknown(id)),
    };
    Ok([take(payer)?, take(payee)?])
}

fn unknown(account: &str) -> Error {
    Error::message(format_args!("there is no account `{account}`"))
}

/// The account and its entries, from one and the same instant.
#[operation]
fn statement(request: Request) -> Result<Statement> {
    let account = Account::read(&request.account)?;
    let before = request.before.unwrap_or(i64::MAX);
    let entries = table("entries")
        .filter(eq("account", request.account))
        .filter(lt("number", before))
        .order_by(desc("number"))
        .limit(request.limit);
    Ok(Statement {
        account,
        entries: entries.select()?.deserialize()?,
    })
}

impl Account {
    fn read(id: &str) -> Result<Self> {
        match table("accounts").filter(eq("id", id)).select_unique()? {
            Some(row) => row.deserialize(),
            None => Err(unknown(id)),
        }
    }

    /// Changes the balance, and gives the entry that says so.
    fn book(&mut self, order: &Order, other: &str, amount: i64) -> Result<Entry> {
        let balance = self.balance.checked_add(amount);
        let Some(balance) = balance.filter(|balance| *balance >= 0 || self.may_overdraw) else {
            let Self { id, balance, .. } = self;
            return Err(
                format!("account `{id}` has {balance}: it cannot be changed by {amount}").into(),
            );
        };
        self.balance = balance;
        self.entries += 1;
        Ok(Entry {
            account: self.id.clone(),
            number: self.entries,
            transfer: order.key.clone(),
            other: other.to_owned(),
            amount,
            balance,
            made_at: None,
        })
    }
}

impl Order {
    fn check(&self) -> Result<()> {
        if self.key.is_empty() {
            return Err("a transfer needs a key, so that it can be repeated safely".into());
        }
        if self.amount <= 0 {
            return Err(format!(
                "{} is no amount to transfer: it must be positive",
                self.amount
            )
            .into());
        }
        if self.payer == self.payee {
            return Err(format!("account `{}` cannot pay itself", self.payer).into());
        }
        Ok(())
    }

    /// Of the same order, given before. Another order under the same key is a mistake.
    fn receipt(&self) -> Result<Receipt> {
        let transfer = table("transfers").filter(eq("key", self.key.as_str()));
        let Some(row) = transfer.select_unique()? else {
            return Err(format!("transfer `{}` was there, and is no more", self.key).into());
        };
        let receipt: Receipt = row.deserialize()?;
        if receipt.order == *self {
            return Ok(receipt);
        }
        let Self {
            key,
            payer,
            payee,
            amount,
        } = receipt.order;
        Err(format!(
            "the key `{key}` is taken by another transfer, of {amount} from `{payer}` to `{payee}`"
        )
        .into())
    }
}
