//! Whether a database is fit for plugins, said in findings: `judge` has the opinions, `markers` what the host needs there.

mod finding;
mod judge;
mod markers;

pub use finding::{Finding, Verdict};
pub use markers::Preparation;

use super::{OpenDatabase, OpenError};
use crate::{
    config::{DatabaseConfig, Target},
    database::{Error, Role},
};

/// Where checking ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything was looked at, and what had to be done was done.
    Everything,
    /// The database is there, and does not let us do what was asked for.
    Refused,
    /// What is configured cannot be used.
    Configuration,
    /// The database cannot be reached, or was lost on the way.
    Unreachable,
}

/// Looks at the configured database, and makes what the host needs in it if it is to. Each finding is handed on as it is made.
pub async fn check(
    config: &DatabaseConfig,
    preparation: Preparation<'_>,
    mut tell: impl FnMut(Finding),
) -> Extent {
    match &config.database {
        Target::Server { options, origin } => {
            tell(Finding::ok(
                "configuration",
                format!("from {}", origin.name()),
            ));
            for warning in &config.warnings {
                let (text, advice) = warning.split_once(": ").unwrap_or((warning, ""));
                tell(Finding::warning("configuration", text, advice));
            }
            options
                .addresses()
                .iter()
                .for_each(|address| tell(judge::tls(options, address)));
        }
        Target::Development(_) => tell(Finding::ok(
            "configuration",
            "none names a database, so that the host starts one for development",
        )),
    }
    let opened = OpenDatabase::open(&config.database, config.limits.database).await;
    let open = match opened {
        Ok(open) => open,
        Err(error) => return not_open(&error, tell),
    };
    let extent = match examine(&open, config, preparation, &mut tell).await {
        Ok(extent) => extent,
        Err(error) => {
            tell(Finding::failure("connection", error));
            Extent::Unreachable
        }
    };
    if let Err(error) = open.close().await {
        tracing::warn!(%error, "the development database was not stopped");
    }
    extent
}

fn not_open(error: &OpenError, mut tell: impl FnMut(Finding)) -> Extent {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    tell(Finding::failure("connection", text));
    if error.is_configuration() {
        Extent::Configuration
    } else {
        Extent::Unreachable
    }
}

async fn examine(
    open: &OpenDatabase,
    config: &DatabaseConfig,
    preparation: Preparation<'_>,
    tell: &mut impl FnMut(Finding),
) -> Result<Extent, Error> {
    let database = open.database();
    tell(Finding::ok("connection", place(open, config)));
    tell(judge::server(database.server()));
    let mut examiner = database.examiner().await?;
    if let Some(level) = known("isolation", examiner.isolation().await, tell)? {
        tell(judge::isolation(&level));
    }
    let role = known("role", examiner.role().await, tell)?;
    if let Some(role) = &role {
        tell(judge::role(role, open.development().is_some()));
        tell(judge::tables(role));
    }
    let role = role.unwrap_or_else(|| unknown_role(config));
    if let Some(clock) = known("clock", examiner.clock().await, tell)? {
        tell(judge::clock(&clock));
        tell(judge::round_trip(&clock));
    }
    if let Target::Server { options, .. } = &config.database
        && let Some(capacity) = known("connections", examiner.capacity().await, tell)?
    {
        tell(judge::connections(
            options.pool().max_connections,
            &capacity,
            &role,
        ));
    }
    markers::examine(&mut examiner, &role, preparation, tell).await
}

/// What was asked for, unless the server does not tell, which is said and is no reason to stop. The loss of the connection is one.
fn known<T>(
    subject: &'static str,
    asked: Result<T, Error>,
    tell: &mut impl FnMut(Finding),
) -> Result<Option<T>, Error> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(error @ (Error::Database(_) | Error::Other(_))) => {
            tell(Finding::warning(
                subject,
                format!("the server does not tell: {error}"),
                "see whether the role may read pg_catalog",
            ));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A role of which nothing is known but its name.
fn unknown_role(config: &DatabaseConfig) -> Role {
    let name = match &config.database {
        Target::Server { options, .. } => options.user().to_owned(),
        Target::Development(_) => String::new(),
    };
    Role {
        name,
        ..Role::default()
    }
}

fn place(open: &OpenDatabase, config: &DatabaseConfig) -> String {
    match (&config.database, open.development()) {
        (Target::Server { options, .. }, _) => format!(
            "logged in as `{}` to database `{}`",
            options.user(),
            options.database()
        ),
        (_, Some(development)) => format!(
            "the development database in {}",
            development.directory().display()
        ),
        (Target::Development(_), None) => "the development database".to_owned(),
    }
}
