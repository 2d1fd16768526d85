//! What can be asked of tables without writing SQL: the requests of the contract, as plain types.

use super::value::Value;

/// A column and the value it gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The plain name of the column.
    pub column: String,
    /// Its value.
    pub value: Value<'static>,
}

/// A column and how an update changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The plain name of the column.
    pub column: String,
    /// What becomes of it.
    pub change: Change,
}

/// How an update changes a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Becomes this value.
    Set(Value<'static>),
    /// Grows by this number or interval, in the same statement.
    Add(Value<'static>),
    /// Becomes what the column holds when an insert does not say.
    Reset,
}

/// Which columns of the written rows come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returning {
    /// None: only the count comes back.
    Nothing,
    /// All of them, in the order of the table.
    AllColumns,
    /// These, in this order.
    Columns(Vec<String>),
}

/// One column, compared. A list of conditions means that all of them hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The plain name of the column.
    pub column: String,
    /// How it is compared.
    pub operator: Operator,
    /// As many values as the operator asks for.
    pub values: Vec<Value<'static>>,
    /// Conditions of one list with the same group are alternatives.
    pub group: Option<u32>,
}

/// How a column is compared. The contract says how many values each takes and what NULL means among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "named as in the contract, which describes each"
)]
pub enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Between,
    InList,
    NotInList,
    Like,
    NotLike,
    ILike,
    NotILike,
    Contains,
    IsNull,
    IsNotNull,
}

/// One step of the order of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordering {
    /// The plain name of the column.
    pub column: String,
    /// Whether the largest value comes first.
    pub descending: bool,
    /// Where NULLs go; the database's own place if absent.
    pub nulls: Option<Nulls>,
}

/// Where NULLs go in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// What to read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Selection {
    /// These columns, in this order; empty for all.
    pub columns: Vec<String>,
    /// All of these hold; empty for every row.
    pub filter: Vec<Condition>,
    /// The most significant first.
    pub order_by: Vec<Ordering>,
    /// At most this many rows; 0 is 0 rows.
    pub limit: Option<u64>,
    /// Skip this many rows first.
    pub offset: Option<u64>,
    /// Lock the rows until the transaction ends.
    pub lock: Option<RowLock>,
}

/// A lock on the rows that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowLock {
    /// How strong it is.
    pub strength: LockStrength,
    /// What to do about rows that another transaction holds.
    pub wait: LockWait,
}

/// How strong a row lock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockStrength {
    /// `FOR UPDATE`.
    Exclusive,
    /// `FOR SHARE`.
    Shared,
}

/// What to do about rows that another transaction holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockWait {
    /// Wait for them.
    Wait,
    /// Fail.
    NoWait,
    /// Leave them out.
    SkipLocked,
}

/// Which rows a write is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Those for which all conditions hold; an empty list is refused.
    Matching(Vec<Condition>),
    /// Really all of them.
    AllRows,
}

/// What to do with a row whose key is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The columns of the unique key that decides; empty for the primary key.
    pub key: Vec<String>,
    /// What happens then.
    pub action: ConflictAction,
}

/// What happens to a row whose key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictAction {
    /// Overwrite the given columns that are not part of the key.
    Update,
    /// Leave the row that is there.
    Keep,
}

/// A SQL text and the values of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlStatement {
    /// One statement.
    pub text: String,
    /// The value of `$1`, then of `$2`, and so on.
    pub parameters: Vec<Value<'static>>,
}

/// Many rows of the same table. A cell that is absent is the column's default in an insert.
///
/// A value may borrow from the buffer that it came in: a batch is the largest request there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<'a> {
    /// The plain names of the columns.
    pub columns: Vec<String>,
    /// Rows of as many cells each.
    pub rows: Vec<Vec<Option<Value<'a>>>>,
}

/// A table to be made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableDefinition {
    /// At least one.
    pub columns: Vec<ColumnDefinition>,
    /// The columns of the primary key; may be empty.
    pub primary_key: Vec<String>,
    /// Columns whose values together appear only once.
    pub unique_keys: Vec<UniqueKey>,
    /// References to rows of other tables.
    pub foreign_keys: Vec<ForeignKey>,
    /// Conditions that every row must satisfy.
    pub checks: Vec<Check>,
}

/// A column of a table to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDefinition {
    /// The plain name of the column.
    pub name: String,
    /// The type of its values, or of the elements if it is an array.
    pub data_type: DataType,
    /// An array of `data_type`.
    pub is_array: bool,
    /// `NOT NULL`.
    pub not_null: bool,
    /// What it holds when an insert does not say; NULL if absent.
    pub default: Option<DefaultValue>,
}

/// The type of a column, as in the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "named as in the contract, which describes each"
)]
pub enum DataType {
    Boolean,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Decimal,
    Numeric { precision: u32, scale: u32 },
    Text,
    Varchar(u32),
    Bytes,
    Uuid,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Json,
    Vector(u32),
    Inet,
    Bit(u32),
    Named(String),
}

/// What a column holds when an insert does not say.
#[derive(Debug, Clone, PartialEq)]
pub enum DefaultValue {
    /// A constant.
    Constant(Value<'static>),
    /// The start of the transaction.
    CurrentTimestamp,
    /// A random version 4 UUID.
    RandomUuid,
    /// A number that no other row has.
    UniqueId,
}

/// Columns whose values together appear only once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueKey {
    /// The database chooses if absent.
    pub name: Option<String>,
    /// At least one.
    pub columns: Vec<String>,
}

/// Columns that refer to a row of another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The database chooses if absent.
    pub name: Option<String>,
    /// At least one.
    pub columns: Vec<String>,
    /// The other table.
    pub referenced_table: String,
    /// As many as `columns`; empty for the primary key of that table.
    pub referenced_columns: Vec<String>,
    /// What happens when the row referred to goes.
    pub on_delete: ReferentialAction,
    /// What happens when the row referred to changes its key.
    pub on_update: ReferentialAction,
}

/// What happens to a row when the row that it refers to goes or changes its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferentialAction {
    /// The change is refused.
    NoAction,
    /// The same happens to this row.
    Cascade,
    /// The columns become NULL.
    SetNull,
    /// The columns become their defaults.
    SetDefault,
}

/// A condition that every row must satisfy.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The database chooses if absent.
    pub name: Option<String>,
    /// At least one; all must hold.
    pub conditions: Vec<Condition>,
}
