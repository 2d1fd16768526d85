use percent_encoding::percent_decode_str;

use super::{InvalidOptions, OptionsBuilder};

const SCHEMES: [&str; 3] = ["postgresql://", "postgres://", "cockroachdb://"];
const ENCODE: &str = "in a user name or a password, `@`, `:`, `/`, `?`, `#` and `%` are written `%40`, `%3A`, `%2F`, \
                      `%3F`, `%23` and `%25`";

/// Sets every parameter that the URL has.
pub(super) fn read(url: &str, builder: &mut OptionsBuilder) -> Result<(), InvalidOptions> {
    let rest = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or_else(|| {
        InvalidOptions::new(
            "a database URL begins with `postgresql://`, `postgres://` or `cockroachdb://`",
        )
    })?;
    let (location, query) = split(rest, '?');
    let (authority, database) = split(location, '/');
    let outside = database.iter().chain(&query);
    if rest.contains('#')
        || (!authority.contains('@') && outside.clone().any(|part| part.contains('@')))
    {
        return Err(InvalidOptions::new(format!(
            "the database URL cannot be read: {ENCODE}"
        )));
    }
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    if let Some(login) = login {
        let (user, password) = split(login, ':');
        set(builder, "user", user)?;
        if let Some(password) = password {
            set(builder, "password", password)?;
        }
    }
    read_hosts(hosts, builder)?;
    if let Some(database) = database {
        set(builder, "database", database)?;
    }
    for pair in query.unwrap_or_default().split('&') {
        if !pair.is_empty() {
            let (name, value) = split(pair, '=');
            let value = value.ok_or_else(|| {
                InvalidOptions::new(
                    "a parameter in the database URL has no value: each is `name=value`",
                )
            })?;
            builder.set(
                &decode(name, "the name of a parameter")?,
                &decode(value, "a parameter")?,
            )?;
        }
    }
    Ok(())
}

fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn set(builder: &mut OptionsBuilder, name: &str, encoded: &str) -> Result<(), InvalidOptions> {
    if encoded.is_empty() {
        return Ok(());
    }
    builder.set(name, &decode(encoded, &format!("the {name}"))?)
}

/// Reads `h1:1,h2,[::1]:3`.
fn read_hosts(text: &str, builder: &mut OptionsBuilder) -> Result<(), InvalidOptions> {
    if text.is_empty() {
        return Ok(());
    }
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for part in text.split(',') {
        let (host, port) = match part.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, after)) => (
                host,
                after
                    .strip_prefix(':')
                    .or(Some(after).filter(|after| !after.is_empty())),
            ),
            None => split(part, ':'),
        };
        let host = decode(host, "the host")?;
        if host.contains(',') {
            return Err(InvalidOptions::new(
                "a host's name in the database URL holds a comma",
            ));
        }
        hosts.push(host);
        ports.push(port.unwrap_or_default());
    }
    if ports
        .iter()
        .any(|port| !port.is_empty() && port.parse::<u16>().is_err())
    {
        // What stands here may be a piece of a password, so it is not shown.
        return Err(InvalidOptions::new(format!(
            "the port in the database URL is no number from 1 to 65535; {ENCODE}"
        )));
    }
    builder.set("host", &hosts.join(","))?;
    if ports.iter().any(|port| !port.is_empty()) {
        builder.set("port", &ports.join(","))?;
    }
    Ok(())
}

fn decode(text: &str, what: &str) -> Result<String, InvalidOptions> {
    let mut after_percent = text.split('%').skip(1).map(str::as_bytes);
    let encoded =
        |part: &[u8]| matches!(part, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if !after_percent.all(encoded) {
        return Err(InvalidOptions::new(format!(
            "{what} in the database URL has a `%` that is not followed by two hexadecimal digits; {ENCODE}"
        )));
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(InvalidOptions::new(format!(
            "{what} in the database URL is no UTF-8"
        ))),
    }
}
