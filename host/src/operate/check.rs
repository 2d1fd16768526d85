//! Whether a database is fit for plugins, said in findings.

use std::{fmt::Display, time::Duration};

use super::{OpenDatabase, OpenError};
use crate::{
    config::{DatabaseConfig, Target},
    database::{
        Address, Capacity, Clock, ConnectOptions, Database, Error, Examiner, Host, Markers,
        Prepared, Role, SslMode,
    },
};

/// A clock that is further off makes timestamps of plugins and of the database disagree visibly. CockroachDB's nodes stop at 500 ms among
/// themselves.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(500);

/// A round trip that is longer makes every transaction slow, since each has several.
const ROUND_TRIP_TOLERANCE: Duration = Duration::from_millis(20);

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// How it is.
    pub text: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Ok,
    /// It works, and should be changed.
    Warning,
    /// It does not work.
    Failure,
}

impl Verdict {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

impl Finding {
    /// Something that is as it should be.
    pub fn ok(subject: &'static str, text: impl Display) -> Self {
        Self {
            subject,
            verdict: Verdict::Ok,
            text: text.to_string(),
            advice: None,
        }
    }

    /// Something that works, and what to change about it.
    pub fn warning(subject: &'static str, text: impl Display, advice: impl Display) -> Self {
        Self {
            verdict: Verdict::Warning,
            advice: Some(advice.to_string()),
            ..Self::ok(subject, text)
        }
    }

    /// Something that does not work. The text says what to do, if it is not said apart.
    pub fn failure(subject: &'static str, text: impl Display) -> Self {
        Self {
            verdict: Verdict::Failure,
            ..Self::ok(subject, text)
        }
    }

