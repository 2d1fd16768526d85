//! Tables: [`create_table`], [`drop_table`], and what is there.

use crate::Result;
use crate::bindings::chitin::db::schema as contract;
pub use crate::bindings::chitin::db::schema::{
    ColumnDescription, DataType, NumericSize, ReferentialAction, TableDescription, TableEntry,
    TableKind,
};
use crate::condition::{Condition, filter};
use crate::value::Value;

/// A table that is to be made, column by column.
///
/// ```no_run
/// use chitin::{Column, create_table};
///
/// let made = create_table("users")
///     .column(Column::int64("id").primary_key().unique_id())
///     .column(Column::text("email").not_null().unique())
///     .column(Column::boolean("active").not_null().default(true))
///     .column(Column::timestamptz("created_at").not_null().now())
///     .if_not_exists()
///     .run()?;
/// # Ok::<(), chitin::Error>(())
/// ```
pub fn create_table(name: impl Into<String>) -> CreateTable {
    CreateTable {
        name: name.into(),
        ..CreateTable::default()
    }
}

/// A table that is to be made. See [`create_table`].
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "the table is not made before `run`"]
pub struct CreateTable {
    name: String,
    columns: Vec<Column>,
    primary_key: Vec<String>,
    unique_keys: Vec<(Option<String>, Vec<String>)>,
    foreign_keys: Vec<ForeignKey>,
    checks: Vec<(Option<String>, Vec<Condition>)>,
    if_not_exists: bool,
}

impl CreateTable {
    /// The next column.
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// A primary key of several columns. A key of one column is said at the column.
    pub fn primary_key<Name: Into<String>>(
        mut self,
        columns: impl IntoIterator<Item = Name>,
    ) -> Self {
        self.primary_key.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Columns whose values together appear only once.
    pub fn unique<Name: Into<String>>(mut self, columns: impl IntoIterator<Item = Name>) -> Self {
        self.unique_keys
            .push((None, columns.into_iter().map(Into::into).collect()));
        self
    }

    /// Columns whose values together appear only once, under a name that errors repeat.
    pub fn unique_named<Name: Into<String>>(
        mut self,
        name: impl Into<String>,
        columns: impl IntoIterator<Item = Name>,
    ) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        self.unique_keys.push((Some(name.into()), columns));
        self
    }

    /// Columns that refer to a row of another table.
    pub fn foreign_key(mut self, key: ForeignKey) -> Self {
        self.foreign_keys.push(key);
        self
    }

    /// What must hold for every row, all of it. A comparison with a NULL lets the row pass.
    pub fn check(mut self, conditions: impl IntoIterator<Item = Condition>) -> Self {
        self.checks.push((None, conditions.into_iter().collect()));
        self
    }

    /// What must hold for every row, under a name that errors repeat.
    pub fn check_named(
        mut self,
        name: impl Into<String>,
        conditions: impl IntoIterator<Item = Condition>,
    ) -> Self {
        let conditions = conditions.into_iter().collect();
        self.checks.push((Some(name.into()), conditions));
        self
    }

    /// A table of this name that is there already is no error, whatever its columns.
    pub fn if_not_exists(mut self) -> Self {
        self.if_not_exists = true;
        self
    }

    /// Makes the table and says whether it was made.
    pub fn run(self) -> Result<bool> {
        let (name, if_not_exists) = (self.name.clone(), self.if_not_exists);
        Ok(contract::create_table(
            &name,
            &self.into_contract()?,
            if_not_exists,
        )?)
    }

