//! What the guest can be told.

use serde::Deserialize;

use crate::value::Given;

/// One call of the contract. Names and fields are those of the WIT.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    tag = "call",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub(crate) enum Operation {
    Select {
        table: String,
        #[serde(default)]
        selection: Selection,
    },
    SelectOne {
        table: String,
        #[serde(default)]
        selection: Selection,
        #[serde(default)]
        unique: bool,
    },
    Count {
        table: String,
        #[serde(default)]
        filter: Vec<Condition>,
    },
    Insert {
        table: String,
        #[serde(default)]
        fields: Vec<(String, Given)>,
        #[serde(default)]
        returning: Returning,
    },
    Upsert {
        table: String,
        fields: Vec<(String, Given)>,
        conflict: Conflict,
        #[serde(default)]
        returning: Returning,
    },
    Update {
        table: String,
        assignments: Vec<Assignment>,
        target: Target,
        #[serde(default)]
        returning: Returning,
    },
    Delete {
        table: String,
        target: Target,
        #[serde(default)]
        returning: Returning,
    },
    BatchInsert {
        table: String,
        batch: Batch,
        conflict: Option<Conflict>,
        #[serde(default)]
        returning: Returning,
    },
    BatchUpdate {
        table: String,
        batch: Batch,
        key: Vec<String>,
        #[serde(default)]
        returning: Returning,
    },
    Query(Statement),
    Execute(Statement),
    Batch {
        statements: Vec<Statement>,
    },
    /// The cursor becomes the last of those that are open.
    OpenCursor(Statement),
    /// Of the cursor with this place among all that were opened.
    CursorColumns {
        cursor: usize,
    },
    CursorNext {
        cursor: usize,
        max_rows: u32,
    },
    DropCursor {
        cursor: usize,
    },
    CreateTable {
        table: String,
        definition: TableDefinition,
        #[serde(default)]
        if_not_exists: bool,
    },
    DropTable {
        table: String,
        #[serde(default)]
        if_exists: bool,
        #[serde(default)]
        cascade: bool,
    },
    Tables {
        schema: Option<String>,
    },
    DescribeTable {
        table: String,
    },
    CreateDatabase {
        name: String,
        #[serde(default)]
        if_not_exists: bool,
    },
    SetResultFormat {
        format: ResultFormat,
    },
    SetStatementTimeout {
        milliseconds: u32,
    },
    Info {},
    Setting {
        name: String,
    },
    Limits {},
    Log {
        level: String,
        #[serde(default)]
        context: String,
        message: String,
    },
    /// `transactions.run`. These operations are the input: the export `operation` does them, and its output is the answer.
    Run {
        #[serde(default = "told")]
        name: String,
        #[serde(default)]
        operations: Vec<serde_json::Value>,
        /// Instead of operations: any text.
        input: Option<String>,
        options: Option<TransactionOptions>,
    },
    /// The answer is the place of the transaction, from 0, among all that were begun.
    Begin {
        options: Option<TransactionOptions>,
    },
    Commit(Handle),
    Rollback(Handle),
    Restart(Handle),
    Attempt(Handle),
    DropTransaction(Handle),
    /// Not of the contract, as all that follow: handles are not dropped at the end, as in languages that forget it.
    LeaveOpen {},
    /// From now on the first error ends this instance, and is its error.
    StopOnError {},
    Repeat {
        times: u32,
        operations: Vec<Self>,
    },
    /// Both clocks: microseconds since 1970 and nanoseconds since whenever.
    Clock {},
    /// Sixteen bytes of every source of randomness.
    Random {},
    /// Draws a number and reads the clock, and keeps both in sequences that are named after the attempt: those outlive a rollback.
    Remember {},
    Sleep {
        milliseconds: u64,
    },
    /// Computes, and never ends.
    Spin {},
    /// Takes memory, and never ends.
    Hoard {},
    Exit {
        code: i32,
    },
    /// Returns an error of its own.
    Fail {
        message: String,
    },
    Panic {
        message: String,
    },
}

fn told() -> String {
    "told".to_owned()
}

/// The place of a transaction. Left out, it is the last that was begun and neither committed, rolled back nor dropped.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handle {
    pub(crate) transaction: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct TransactionOptions {
    pub(crate) max_retries: Option<u32>,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) isolation: Option<Isolation>,
    pub(crate) read_only: bool,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) resolve_ambiguous: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Isolation {
    Serializable,
    ReadCommitted,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Snapshot {
    FollowerRead,
    /// Microseconds since 1970.
    At(i64),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Selection {
    pub(crate) columns: Vec<String>,
    pub(crate) filter: Vec<Condition>,
    pub(crate) order_by: Vec<Ordering>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
    /// Strength and wait, as `["exclusive", "no-wait"]`.
    pub(crate) lock: Option<(String, String)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    pub(crate) column: String,
    pub(crate) operator: String,
    #[serde(default)]
    pub(crate) values: Vec<Given>,
    pub(crate) group: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ordering {
    pub(crate) column: String,
    #[serde(default)]
    pub(crate) descending: bool,
    /// `first` or `last`.
    pub(crate) nulls: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Returning {
    #[default]
    Nothing,
    AllColumns,
    Columns(Vec<String>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    Matching(Vec<Condition>),
    AllRows,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conflict {
    #[serde(default)]
    pub(crate) key: Vec<String>,
    #[serde(default)]
    pub(crate) keep: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assignment {
    pub(crate) column: String,
    pub(crate) change: Change,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Change {
    Set(Given),
    Add(Given),
    Reset,
}

/// Columns and rows. A cell that is left out is `["missing"]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<serde_json::Value>>,
    /// In the packed form.
    #[serde(default)]
    pub(crate) packed: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) parameters: Vec<Given>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ResultFormat {
    Typed,
    Packed,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct TableDefinition {
    pub(crate) columns: Vec<Column>,
    #[serde(default)]
    pub(crate) primary_key: Vec<String>,
    #[serde(default)]
    pub(crate) unique_keys: Vec<Vec<String>>,
    #[serde(default)]
    pub(crate) foreign_keys: Vec<ForeignKey>,
    #[serde(default)]
    pub(crate) checks: Vec<Vec<Condition>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    #[serde(default)]
    pub(crate) is_array: bool,
    #[serde(default)]
    pub(crate) not_null: bool,
    pub(crate) default_value: Option<DefaultValue>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DataType {
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Decimal,
    Numeric(u32, u32),
    Text,
    Varchar(u32),
    Bytes,
    Uuid,
    Date,
    Time,
    Timetz,
    Timestamp,
    Timestamptz,
    Interval,
    Json,
    Vector(u32),
    Inet,
    Bit(u32),
    Named(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DefaultValue {
    Constant(Given),
    CurrentTimestamp,
    RandomUuid,
    UniqueId,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ForeignKey {
    pub(crate) name: Option<String>,
    pub(crate) columns: Vec<String>,
    pub(crate) referenced_table: String,
    #[serde(default)]
    pub(crate) referenced_columns: Vec<String>,
    /// `cascade`, `set-null`, `set-default`, or else no action.
    pub(crate) on_delete: Option<String>,
    pub(crate) on_update: Option<String>,
}
