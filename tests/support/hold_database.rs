//! A process for tests to kill: uses the development database of a directory until its standard input closes.
//!
//!     hold_database DIRECTORY [ephemeral]

use std::{
    env,
    io::{Write as _, stdin, stdout},
};

use anyhow::Context as _;
use host::operate::development::{DevelopmentDatabase, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args_os().skip(1);
    let options = Options {
        directory: Some(arguments.next().context("no directory was named")?.into()),
        ephemeral: arguments.next().is_some(),
        programs: None,
    };
    let database = DevelopmentDatabase::start(&options).await?;
    let process = database.process_id().context("a server has a process")?;
    writeln!(stdout(), "{process} {}", database.url())?;
    stdin().read_line(&mut String::new())?;
    Ok(database.stop().await?)
}
