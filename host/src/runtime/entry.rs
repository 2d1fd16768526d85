use wasmtime::{
    Store,
    component::{
        Component, ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower,
        types::ComponentItem,
    },
};

use crate::sandbox::{self, Interface};

use super::{
    Refusal,
    refusal::{OPERATION_SIGNATURE, RUN_SIGNATURE},
};

/// The export of a plugin that does one job.
const RUN: &str = "run";

/// The interface of an ordinary program, whose only function is `run`.
const PROGRAM: &str = "wasi:cli/run";
const PROGRAM_SERIES: &str = "0.2";
const PROGRAM_SIGNATURE: &str = "func() -> result";

/// The export of a plugin that has operations.
const OPERATION: &str = "operation";

type Input<'a> = (&'a str,);
type Call<'a> = (&'a str, &'a str);
type Output = (Result<String, String>,);
type Status = (Result<(), ()>,);

/// Where a run begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry {
    /// The export `run` of the contract.
    Run(ComponentExportIndex),
    /// The `main` of a program.
    Program(ComponentExportIndex),
}

/// The export of a plugin that runs its operations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation(ComponentExportIndex);

/// What came back.
#[derive(Debug)]
pub(super) enum Returned {
    /// The output of `run`.
    Output(String),
    /// The error of `run`.
    Error(String),
    /// The success of a program.
    Success,
    /// The failure of a program.
    Failure,
}

impl Entry {
    /// Finds where to begin, and checks that it can be called as it has to be.
    pub(super) fn find(component: &Component) -> Result<Self, Refusal> {
        if let Some((item, index)) = component.get_export(None, RUN) {
            check::<Input<'_>, Output>(component, &item, RUN, RUN_SIGNATURE)?;
            return Ok(Self::Run(index));
        }
        let exports = sandbox::exports(component);
        let is_program = |name: &&String| {
            Interface::parse(name).is_some_and(|interface| {
                interface.path == PROGRAM && interface.is_of_series(PROGRAM_SERIES)
            })
        };
        let Some(interface) = exports.iter().find(is_program) else {
            return Err(Refusal::NothingToRun { exports });
        };
        let main = component
            .get_export_index(None, interface)
            .and_then(|interface| component.get_export(Some(&interface), RUN));
        let Some((item, index)) = main else {
            return Err(Refusal::NothingToRun { exports });
        };
        check::<(), Status>(component, &item, interface, PROGRAM_SIGNATURE)?;
        Ok(Self::Program(index))
    }

    pub(super) fn is_program(&self) -> bool {
        matches!(self, Self::Program(_))
    }

    /// Makes an instance and calls it. A program has its input in its arguments and its standard input already.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        component: &InstancePre<T>,
        store: &mut Store<T>,
        input: &str,
    ) -> wasmtime::Result<Returned> {
        let instance = component.instantiate_async(&mut *store).await?;
        match self {
            Self::Run(index) => {
                let run = instance.get_typed_func::<Input<'_>, Output>(&mut *store, index)?;
                let (result,) = run.call_async(&mut *store, (input,)).await?;
                Ok(match result {
                    Ok(output) => Returned::Output(output),
                    Err(message) => Returned::Error(message),
                })
            }
            Self::Program(index) => {
                let run = instance.get_typed_func::<(), Status>(&mut *store, index)?;
                let (status,) = run.call_async(&mut *store, ()).await?;
                Ok(match status {
                    Ok(()) => Returned::Success,
                    Err(()) => Returned::Failure,
                })
            }
        }
    }
}

impl Operation {
    /// Finds the export, if the plugin has one, and checks that it can be called as it has to be.
    pub(super) fn find(component: &Component) -> Result<Option<Self>, Refusal> {
        let Some((item, index)) = component.get_export(None, OPERATION) else {
            return Ok(None);
        };
        check::<Call<'_>, Output>(component, &item, OPERATION, OPERATION_SIGNATURE)?;
        Ok(Some(Self(index)))
    }

