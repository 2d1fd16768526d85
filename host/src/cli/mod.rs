//! The command line of the host: `args` is what was typed, each command is a file, `exit` how it ends.
//!
//! Invariants: standard output carries what was asked for and nothing else. Everything that a person reads goes through
//! `terminal`, which shows no password. No flag is read again once `config` has resolved it. The process is left by returning
//! from `main`, so that nothing is cut off half-written.

mod amount;
mod args;
mod check;
mod command;
mod compile;
mod component;
mod exit;
mod explain;
mod input;
mod inspect;
mod interrupt;
mod output;
mod plugin_file;
mod run;
mod stdio;
mod summary;
mod terminal;
mod verdict;
mod version;

use std::{ffi::OsString, io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;

use self::{
    args::{Arguments, Command},
    exit::Exit,
};

/// Does what the arguments ask for, the program's own name first among them.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let exit = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => match arguments.command {
            Some(Command::Run(arguments)) => run::main(&arguments),
            Some(Command::Inspect(arguments)) => inspect::main(&arguments),
            Some(Command::Check(arguments)) => check::main(&arguments),
            Some(Command::Compile(arguments)) => compile::main(&arguments),
            Some(Command::Explain(arguments)) => explain::main(&arguments),
            None => version::print(arguments.json),
        },
        Err(error) => usage(&error),
    };
    exit.into()
}

/// Shows the help that was asked for, or what is wrong with the arguments.
fn usage(error: &clap::Error) -> Exit {
    let text = error.render();
    if error.use_stderr() {
        let text = if std::io::stderr().is_terminal() {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        terminal::print(&terminal::without_passwords(&text));
        Exit::Usage
    } else {
        terminal::print_output(&text.to_string());
        Exit::Success
    }
}