    fn into_contract(self) -> Result<contract::TableDefinition> {
        let mut primary_key = self.primary_key;
        let mut unique_keys = self.unique_keys;
        for column in &self.columns {
            if column.primary_key {
                primary_key.push(column.definition.name.clone());
            }
            if column.unique {
                unique_keys.push((None, vec![column.definition.name.clone()]));
            }
        }
        let unique_key = |(name, columns)| contract::UniqueKey { name, columns };
        let check = |(name, conditions)| {
            Ok(contract::Check {
                name,
                conditions: filter(conditions)?,
            })
        };
        Ok(contract::TableDefinition {
            columns: self
                .columns
                .into_iter()
                .map(Column::into_contract)
                .collect::<Result<_>>()?,
            primary_key,
            unique_keys: unique_keys.into_iter().map(unique_key).collect(),
            foreign_keys: self.foreign_keys.into_iter().map(|key| key.0).collect(),
            checks: self.checks.into_iter().map(check).collect::<Result<_>>()?,
        })
    }
}

/// A column of a table that is to be made.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a column is made with its table"]
pub struct Column {
    definition: contract::ColumnDefinition,
    /// Kept apart until the definition is sent.
    constant: Option<Value>,
    primary_key: bool,
    unique: bool,
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident => $case:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(name: impl Into<String>) -> Self {
            Self::new(name, DataType::$case)
        }
    )*};
}

impl Column {
    /// Of any type; the common ones have functions of their own.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        let definition = contract::ColumnDefinition {
            name: name.into(),
            data_type,
            is_array: false,
            not_null: false,
            default_value: None,
        };
        Self {
            definition,
            constant: None,
            primary_key: false,
            unique: false,
        }
    }

    columns! {
        /// `boolean`.
        boolean => Boolean;
        /// `int4`.
        int32 => Int32;
        /// `int8`.
        int64 => Int64;
        /// `float8`.
        float64 => Float64;
        /// `numeric` of any length.
        decimal => Decimal;
        /// `text`.
        text => Text;
        /// `bytea`.
        bytes => Bytes;
        /// `uuid`.
        uuid => Uuid;
        /// `date`.
        date => Date;
        /// `time`.
        time => Time;
        /// `timestamp`.
        timestamp => Timestamp;
        /// `timestamptz`.
        timestamptz => Timestamptz;
        /// `interval`.
        interval => Interval;
        /// `jsonb`.
        json => Json;
    }

    /// `numeric` of so many digits in all, and so many of them after the point.
    pub fn numeric(name: impl Into<String>, precision: u32, scale: u32) -> Self {
        Self::new(name, DataType::Numeric(NumericSize { precision, scale }))
    }

    /// `varchar` of at most so many characters.
    pub fn varchar(name: impl Into<String>, characters: u32) -> Self {
        Self::new(name, DataType::Varchar(characters))
    }

    /// An array of the type.
    pub fn array(mut self) -> Self {
        self.definition.is_array = true;
        self
    }

    /// Never NULL.
    pub fn not_null(mut self) -> Self {
        self.definition.not_null = true;
        self
    }

    /// The primary key, or the next column of it.
    pub fn primary_key(mut self) -> Self {
        self.primary_key = true;
        self
    }

    /// No two rows have the same value.
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// What the column holds when an insert does not say.
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.constant = Some(value.into());
        self
    }

    /// By default the start of the transaction.
    pub fn now(self) -> Self {
        self.generated(contract::DefaultValue::CurrentTimestamp)
    }

    /// By default a random UUID.
    pub fn random_uuid(self) -> Self {
        self.generated(contract::DefaultValue::RandomUuid)
    }

    /// By default a number that no other row has. Only for `int64`.
    pub fn unique_id(self) -> Self {
        self.generated(contract::DefaultValue::UniqueId)
    }

    fn generated(mut self, default: contract::DefaultValue) -> Self {
        self.constant = None;
        self.definition.default_value = Some(default);
        self
    }

    fn into_contract(self) -> Result<contract::ColumnDefinition> {
        let mut definition = self.definition;
        if let Some(value) = self.constant {
            definition.default_value = Some(contract::DefaultValue::Constant(value.try_into()?));
        }
        Ok(definition)
    }
}

/// Columns that refer to a row of another table.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a key is made with its table"]
pub struct ForeignKey(contract::ForeignKey);

