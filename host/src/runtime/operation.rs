//! `transactions.run`: an operation of the plugin, in an instance of its own for each attempt.

use std::{sync::Arc, time::SystemTime};

use futures_util::future::BoxFuture;

use crate::{
    bindings::{Failure, HostBug, Operations},
    database::{Error, Session, TransactionOptions},
    sandbox::{Fault, Output, Stdin},
};

use super::{
    entry::Operation,
    launch::{Launch, Part},
};

/// The operation that is called, and with what.
struct Call {
    operation: Operation,
    name: String,
    input: String,
}

impl Operations for Arc<Launch> {
    fn run<'a>(
        &'a self,
        session: &'a mut Session,
        name: String,
        input: String,
        options: TransactionOptions,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            let operation = self.plugin.operation().ok_or_else(|| {
                Error::Denied(
                    "the plugin has no export `operation`: build it for the world `transactional-plugin`; in Rust, list its operations in `chitin::plugin!(…, operations: […])`"
                        .to_owned(),
                )
            })?;
            let call = Call {
                operation,
                name,
                input,
            };
            run(self, session, &call, &options).await
        })
    }
}

async fn run(
    launch: &Arc<Launch>,
    session: &mut Session,
    call: &Call,
    options: &TransactionOptions,
) -> Result<String, Failure> {
    let mut repeated = match session.repeated(options).await {
        Err(Error::Denied(why)) => {
            return Err(Error::Denied(format!("operation `{}`: {why}", call.name)).into());
        }
        repeated => repeated?,
    };
    let (started_at, seed) = (SystemTime::now(), launch.seeds.draw());
    loop {
        let session = repeated.begin().await?;
        let mut store = launch.store(Part {
            session,
            attempt: repeated.attempt(),
            started_at,
            seed,
            stdin: Stdin::Empty,
            output: Output::nowhere(),
        });
        let component = launch.plugin.component();
        let input = (call.name.as_str(), call.input.as_str());
        let returned = call.operation.call(component, &mut store, input).await;
        let session = store.data_mut().session.take();
        launch.finish_lines();
        let returned = match returned {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(message)) => Err(Failure::Rejected(message)),
            Err(error) => match failed(launch, &call.name, &error) {
                Ok(failure) => Err(failure),
                Err(over) => {
                    session.close().await;
                    return Err(over);
                }
            },
        };
        let outcome = repeated.end(session, returned.is_ok()).await;
        // Only now, so that others wait less for what the transaction holds. Nothing of it is there when the next attempt begins.
        drop(store);
        if let Some(outcome) = repeated.conclude(outcome).await {
            return outcome.map_err(Failure::from).and(returned);
        }
    }
}

/// What the caller is told of an operation that was stopped; an error if it is to be stopped as well.
fn failed(launch: &Launch, name: &str, error: &wasmtime::Error) -> Result<Failure, Failure> {
    if let Some(bug) = error.downcast_ref::<HostBug>() {
        return Err(Failure::Bug(bug.clone()));
    }
    let why = match launch.fault(error) {
        Fault::Limit(limit) => limit.to_string(),
        Fault::Trap(stop) => stop.message,
        Fault::Exit(code) => format!("it exited with code {code} instead of returning"),
        Fault::Output(failed) => failed.to_string(),
        Fault::Host(message) => return Err(Failure::Bug(HostBug::new(message))),
    };
    Ok(Failure::Trapped(format!("operation `{name}`: {why}")))
}
