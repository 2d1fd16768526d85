use super::{InvalidOptions, OptionsBuilder};

/// The variables of libpq that concern a connection, and the parameters they stand for.
const VARIABLES: &[(&str, &str)] = &[
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGPASSFILE", "passfile"),
    ("PGDATABASE", "database"),
    ("PGAPPNAME", "application_name"),
    ("PGOPTIONS", "options"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGCLIENTENCODING", "client_encoding"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGSSLCOMPRESSION", "sslcompression"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLSNI", "sslsni"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGREQUIRESSL", "requiressl"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGKRBSRVNAME", "krbsrvname"),
    ("PGGSSLIB", "gsslib"),
    ("PGSERVICE", "service"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
];

/// Sets every parameter whose variable is set and not empty.
pub(super) fn read(
    variable: impl Fn(&str) -> Option<String>,
    builder: &mut OptionsBuilder,
) -> Result<(), InvalidOptions> {
    for (name, parameter) in VARIABLES {
        if let Some(value) = variable(name).filter(|value| !value.is_empty()) {
            builder
                .set(parameter, &value)
                .map_err(|error| InvalidOptions::new(format!("{name}: {error}")))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::ConnectOptions;

    fn from(variables: &[(&str, &str)]) -> Result<ConnectOptions, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        };
        ConnectOptions::from_env(variable).map_err(|error| error.to_string())
    }

    #[test]
    fn the_variables_mean_the_same_as_the_parameters() {
        let options = from(&[
            ("PGHOST", "/run/pg,db.example"),
            ("PGPORT", "5432,26257"),
            ("PGUSER", "me"),
            ("PGPASSWORD", "p%40ss"),
            ("PGDATABASE", "work"),
            ("PGSSLCERT", ""),
        ]);
        let expected = ConnectOptions::from_url(
            "postgres://me:p%2540ss@/work?host=%2Frun%2Fpg,db.example&port=5432,26257",
        );
        assert_eq!(options, Ok(expected.expect("a URL")));
    }

    #[test]
    fn without_variables_everything_has_its_default() {
        let url = ConnectOptions::from_url("postgresql://");
        assert_eq!(from(&[]), Ok(url.expect("a URL")));
    }

    #[test]
    fn a_variable_is_refused_by_its_own_name() {
        let error = from(&[("PGSSLMODE", "prefer")]).expect_err("refused");
        assert!(
            error.starts_with("PGSSLMODE: `sslmode=prefer` is refused"),
            "{error}"
        );
        let error = from(&[("PGSERVICE", "x")]).expect_err("refused");
        assert!(
            error.starts_with("PGSERVICE: `service` is refused"),
            "{error}"
        );
    }
}
