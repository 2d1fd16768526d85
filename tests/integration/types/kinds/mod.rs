//! The types that a value may come from and go back to.

mod numbers;
mod others;
mod texts;
mod times;

use host::database::Value;
use proptest::{
    prelude::*,
    strategy::{BoxedStrategy, ValueTree as _},
    test_runner::TestRunner,
};

/// A type of the server and values that it keeps exactly as they are.
pub(crate) struct Kind {
    pub(crate) type_name: &'static str,
    /// The name in results, where it is another.
    pub(crate) shown: &'static str,
    pub(crate) extremes: Vec<Value<'static>>,
    any: BoxedStrategy<Value<'static>>,
}

fn kind(
    type_name: &'static str,
    shown: &'static str,
    extremes: impl IntoIterator<Item = Value<'static>>,
    any: impl Strategy<Value = Value<'static>> + 'static,
) -> Kind {
    Kind {
        type_name,
        shown,
        extremes: extremes.into_iter().collect(),
        any: any.boxed(),
    }
}

pub(crate) fn kinds() -> Vec<Kind> {
    [
        numbers::numbers(),
        texts::texts(),
        times::times(),
        others::others(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The extremes, some values by chance, and NULL.
pub(crate) fn samples(kind: &Kind, runner: &mut TestRunner) -> Vec<Value<'static>> {
    let mut samples = kind.extremes.clone();
    for _ in 0..60 {
        samples.push(kind.any.new_tree(runner).expect("a value").current());
    }
    samples.push(Value::Null);
    samples
}
