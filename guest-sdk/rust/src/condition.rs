//! Conditions and orders of rows, as small builders.
//!
//! As in SQL, a NULL in the column satisfies only [`is_null`] and `eq(column, None)`: `ne("age", 1)` does not find it.

use crate::bindings::chitin::db::types as contract;
pub use crate::bindings::chitin::db::types::Operator;
use crate::value::Value;
use crate::wire::values;
use crate::{Error, Result};

/// A condition on one column, or several of which one must hold.
///
/// ```
/// use chitin::{eq, is_null};
///
/// let condition = eq("status", "new").or(is_null("status"));
/// # drop(condition);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a condition does nothing by itself"]
pub struct Condition(Vec<Comparison>);

#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    column: String,
    operator: Operator,
    values: Vec<Value>,
}

impl Condition {
    /// A column, compared with as many values as the operator asks for.
    pub fn new(
        column: impl Into<String>,
        operator: Operator,
        values: impl IntoIterator<Item = Value>,
    ) -> Self {
        let values = values.into_iter().collect();
        Self(vec![Comparison {
            column: column.into(),
            operator,
            values,
        }])
    }

    /// It is enough that either of the two holds.
    pub fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident => $operator:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(column: impl Into<String>, value: impl Into<Value>) -> Condition {
            Condition::new(column, Operator::$operator, [value.into()])
        }
    )*};
}

comparisons! {
    /// Equal to the value; with NULL, [`is_null`].
    eq => Eq;
    /// Not equal to the value; with NULL, [`is_not_null`].
    ne => Ne;
    /// Less than the value.
    lt => Lt;
    /// Less than or equal to the value.
    le => Le;
    /// Greater than the value.
    gt => Gt;
    /// Greater than or equal to the value.
    ge => Ge;
    /// Matches the pattern: `%` is any text, `_` one character, `\` takes the next character literally.
    like => Like;
    /// Does not match the pattern.
    not_like => NotLike;
    /// Matches the pattern without regard to case.
    ilike => Ilike;
    /// Does not match the pattern, without regard to case.
    not_ilike => NotIlike;
    /// The JSON document or the array in the column contains the value.
    contains => Contains;
}

/// Between the two values, both included.
pub fn between(
    column: impl Into<String>,
    low: impl Into<Value>,
    high: impl Into<Value>,
) -> Condition {
    Condition::new(column, Operator::Between, [low.into(), high.into()])
}

/// Equal to any of the values; without values, no row.
pub fn one_of<V: Into<Value>>(
    column: impl Into<String>,
    values: impl IntoIterator<Item = V>,
) -> Condition {
    Condition::new(column, Operator::InList, values.into_iter().map(Into::into))
}

/// Equal to none of the values; without values, every row.
pub fn none_of<V: Into<Value>>(
    column: impl Into<String>,
    values: impl IntoIterator<Item = V>,
) -> Condition {
    Condition::new(
        column,
        Operator::NotInList,
        values.into_iter().map(Into::into),
    )
}

/// NULL.
pub fn is_null(column: impl Into<String>) -> Condition {
    Condition::new(column, Operator::IsNull, [])
}

/// Anything but NULL.
pub fn is_not_null(column: impl Into<String>) -> Condition {
    Condition::new(column, Operator::IsNotNull, [])
}

/// Conditions as the contract takes them: alternatives share the number of a group.
pub(crate) fn filter(conditions: Vec<Condition>) -> Result<Vec<contract::Condition>> {
    let mut filter = Vec::with_capacity(conditions.len());
    for (number, Condition(alternatives)) in conditions.into_iter().enumerate() {
        let number =
            u32::try_from(number).map_err(|_| Error::Invalid("too many conditions".to_owned()))?;
        let group = (alternatives.len() > 1).then_some(number);
        for Comparison {
            column,
            operator,
            values: operands,
        } in alternatives
        {
            filter.push(contract::Condition {
                column,
                operator,
                values: values(operands)?,
                group,
            });
        }
    }
    Ok(filter)
}

/// One step of the order of rows. See [`asc`] and [`desc`].
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an order does nothing by itself"]
pub struct Ordering(pub(crate) contract::Ordering);

/// The smallest first.
pub fn asc(column: impl Into<String>) -> Ordering {
    Ordering::new(column, contract::Direction::Ascending)
}

/// The largest first.
pub fn desc(column: impl Into<String>) -> Ordering {
    Ordering::new(column, contract::Direction::Descending)
}

impl Ordering {
    fn new(column: impl Into<String>, direction: contract::Direction) -> Self {
        Self(contract::Ordering {
            column: column.into(),
            direction,
            nulls: None,
        })
    }

    /// NULLs before all values, instead of where this database puts them.
    pub fn nulls_first(mut self) -> Self {
        self.0.nulls = Some(contract::NullsOrder::First);
        self
    }

    /// NULLs after all values, instead of where this database puts them.
    pub fn nulls_last(mut self) -> Self {
        self.0.nulls = Some(contract::NullsOrder::Last);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_share_a_group_and_others_stand_alone() {
        let conditions = vec![
            eq("a", 1),
            eq("b", 2).or(is_null("b")),
            one_of("c", ["x", "y"]).or(lt("d", 0.5)),
        ];
        let filter = filter(conditions).expect("a filter");
        let groups: Vec<_> = filter
            .iter()
            .map(|condition| (condition.column.as_str(), condition.group))
            .collect();
        assert_eq!(
            groups,
            [
                ("a", None),
                ("b", Some(1)),
                ("b", Some(1)),
                ("c", Some(2)),
                ("d", Some(2))
            ]
        );
        assert_eq!(filter[3].operator, Operator::InList);
        assert_eq!(filter[3].values.len(), 2);
    }
}
