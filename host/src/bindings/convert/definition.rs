use crate::{
    bindings::schema_wit as wit,
    database::{
        Check, ColumnDefinition, DataType, DefaultValue, ForeignKey, ReferentialAction,
        TableDefinition, UniqueKey,
    },
};

use super::all;

impl From<wit::TableDefinition> for TableDefinition {
    fn from(definition: wit::TableDefinition) -> Self {
        Self {
            columns: all(definition.columns),
            primary_key: definition.primary_key,
            unique_keys: all(definition.unique_keys),
            foreign_keys: all(definition.foreign_keys),
            checks: all(definition.checks),
        }
    }
}

impl From<wit::ColumnDefinition> for ColumnDefinition {
    fn from(column: wit::ColumnDefinition) -> Self {
        Self {
            name: column.name,
            data_type: column.data_type.into(),
            is_array: column.is_array,
            not_null: column.not_null,
            default: column.default_value.map(Into::into),
        }
    }
}

impl From<wit::DataType> for DataType {
    fn from(data_type: wit::DataType) -> Self {
        match data_type {
            wit::DataType::Boolean => Self::Boolean,
            wit::DataType::Int16 => Self::Int16,
            wit::DataType::Int32 => Self::Int32,
            wit::DataType::Int64 => Self::Int64,
            wit::DataType::Float32 => Self::Float32,
            wit::DataType::Float64 => Self::Float64,
            wit::DataType::Decimal => Self::Decimal,
            wit::DataType::Numeric(wit::NumericSize { precision, scale }) => {
                Self::Numeric { precision, scale }
            }
            wit::DataType::Text => Self::Text,
            wit::DataType::Varchar(length) => Self::Varchar(length),
            wit::DataType::Bytes => Self::Bytes,
            wit::DataType::Uuid => Self::Uuid,
            wit::DataType::Date => Self::Date,
            wit::DataType::Time => Self::Time,
            wit::DataType::Timetz => Self::TimeTz,
            wit::DataType::Timestamp => Self::Timestamp,
            wit::DataType::Timestamptz => Self::TimestampTz,
            wit::DataType::Interval => Self::Interval,
            wit::DataType::Json => Self::Json,
            wit::DataType::Vector(dimensions) => Self::Vector(dimensions),
            wit::DataType::Inet => Self::Inet,
            wit::DataType::Bit(length) => Self::Bit(length),
            wit::DataType::Named(name) => Self::Named(name),
        }
    }
}

impl From<wit::DefaultValue> for DefaultValue {
    fn from(default: wit::DefaultValue) -> Self {
        match default {
            wit::DefaultValue::Constant(value) => Self::Constant(value.into()),
            wit::DefaultValue::CurrentTimestamp => Self::CurrentTimestamp,
            wit::DefaultValue::RandomUuid => Self::RandomUuid,
            wit::DefaultValue::UniqueId => Self::UniqueId,
        }
    }
}

impl From<wit::UniqueKey> for UniqueKey {
    fn from(key: wit::UniqueKey) -> Self {
        Self {
            name: key.name,
            columns: key.columns,
        }
    }
}

impl From<wit::ForeignKey> for ForeignKey {
    fn from(key: wit::ForeignKey) -> Self {
        Self {
            name: key.name,
            columns: key.columns,
            referenced_table: key.referenced_table,
            referenced_columns: key.referenced_columns,
            on_delete: key.on_delete.into(),
            on_update: key.on_update.into(),
        }
    }
}

impl From<wit::ReferentialAction> for ReferentialAction {
    fn from(action: wit::ReferentialAction) -> Self {
        match action {
            wit::ReferentialAction::NoAction => Self::NoAction,
            wit::ReferentialAction::Cascade => Self::Cascade,
            wit::ReferentialAction::SetNull => Self::SetNull,
            wit::ReferentialAction::SetDefault => Self::SetDefault,
        }
    }
}

impl From<wit::Check> for Check {
    fn from(check: wit::Check) -> Self {
        Self {
            name: check.name,
            conditions: all(check.conditions),
        }
    }
}