    /// Makes an instance and calls it with the name of an operation and its input.
    pub(super) async fn call<T: Send + 'static>(
        self,
        component: &InstancePre<T>,
        store: &mut Store<T>,
        (name, input): (&str, &str),
    ) -> wasmtime::Result<Result<String, String>> {
        let instance = component.instantiate_async(&mut *store).await?;
        let operation = instance.get_typed_func::<Call<'_>, Output>(&mut *store, self.0)?;
        let (result,) = operation.call_async(&mut *store, (name, input)).await?;
        Ok(result)
    }
}

fn check<Parameters, Results>(
    component: &Component,
    item: &ComponentItem,
    name: &str,
    expected: &'static str,
) -> Result<(), Refusal>
where
    Parameters: ComponentNamedList + Lower,
    Results: ComponentNamedList + Lift,
{
    let kind = component.component_type();
    if let ComponentItem::ComponentFunc(func) = item
        && !func.async_()
        && func
            .typecheck::<Parameters, Results>(&kind.instance_type())
            .is_ok()
    {
        return Ok(());
    }
    Err(Refusal::WrongType {
        name: name.to_owned(),
        found: sandbox::signature(item),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use wasmtime::{
        Store,
        component::{Component, Linker},
    };

    use super::{Entry, Returned};
    use crate::sandbox::{Engine, Limits};

    /// Calls the entry of a component that imports nothing.
    async fn call(text: &str, input: &str) -> Returned {
        let limits = Limits {
            slots: 1,
            ..Limits::default()
        };
        let engine = Engine::new(limits).expect("an engine");
        let bytes = wat::parse_str(text).expect("valid text");
        let component = Component::from_binary(engine.wasm(), &bytes).expect("compiles");
        let entry = Entry::find(&component).expect("an entry");
        let linked = Linker::new(engine.wasm()).instantiate_pre(&component);
        let mut store = Store::new(engine.wasm(), ());
        store.set_epoch_deadline(1_000_000);
        entry
            .call(&linked.expect("links"), &mut store, input)
            .await
            .expect("returns")
    }

    #[tokio::test]
    async fn run_gives_its_output_or_its_error() {
        for is_error in [false, true] {
            let text = format!(
                r#"(component
                    (core module $m
                        (memory (export "memory") 1)
                        (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
                        (func (export "run") (param i32 i32) (result i32)
                            (i32.store8 (i32.const 16) (i32.const {}))
                            (i32.store (i32.const 20) (local.get 0))
                            (i32.store (i32.const 24) (local.get 1))
                            i32.const 16))
                    (core instance $i (instantiate $m))
                    (func (export "run") (param "in" string) (result (result string (error string)))
                        (canon lift (core func $i "run") (memory (core memory $i "memory"))
                            (realloc (core func $i "realloc")))))"#,
                u8::from(is_error)
            );
            match call(&text, "hällo").await {
                Returned::Output(output) => assert!(!is_error && output == "hällo"),
                Returned::Error(error) => assert!(is_error && error == "hällo"),
                Returned::Success | Returned::Failure => unreachable!("it is no program"),
            }
        }
    }

    #[tokio::test]
    async fn a_program_succeeds_or_fails() {
        for status in [0, 1] {
            let text = format!(
                r#"(component
                    (core module $m (func (export "run") (result i32) i32.const {status}))
                    (core instance $i (instantiate $m))
                    (func $run (result (result)) (canon lift (core func $i "run")))
                    (instance $r (export "run" (func $run)))
                    (export "wasi:cli/run@0.2.3" (instance $r)))"#
            );
            match call(&text, "").await {
                Returned::Success => assert_eq!(status, 0),
                Returned::Failure => assert_eq!(status, 1),
                Returned::Output(_) | Returned::Error(_) => unreachable!("it is a program"),
            }
        }
    }
}