impl ForeignKey {
    /// These columns refer to the primary key of that table.
    pub fn new<Name: Into<String>>(
        columns: impl IntoIterator<Item = Name>,
        referenced_table: impl Into<String>,
    ) -> Self {
        Self(contract::ForeignKey {
            name: None,
            columns: columns.into_iter().map(Into::into).collect(),
            referenced_table: referenced_table.into(),
            referenced_columns: Vec::new(),
            on_delete: ReferentialAction::NoAction,
            on_update: ReferentialAction::NoAction,
        })
    }

    /// These columns of that table instead of its primary key.
    pub fn referencing<Name: Into<String>>(
        mut self,
        columns: impl IntoIterator<Item = Name>,
    ) -> Self {
        self.0.referenced_columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Under a name that errors repeat.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// What happens when the other row goes.
    pub fn on_delete(mut self, action: ReferentialAction) -> Self {
        self.0.on_delete = action;
        self
    }

    /// What happens when the other row changes its key.
    pub fn on_update(mut self, action: ReferentialAction) -> Self {
        self.0.on_update = action;
        self
    }
}

/// A table that is to be removed, with its rows.
///
/// ```no_run
/// let removed = chitin::drop_table("users").if_exists().run()?;
/// # Ok::<(), chitin::Error>(())
/// ```
pub fn drop_table(name: impl Into<String>) -> DropTable {
    DropTable {
        name: name.into(),
        if_exists: false,
        cascade: false,
    }
}

/// A table that is to be removed. See [`drop_table`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the table is not removed before `run`"]
pub struct DropTable {
    name: String,
    if_exists: bool,
    cascade: bool,
}

impl DropTable {
    /// A table that is not there is no error.
    pub fn if_exists(mut self) -> Self {
        self.if_exists = true;
        self
    }

    /// Also removes what depends on it: views, and foreign keys of other tables.
    pub fn cascade(mut self) -> Self {
        self.cascade = true;
        self
    }

    /// Removes the table and says whether there was one.
    pub fn run(self) -> Result<bool> {
        Ok(contract::drop_table(
            &self.name,
            self.if_exists,
            self.cascade,
        )?)
    }
}

/// The tables and views that can be seen, by schema and name, of one schema or of all but the database's own.
///
/// ```no_run
/// for table in chitin::schema::tables(None)? {
///     println!("{}.{} is a {:?}", table.schema, table.name, table.kind);
/// }
/// # Ok::<(), chitin::Error>(())
/// ```
pub fn tables(schema: Option<&str>) -> Result<Vec<TableEntry>> {
    Ok(contract::tables(schema)?)
}

/// Columns, keys and references of one table or view.
///
/// ```no_run
/// let users = chitin::schema::describe_table("users")?;
/// let required = users.columns.iter().filter(|column| column.not_null && column.default_text.is_none());
/// for column in required {
///     println!("{} {}", column.name, column.type_name);
/// }
/// # Ok::<(), chitin::Error>(())
/// ```
pub fn describe_table(name: &str) -> Result<TableDescription> {
    Ok(contract::describe_table(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ge;

    #[test]
    fn keys_said_at_columns_are_keys_of_the_table() {
        let definition = create_table("t")
            .column(Column::int64("id").primary_key().unique_id())
            .column(Column::text("email").unique().default("none"))
            .column(Column::int64("age"))
            .unique(["email", "age"])
            .unique_named("one_age", ["age"])
            .check_named("grown", [ge("age", 0)])
            .into_contract()
            .expect("a definition");
        assert_eq!(definition.primary_key, ["id"]);
        let unique: Vec<_> = definition
            .unique_keys
            .into_iter()
            .map(|key| key.columns)
            .collect();
        assert_eq!(unique, [vec!["email", "age"], vec!["age"], vec!["email"]]);
        assert_eq!(definition.checks[0].name.as_deref(), Some("grown"));
        assert!(matches!(
            definition.columns[1].default_value,
            Some(contract::DefaultValue::Constant(_))
        ));
    }
}
