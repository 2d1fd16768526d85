//! The errors of the contract. A test compares their names with the contract's own.

use super::{
    Fault::{Database, Host, Nobody, Operator, Plugin},
    Row,
};

/// The cases of `error`.
pub(super) const ERRORS: &[Row] = &[
    (
        "retry",
        Nobody,
        "The transaction lost a race against another one, or its connection, and is over. Nothing of it was kept.",
        "Pass the error on without catching it: an operation, or a run with --transaction, begins again in a fresh instance, whatever the \
         plugin makes of the error. After a transaction of its own, `restart` begins the next attempt.",
    ),
    (
        "attempts-exhausted",
        Database,
        "A transaction lost every one of its attempts, or the deadline is too near for another. Nothing was kept.",
        "Try again later. Shorter transactions that touch fewer rows collide less; --max-retries allows more attempts. The summary names \
         the reasons and the tables.",
    ),
    (
        "ambiguous-commit",
        Database,
        "The commit was sent and no clear answer came. The change may or may not be there.",
        "Never repeat it blindly: read back first, or make the change such that a second time does no harm, as with an upsert. After \
         `host check --prepare` the host finds out by itself what became of the transactions that it runs.",
    ),
    (
        "database",
        Plugin,
        "The database refused the statement.",
        "Its `kind` says why, in one word that has a paragraph of its own here; `sqlstate` says it precisely.",
    ),
    (
        "invalid",
        Plugin,
        "The request itself is wrong and will never work. The database was not asked.",
        "The text says what is wrong: a bad name, an empty filter, a second statement in one text.",
    ),
    (
        "conversion",
        Plugin,
        "A value does not fit the type that it met, on its way to the database or back.",
        "The error names column, row and type. Send a value of the column's type, or cast in SQL.",
    ),
    (
        "denied",
        Operator,
        "The plugin was not granted this, the table belongs to the database or to the host, or it cannot be done inside a transaction.",
        "The text says which. A grant that it names is given with --grant or in the configuration, if the plugin is to have it; what cannot \
         be done inside a transaction is done before or after it.",
    ),
    (
        "limit",
        Plugin,
        "The call reached a limit of the host.",
        "Its `name` is the limit, which has a paragraph of its own here. Ask for less at a time, or have the limit raised.",
    ),
    (
        "timeout",
        Database,
        "A step took too long. A statement that was running was cancelled on the server.",
        "Its case is the step, which has a paragraph of its own here.",
    ),
    (
        "unavailable",
        Operator,
        "The database cannot be reached. Nothing was done.",
        "The log has the cause. `host check` shows how far it comes; trying again later may work.",
    ),
    (
        "busy",
        Operator,
        "All connections or transactions of this tenant are in use, and this call does not wait for one. Nothing was done.",
        "Hold fewer cursors and transactions at once, raise `max_connections` of the database, or try again later.",
    ),
    (
        "closed",
        Plugin,
        "The handle is spent: its transaction or cursor is over. It was committed, rolled back or dropped, or an error before this one ended it.",
        "Begin another one. If an error ended it, that is the one to look at.",
    ),
    (
        "rejected",
        Plugin,
        "The operation that `transactions.run` called returned this error of its own. Its transaction was rolled back.",
        "The text is the operation's; what it means is between the two.",
    ),
    (
        "trapped",
        Plugin,
        "The operation that `transactions.run` called was stopped by the sandbox: it crashed or ran into a limit. Its transaction was \
         rolled back.",
        "The text says why; its last words are in the log.",
    ),
    (
        "other",
        Host,
        "This version of the contract has no case for it, such as `unexpected-answer` for a database that answers what it should not.",
        "The text begins with a dotted code and says more. If it makes no sense, please report it.",
    ),
];

