use super::InvalidOptions;

/// What libpq knows and we do not do, and what to do instead.
const REFUSED: &[(&str, &str)] = &[
    (
        "gssdelegation",
        "GSSAPI is not supported: log in with a password or a client certificate",
    ),
    (
        "gsslib",
        "GSSAPI is not supported: log in with a password or a client certificate",
    ),
    ("hostaddr", "write the address as `host`"),
    (
        "krbsrvname",
        "GSSAPI is not supported: log in with a password or a client certificate",
    ),
    (
        "passfile",
        "password files are not read: give `password`, or set PGPASSWORD",
    ),
    (
        "replication",
        "connections for replication are not supported",
    ),
    (
        "require_auth",
        "it is not supported: `channel_binding=require` and `sslmode=verify-full` keep the password safe",
    ),
    (
        "requirepeer",
        "it is not supported: protect the socket's directory by its permissions",
    ),
    (
        "requiressl",
        "write `sslmode=require` or better `sslmode=verify-full`",
    ),
    (
        "service",
        "service files are not read: give the parameters themselves",
    ),
    (
        "servicefile",
        "service files are not read: give the parameters themselves",
    ),
    (
        "ssl_max_protocol_version",
        "the newest version that both sides know is always used",
    ),
    (
        "sslcertmode",
        "a client certificate is sent if `sslcert` is given and the server asks for it",
    ),
    ("sslcrl", "revocation lists are not supported"),
    ("sslcrldir", "revocation lists are not supported"),
    (
        "sslinline",
        "give the certificates as files: `sslrootcert`, `sslcert`, `sslkey`",
    ),
    (
        "sslpassword",
        "encrypted keys are not supported: decrypt the key into a file that only you can read",
    ),
];

/// Parameters of which only the values that ask for nothing are accepted.
const ONLY: &[(&str, &[&str], &str)] = &[
    (
        "client_encoding",
        &["utf8", "UTF8", "UTF-8", "utf-8", "auto"],
        "text is always sent and read as UTF-8",
    ),
    (
        "gssencmode",
        &["disable", "prefer"],
        "GSSAPI encryption is not supported: use TLS",
    ),
    (
        "sslcompression",
        &["0"],
        "TLS compression is not supported, for it is unsafe",
    ),
    (
        "sslnegotiation",
        &["postgres"],
        "only the usual negotiation, `postgres`, is supported",
    ),
    (
        "target_session_attrs",
        &["any"],
        "servers are tried in their order and the first that answers is used: list only those that you mean",
    ),
];

/// Settings of the session that the host makes itself: what a value means depends on them.
const SETTLED: [&str; 5] = [
    "timezone",
    "datestyle",
    "intervalstyle",
    "extra_float_digits",
    "bytea_output",
];

/// Refuses settings of the session that the host would override.
pub(super) fn check_session(options: &str) -> Result<(), InvalidOptions> {
    for word in options.split_ascii_whitespace() {
        let setting = word.trim_start_matches("--").trim_start_matches("-c");
        let name = setting.split('=').next().unwrap_or_default();
        let name = name.replace('-', "_").to_ascii_lowercase();
        if SETTLED.contains(&name.as_str()) {
            return Err(InvalidOptions::new(format!(
                "`options` cannot set `{name}`: the host settles it, so that a value means the same on every connection"
            )));
        }
    }
    Ok(())
}

/// Accepts a parameter that asks for nothing, or refuses it with a sentence.
pub(super) fn accept_or_refuse(name: &str, value: &str) -> Result<(), InvalidOptions> {
    if let Some((_, accepted, reason)) = ONLY.iter().find(|(known, ..)| *known == name) {
        if accepted.contains(&value) {
            return Ok(());
        }
        return Err(InvalidOptions::new(format!(
            "this value of `{name}` is refused: {reason}"
        )));
    }
    if let Some((_, reason)) = REFUSED.iter().find(|(known, _)| *known == name) {
        return Err(InvalidOptions::new(format!(
            "`{name}` is refused: {reason}"
        )));
    }
    // What looks unlike a name may be a piece of a password that was not encoded.
    let looks_like_a_name = name.len() <= 40
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
    let shown = if looks_like_a_name && !name.is_empty() {
        format!("`{name}` is")
    } else {
        "there is a name that is".to_owned()
    };
    Err(InvalidOptions::new(format!(
        "{shown} no connection parameter; a setting of the session is written `options=-c name=value`"
    )))
}