    fn advise(mut self, advice: impl Display) -> Self {
        self.advice = Some(advice.to_string());
        self
    }
}

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
    prepare: bool,
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
                .for_each(|address| tell(tls(options, address)));
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
    let extent = match examine(&open, config, prepare, &mut tell).await {
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

/// How a connection to an address is secured.
fn tls(options: &ConnectOptions, address: &Address) -> Finding {
    let said = |text: &str| format!("{address}: {text}");
    match (&address.host, options.ssl_mode(address)) {
        (Host::Unix(_), _) => Finding::ok("tls", said("a unix socket, which needs none")),
        (Host::Network(_), SslMode::VerifyFull) => Finding::ok(
            "tls",
            said("encrypted, and the server's certificate and name are verified"),
        ),
        (Host::Network(_), SslMode::VerifyCa) => Finding::warning(
            "tls",
            said(
                "encrypted, and the server's name is not verified: any certificate of the authority will do",
            ),
            "use sslmode=verify-full",
        ),
        (Host::Network(_), SslMode::Require) => Finding::warning(
            "tls",
            said("encrypted, and whoever answers is believed"),
            "use sslmode=verify-full, with the file of the server's authority in sslrootcert",
        ),
        (Host::Network(_), SslMode::Disable) if address.is_loopback() => {
            Finding::ok("tls", said("none, on this machine"))
        }
        (Host::Network(_), SslMode::Disable) => Finding::warning(
            "tls",
            said("none: whoever is in between reads and changes everything"),
            "use sslmode=verify-full",
        ),
    }
}

async fn examine(
    open: &OpenDatabase,
    config: &DatabaseConfig,
    prepare: bool,
    tell: &mut impl FnMut(Finding),
) -> Result<Extent, Error> {
    let database = open.database();
    tell(Finding::ok("connection", place(open, config)));
    tell(server(database));
    // A connection that is not serializable is refused when it is made.
    tell(Finding::ok("isolation", "serializable"));
    let mut examiner = database.examiner().await?;
    let role = examiner.role().await?;
    tell(of_role(&role, open.development().is_some()));
    tell(of_tables(&role));
    let clock = examiner.clock().await?;
    tell(of_clock(&clock));
    tell(of_round_trip(&clock));
    if let Target::Server { options, .. } = &config.database {
        let capacity = examiner.capacity().await?;
        tell(of_pool(options.pool().max_connections, &capacity, &role));
    }
    of_markers(&mut examiner, &role, prepare, tell).await
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

fn server(database: &Database) -> Finding {
    let server = database.server();
    match server.too_old() {
        None => Finding::ok("server", server),
        Some(needed) => Finding::warning(
            "server",
            format!("{server}, which the host was never tried with"),
            format!("use {needed} or newer, or CockroachDB"),
        ),
    }
}

fn of_role(role: &Role, is_development: bool) -> Finding {
    let name = &role.name;
    if role.is_superuser && !is_development {
        return Finding::warning(
            "role",
            format!("`{name}` is a superuser: no privilege stops a plugin that was granted `sql`"),
            "make a role with only the privileges that plugins need, and log in as that one",
        );
    }
    let powers = [
        (role.is_superuser, "is a superuser"),
        (
            role.bypasses_row_security,
            "is not bound by row-level security",
        ),
        (role.creates_roles, "may make roles"),
    ];
    let powers: Vec<_> = powers
        .iter()
        .filter(|(has, _)| *has)
        .map(|(_, power)| *power)
        .collect();
    match powers.join(", ") {
        powers if powers.is_empty() => Finding::ok("role", format!("`{name}` is no superuser")),
        powers if is_development => Finding::ok("role", format!("`{name}` {powers}")),
        powers => Finding::warning(
            "role",
            format!("`{name}` {powers}"),
            "take that from it, unless plugins need it",
        ),
    }
}

fn of_tables(role: &Role) -> Finding {
    match &role.schema {
        Some(schema) if role.creates_tables => {
            Finding::ok("tables", format!("can be made in schema `{schema}`"))
        }
        Some(schema) => Finding::ok(
            "tables",
            format!(
                "cannot be made in schema `{schema}`, which only plugins with the grant `schema` would need"
            ),
        ),
        None => Finding::warning(
            "tables",
            "no schema of the role's search path is there: tables are found only by schema and name",
            "make the schema, or set search_path for the role",
        ),
    }
}

fn of_clock(clock: &Clock) -> Finding {
    let off = Duration::from_millis(clock.ahead_ms.unsigned_abs());
    let uncertainty = clock.uncertainty.as_millis();
    let text = match clock.ahead_ms {
        0 => format!("agrees with this machine's, give or take {uncertainty} ms"),
        ms => format!(
            "{} ms {} this machine's, give or take {uncertainty} ms",
            ms.unsigned_abs(),
            if ms > 0 { "ahead of" } else { "behind" }
        ),
    };
    if off <= CLOCK_TOLERANCE + clock.uncertainty {
        return Finding::ok("clock", text);
    }
    Finding::warning(
        "clock",
        text,
        "synchronise both machines' clocks, as with chrony",
    )
}

fn of_round_trip(clock: &Clock) -> Finding {
    let text = format!("{:.1} ms", clock.round_trip.as_secs_f64() * 1_000.0);
    if clock.round_trip <= ROUND_TRIP_TOLERANCE {
        return Finding::ok("round trip", text);
    }
    Finding::warning(
        "round trip",
        format!("{text}, of which every call has one and every transaction several"),
        "run the host nearer to the database",
    )
}

fn of_pool(ours: usize, capacity: &Capacity, role: &Role) -> Finding {
    let ours = ours as u64;
    let bounds = [
        (capacity.maximum, "the server takes"),
        (role.connection_limit, "the role may have"),
    ];
    let bound = bounds
        .into_iter()
        .filter_map(|(maximum, whose)| Some((maximum?, whose)))
        .min();
    let Some((maximum, whose)) = bound else {
        return Finding::ok(
            "connections",
            format!("up to {ours}; the server does not say how many it takes"),
        );
    };
    let in_use = capacity
        .in_use
        .map(|count| format!(", {count} of them in use now"));
    let text = format!(
        "up to {ours}; {whose} {maximum}{}",
        in_use.unwrap_or_default()
    );
    if ours <= maximum {
        return Finding::ok("connections", text);
    }
    Finding::warning(
        "connections",
        text,
        format!("lower max_connections to {maximum} at most, and leave some to others"),
    )
}

/// Whether an ambiguous commit can be settled here, after preparing for it if that was asked for.
async fn of_markers(
    examiner: &mut Examiner<'_>,
    role: &Role,
    prepare: bool,
    tell: &mut impl FnMut(Finding),
) -> Result<Extent, Error> {
    let schema = Examiner::OWN_SCHEMA;
    let table = format!("{schema}.commit_marker");
    if prepare {
        match examiner.prepare().await {
            Ok(Prepared::Made) => tell(Finding::ok("prepare", format!("made table {table}"))),
            Ok(Prepared::Before) => {
                tell(Finding::ok(
                    "prepare",
                    format!("nothing to do: table {table} is there"),
                ));
            }
            Err(Error::Database(error)) => {
                let finding = Finding::failure("prepare", format!("table {table}: {error}"));
                tell(finding.advise(format!(
                    "let a role do it once that may: GRANT CREATE ON DATABASE … TO \"{}\", or log in as the database's owner",
                    role.name
                )));
                return Ok(Extent::Refused);
            }
            Err(error) => return Err(error),
        }
    }
    tell(match examiner.markers().await? {
        Markers::Usable => Finding::ok(
            "commit markers",
            format!("table {table} is there: a commit whose answer is lost can be settled"),
        ),
        Markers::Missing => Finding::warning(
            "commit markers",
            format!("there is no table {table}: a commit whose answer is lost stays ambiguous"),
            if role.creates_schemas {
                "run `host check --prepare` once"
            } else {
                "run `host check --prepare` once, as a role that may make schemas"
            },
        ),
        Markers::Denied(lacking) => {
            let role = &role.name;
            let on_table: Vec<_> = lacking.iter().copied().filter(|p| *p != "USAGE").collect();
            let on_schema = lacking.contains(&"USAGE");
            let grants = [
                on_schema.then(|| format!("GRANT USAGE ON SCHEMA {schema} TO \"{role}\"")),
                (!on_table.is_empty())
                    .then(|| format!("GRANT {} ON {table} TO \"{role}\"", on_table.join(", "))),
            ];
            Finding::warning(
                "commit markers",
                format!(
                    "`{role}` may not use table {table}: a commit whose answer is lost stays ambiguous"
                ),
                grants.into_iter().flatten().collect::<Vec<_>>().join("; "),
            )
        }
    });
    Ok(Extent::Everything)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        Capacity, Clock, ConnectOptions, Finding, Role, Verdict, of_clock, of_pool, of_role,
        of_round_trip, of_tables, tls,
    };

    fn role() -> Role {
        Role {
            name: "app".to_owned(),
            is_superuser: false,
            bypasses_row_security: false,
            creates_roles: false,
            connection_limit: None,
            creates_schemas: false,
            schema: Some("public".to_owned()),
            creates_tables: true,
        }
    }

    #[track_caller]
    fn is(finding: &Finding, verdict: Verdict, words: &str) {
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.text.contains(words), "{finding:?}");
        assert_eq!(
            finding.advice.is_some(),
            verdict != Verdict::Ok,
            "{finding:?}"
        );
    }

    #[test]
    fn a_connection_that_can_be_listened_to_is_told() {
        let finding = |url: &str| {
            let options = ConnectOptions::from_url(url).expect("a good URL");
            tls(&options, &options.addresses()[0])
        };
        is(
            &finding("postgresql://db.internal/x"),
            Verdict::Ok,
            "db.internal:26257: encrypted, and the server's certificate",
        );
        is(
            &finding("postgresql://db.internal/x?sslmode=verify-ca"),
            Verdict::Warning,
            "name is not verified",
        );
        is(
            &finding("postgresql://db.internal/x?sslmode=require"),
            Verdict::Warning,
            "whoever answers is believed",
        );
        is(
            &finding("postgresql://db.internal/x?sslmode=disable"),
            Verdict::Warning,
            "none: whoever is in between",
        );
        is(
            &finding("postgresql://localhost/x?sslmode=disable"),
            Verdict::Ok,
            "none, on this machine",
        );
        is(
            &finding("postgresql:///x?host=/run/pg"),
            Verdict::Ok,
            "a unix socket",
        );
    }

    #[test]
    fn a_role_with_too_much_power_is_told_except_on_the_development_database() {
        is(
            &of_role(&role(), false),
            Verdict::Ok,
            "`app` is no superuser",
        );
        let superuser = Role {
            is_superuser: true,
            ..role()
        };
        is(
            &of_role(&superuser, false),
            Verdict::Warning,
            "`app` is a superuser",
        );
        is(
            &of_role(&superuser, true),
            Verdict::Ok,
            "`app` is a superuser",
        );
        let maker = Role {
            creates_roles: true,
            bypasses_row_security: true,
            ..role()
        };
        is(
            &of_role(&maker, false),
            Verdict::Warning,
            "row-level security, may make roles",
        );
        let lost = Role {
            schema: None,
            creates_tables: false,
            ..role()
        };
        is(&of_tables(&lost), Verdict::Warning, "no schema");
        let reader = Role {
            creates_tables: false,
            ..role()
        };
        is(
            &of_tables(&reader),
            Verdict::Ok,
            "cannot be made in schema `public`",
        );
    }

    #[test]
    fn a_clock_is_off_only_beyond_what_can_be_measured() {
        let clock = |ahead_ms, uncertainty_ms| Clock {
            ahead_ms,
            uncertainty: Duration::from_millis(uncertainty_ms),
            round_trip: Duration::from_millis(2 * uncertainty_ms),
        };
        is(&of_clock(&clock(0, 1)), Verdict::Ok, "agrees");
        is(
            &of_clock(&clock(-40, 1)),
            Verdict::Ok,
            "40 ms behind this machine's",
        );
        is(
            &of_clock(&clock(600, 1)),
            Verdict::Warning,
            "600 ms ahead of",
        );
        is(
            &of_clock(&clock(600, 200)),
            Verdict::Ok,
            "give or take 200 ms",
        );
        is(&of_round_trip(&clock(0, 1)), Verdict::Ok, "2.0 ms");
        is(&of_round_trip(&clock(0, 30)), Verdict::Warning, "60.0 ms");
    }

    #[test]
    fn a_pool_that_the_server_cannot_fill_is_told() {
        let capacity = |maximum, in_use| Capacity { maximum, in_use };
        is(
            &of_pool(10, &capacity(Some(100), Some(7)), &role()),
            Verdict::Ok,
            "up to 10; the server takes 100, 7 of them",
        );
        is(
            &of_pool(10, &capacity(Some(5), None), &role()),
            Verdict::Warning,
            "the server takes 5",
        );
        let bounded = Role {
            connection_limit: Some(3),
            ..role()
        };
        is(
            &of_pool(10, &capacity(Some(100), None), &bounded),
            Verdict::Warning,
            "the role may have 3",
        );
        is(
            &of_pool(10, &capacity(None, None), &role()),
            Verdict::Ok,
            "does not say",
        );
    }
}
