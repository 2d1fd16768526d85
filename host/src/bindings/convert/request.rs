use crate::{
    bindings::{reads_wit, wit, writes_wit},
    database::{
        Assignment, Change, Condition, Conflict, ConflictAction, Field, LockStrength, LockWait,
        Nulls, Operator, Ordering, Returning, RowLock, Selection, Target,
    },
};

use super::all;

impl From<reads_wit::Selection> for Selection {
    fn from(selection: reads_wit::Selection) -> Self {
        Self {
            columns: selection.columns,
            filter: all(selection.filter),
            order_by: all(selection.order_by),
            limit: selection.limit,
            offset: selection.offset,
            lock: selection.lock.map(Into::into),
        }
    }
}

impl From<reads_wit::RowLock> for RowLock {
    fn from(lock: reads_wit::RowLock) -> Self {
        Self {
            strength: match lock.strength {
                reads_wit::LockStrength::Exclusive => LockStrength::Exclusive,
                reads_wit::LockStrength::Shared => LockStrength::Shared,
            },
            wait: match lock.wait {
                reads_wit::LockWait::Wait => LockWait::Wait,
                reads_wit::LockWait::NoWait => LockWait::NoWait,
                reads_wit::LockWait::SkipLocked => LockWait::SkipLocked,
            },
        }
    }
}

impl From<wit::Condition> for Condition {
    fn from(condition: wit::Condition) -> Self {
        Self {
            column: condition.column,
            operator: condition.operator.into(),
            values: all(condition.values),
            group: condition.group,
        }
    }
}

impl From<wit::Operator> for Operator {
    fn from(operator: wit::Operator) -> Self {
        match operator {
            wit::Operator::Eq => Self::Eq,
            wit::Operator::Ne => Self::Ne,
            wit::Operator::Lt => Self::Lt,
            wit::Operator::Le => Self::Le,
            wit::Operator::Gt => Self::Gt,
            wit::Operator::Ge => Self::Ge,
            wit::Operator::Between => Self::Between,
            wit::Operator::InList => Self::InList,
            wit::Operator::NotInList => Self::NotInList,
            wit::Operator::Like => Self::Like,
            wit::Operator::NotLike => Self::NotLike,
            wit::Operator::Ilike => Self::ILike,
            wit::Operator::NotIlike => Self::NotILike,
            wit::Operator::Contains => Self::Contains,
            wit::Operator::IsNull => Self::IsNull,
            wit::Operator::IsNotNull => Self::IsNotNull,
        }
    }
}

impl From<wit::Ordering> for Ordering {
    fn from(ordering: wit::Ordering) -> Self {
        Self {
            column: ordering.column,
            descending: match ordering.direction {
                wit::Direction::Ascending => false,
                wit::Direction::Descending => true,
            },
            nulls: ordering.nulls.map(|nulls| match nulls {
                wit::NullsOrder::First => Nulls::First,
                wit::NullsOrder::Last => Nulls::Last,
            }),
        }
    }
}

impl From<wit::Field> for Field {
    fn from(field: wit::Field) -> Self {
        Self {
            column: field.column,
            value: field.value.into(),
        }
    }
}

impl From<wit::Assignment> for Assignment {
    fn from(assignment: wit::Assignment) -> Self {
        Self {
            column: assignment.column,
            change: match assignment.change {
                wit::Change::Set(value) => Change::Set(value.into()),
                wit::Change::Add(value) => Change::Add(value.into()),
                wit::Change::Reset => Change::Reset,
            },
        }
    }
}

impl From<wit::Returning> for Returning {
    fn from(returning: wit::Returning) -> Self {
        match returning {
            wit::Returning::Nothing => Self::Nothing,
            wit::Returning::AllColumns => Self::AllColumns,
            wit::Returning::Columns(columns) => Self::Columns(columns),
        }
    }
}

impl From<writes_wit::Target> for Target {
    fn from(target: writes_wit::Target) -> Self {
        match target {
            writes_wit::Target::Matching(conditions) => Self::Matching(all(conditions)),
            writes_wit::Target::AllRows => Self::AllRows,
        }
    }
}

impl From<writes_wit::Conflict> for Conflict {
    fn from(conflict: writes_wit::Conflict) -> Self {
        Self {
            key: conflict.key,
            action: match conflict.action {
                writes_wit::ConflictAction::Update => ConflictAction::Update,
                writes_wit::ConflictAction::Keep => ConflictAction::Keep,
            },
        }
    }
}
