use crate::{
    bindings::schema_wit as wit,
    database::{
        ColumnDescription, ForeignKey, ReferentialAction, TableDescription, TableEntry, TableKind,
        UniqueKey,
    },
};

use super::all;

impl From<TableEntry> for wit::TableEntry {
    fn from(table: TableEntry) -> Self {
        Self {
            schema: table.schema,
            name: table.name,
            kind: match table.kind {
                TableKind::Table => wit::TableKind::Table,
                TableKind::View => wit::TableKind::View,
                TableKind::MaterializedView => wit::TableKind::MaterializedView,
            },
        }
    }
}

impl From<TableDescription> for wit::TableDescription {
    fn from(table: TableDescription) -> Self {
        Self {
            schema: table.schema,
            name: table.name,
            columns: all(table.columns),
            primary_key: table.primary_key,
            unique_keys: all(table.unique_keys),
            foreign_keys: all(table.foreign_keys),
        }
    }
}

impl From<ColumnDescription> for wit::ColumnDescription {
    fn from(column: ColumnDescription) -> Self {
        Self {
            name: column.name,
            type_name: column.type_name,
            not_null: column.not_null,
            default_text: column.default_text,
        }
    }
}

impl From<UniqueKey> for wit::UniqueKey {
    fn from(key: UniqueKey) -> Self {
        Self {
            name: key.name,
            columns: key.columns,
        }
    }
}

impl From<ForeignKey> for wit::ForeignKey {
    fn from(key: ForeignKey) -> Self {
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

impl From<ReferentialAction> for wit::ReferentialAction {
    fn from(action: ReferentialAction) -> Self {
        match action {
            ReferentialAction::NoAction => Self::NoAction,
            ReferentialAction::Cascade => Self::Cascade,
            ReferentialAction::SetNull => Self::SetNull,
            ReferentialAction::SetDefault => Self::SetDefault,
        }
    }
}
