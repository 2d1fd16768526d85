//! What each thing that was looked at means for plugins.

use std::time::Duration;

use super::Finding;
use crate::database::{Address, Capacity, Clock, ConnectOptions, Host, Role, Server, SslMode};

/// A clock that is further off makes timestamps of plugins and of the database disagree visibly. CockroachDB's nodes stop at 500 ms among
/// themselves.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(500);

/// A round trip that is longer makes every transaction slow, since each has several.
const ROUND_TRIP_TOLERANCE: Duration = Duration::from_millis(20);

/// How a connection to an address is secured.
pub(super) fn tls(options: &ConnectOptions, address: &Address) -> Finding {
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

/// Whether it is new enough.
pub(super) fn server(server: &Server) -> Finding {
    match server.too_old() {
        None => Finding::ok("server", server),
        Some(needed) => Finding::warning(
            "server",
            format!("{server}, which the host was never tried with"),
            format!("use {needed} or newer, or CockroachDB"),
        ),
    }
}

/// How transactions are kept apart. A connection on which they are not serializable is refused when it is made.
pub(super) fn isolation(level: &str) -> Finding {
    match level {
        "serializable" => Finding::ok("isolation", level),
        other => Finding::failure(
            "isolation",
            format!("{other}, although serializable was asked for"),
        ),
    }
}

/// Whether privileges mean anything for it.
pub(super) fn role(role: &Role, is_development: bool) -> Finding {
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

/// Where plugins would make tables.
pub(super) fn tables(role: &Role) -> Finding {
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

/// Whether both clocks agree as far as it can be measured.
pub(super) fn clock(clock: &Clock) -> Finding {
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

/// Whether the database is near.
pub(super) fn round_trip(clock: &Clock) -> Finding {
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

/// Whether the server takes as many connections as the host may open.
pub(super) fn connections(ours: usize, capacity: &Capacity, role: &Role) -> Finding {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        Capacity, Clock, ConnectOptions, Finding, Role, clock, connections, isolation, role,
        round_trip, tables, tls,
    };
    use crate::operate::Verdict;

    fn app() -> Role {
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
    fn another_isolation_than_serializable_is_a_failure() {
        is(&isolation("serializable"), Verdict::Ok, "serializable");
        let other = isolation("read committed");
        assert_eq!(other.verdict, Verdict::Failure, "{other:?}");
    }

    #[test]
    fn a_role_with_too_much_power_is_told_except_on_the_development_database() {
        is(&role(&app(), false), Verdict::Ok, "`app` is no superuser");
        let superuser = Role {
            is_superuser: true,
            ..app()
        };
        is(
            &role(&superuser, false),
            Verdict::Warning,
            "`app` is a superuser",
        );
        is(&role(&superuser, true), Verdict::Ok, "`app` is a superuser");
        let maker = Role {
            creates_roles: true,
            bypasses_row_security: true,
            ..app()
        };
        is(
            &role(&maker, false),
            Verdict::Warning,
            "row-level security, may make roles",
        );
        let lost = Role {
            schema: None,
            creates_tables: false,
            ..app()
        };
        is(&tables(&lost), Verdict::Warning, "no schema");
        let reader = Role {
            creates_tables: false,
            ..app()
        };
        is(
            &tables(&reader),
            Verdict::Ok,
            "cannot be made in schema `public`",
        );
    }

    #[test]
    fn a_clock_is_off_only_beyond_what_can_be_measured() {
        let at = |ahead_ms, uncertainty_ms| Clock {
            ahead_ms,
            uncertainty: Duration::from_millis(uncertainty_ms),
            round_trip: Duration::from_millis(2 * uncertainty_ms),
        };
        is(&clock(&at(0, 1)), Verdict::Ok, "agrees");
        is(
            &clock(&at(-40, 1)),
            Verdict::Ok,
            "40 ms behind this machine's",
        );
        is(&clock(&at(600, 1)), Verdict::Warning, "600 ms ahead of");
        is(&clock(&at(600, 200)), Verdict::Ok, "give or take 200 ms");
        is(&round_trip(&at(0, 1)), Verdict::Ok, "2.0 ms");
        is(&round_trip(&at(0, 30)), Verdict::Warning, "60.0 ms");
    }

    #[test]
    fn a_pool_that_the_server_cannot_fill_is_told() {
        let capacity = |maximum, in_use| Capacity { maximum, in_use };
        is(
            &connections(10, &capacity(Some(100), Some(7)), &app()),
            Verdict::Ok,
            "up to 10; the server takes 100, 7 of them",
        );
        is(
            &connections(10, &capacity(Some(5), None), &app()),
            Verdict::Warning,
            "the server takes 5",
        );
        let bounded = Role {
            connection_limit: Some(3),
            ..app()
        };
        is(
            &connections(10, &capacity(Some(100), None), &bounded),
            Verdict::Warning,
            "the role may have 3",
        );
        is(
            &connections(10, &capacity(None, None), &app()),
            Verdict::Ok,
            "does not say",
        );
    }
}