/// The cases of `database-error-kind`.
pub(super) const DATABASE_ERRORS: &[Row] = &[
    (
        "unique-violation",
        Plugin,
        "A row with this key is there already.",
        "Consider an upsert. `constraint` names the key, `detail` its value.",
    ),
    (
        "foreign-key-violation",
        Plugin,
        "The row that is referred to is missing, or the row is still referred to.",
        "Insert the other row first, or remove what refers to this one.",
    ),
    (
        "not-null-violation",
        Plugin,
        "A column that must have a value is NULL or was left out.",
        "Give it a value, or give the column a default. `column` names it.",
    ),
    (
        "check-violation",
        Plugin,
        "A check of the table refused the row.",
        "`constraint` names the check. Send what it allows.",
    ),
    (
        "constraint-violation",
        Plugin,
        "Another constraint of the table refused the row, such as an exclusion.",
        "`constraint` names it, `detail` says more.",
    ),
    (
        "cardinality-violation",
        Plugin,
        "There were more rows than one where one was promised, as in a subquery that is used as a value.",
        "Make the subquery find one row, with a condition or a limit.",
    ),
    (
        "serialization-failure",
        Nobody,
        "The transaction lost a race against another one.",
        "Pass the error on: the host runs the work again where it can, and says `retry` where the plugin has to return first.",
    ),
    (
        "transaction-aborted",
        Plugin,
        "An earlier statement of this transaction failed, and nothing more is done in it.",
        "Pass the first error on, or put a savepoint around what may fail.",
    ),
    (
        "read-only",
        Plugin,
        "It was a write, and the transaction only reads.",
        "Write outside of it, or ask for a transaction that writes.",
    ),
    (
        "data-exception",
        Plugin,
        "A value cannot be computed or read: out of range, a division by zero, text that is no number.",
        "Check values before they reach the statement; the message says which it is.",
    ),
    (
        "syntax-error",
        Plugin,
        "The statement is not SQL that this database knows, or its types do not fit together.",
        "`position` is the place in the text. A parameter inside a free expression needs a cast, as in $1::int8.",
    ),
    (
        "undefined-table",
        Operator,
        "There is no such table, schema or database, or not where the role looks for it.",
        "Make it, or name it with its schema. `host check` says which schema the role looks in.",
    ),
    (
        "undefined-column",
        Plugin,
        "The table has no such column.",
        "Check the name: names are compared exactly, upper and lower case included.",
    ),
    (
        "undefined-object",
        Plugin,
        "There is no such function, operator or type, or none for these types of arguments.",
        "Check the name, and cast the arguments to the types that it takes.",
    ),
    (
        "duplicate-object",
        Plugin,
        "Something of this name exists already.",
        "Use another name, or ask to do nothing if it exists.",
    ),
    (
        "insufficient-privilege",
        Operator,
        "The database's role may not do this.",
        "If the plugin is to do it, GRANT it to the role. `host check` names the role.",
    ),
    (
        "not-supported",
        Plugin,
        "This database cannot do this.",
        "Do it in another way; PostgreSQL and CockroachDB differ here and there.",
    ),
    (
        "lock-not-available",
        Nobody,
        "The row is locked by another transaction, and the statement asked not to wait.",
        "Try again, or wait for the lock.",
    ),
    (
        "cancelled",
        Database,
        "The statement was cancelled, by an administrator or by a limit of the server.",
        "Ask who cancelled it, or look at the server's own statement timeout.",
    ),
    (
        "insufficient-resources",
        Database,
        "The server is out of memory, disk or connections.",
        "Look at the server. Smaller statements need less; trying again later may work.",
    ),
    (
        "other",
        Plugin,
        "The server says something else.",
        "Look up `sqlstate` in the documentation of the database; the message is the server's own.",
    ),
];

/// The cases of `timeout-step`.
pub(super) const TIMEOUT_STEPS: &[Row] = &[
    (
        "waiting",
        Operator,
        "No connection of the pool came free in time.",
        "Raise `max_connections` or `acquire_timeout` of the database, or run fewer plugins at once.",
    ),
    (
        "connecting",
        Operator,
        "The server did not answer a new connection in time.",
        "Look at the server and at the network; `host check` shows how far it comes.",
    ),
    (
        "executing",
        Database,
        "A statement took longer than limit `statement-timeout` allows, or than the plugin asked for.",
        "Find out what it waits for or why it is slow, or raise the limit.",
    ),
    (
        "holding",
        Plugin,
        "A transaction was open for longer than limit `transaction-timeout` allows, counted from its first statement. It was rolled back.",
        "Do less in it; compute before it begins. What is one piece of work and takes long needs a higher limit.",
    ),
    (
        "idling",
        Plugin,
        "A transaction was open and not used for longer than limit `idle-in-transaction` allows. It was rolled back.",
        "Compute before it begins: what it holds, others wait for.",
    ),
    (
        "attempting",
        Plugin,
        "All attempts at a transaction, and the waits between them, took longer than the timeout of its own options. It was rolled back.",
        "Give it more time in its options, or leave the timeout out: then the run's own is the bound.",
    ),
    (
        "running",
        Plugin,
        "The run as a whole is at its deadline.",
        "The summary's reason says where the time went. Raise it with --timeout.",
    ),
];
