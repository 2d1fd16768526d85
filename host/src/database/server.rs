/// What is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Which product it is.
    pub kind: ServerKind,
    /// Its version in its own words.
    pub version: String,
}

/// The databases that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// CockroachDB, the target.
    CockroachDb,
    /// PostgreSQL, for development and tests.
    PostgreSql,
}

impl Server {
    /// Tells the kind by what the server said at start-up: its version, and CockroachDB's own.
    pub(super) fn from_versions(versions: (Option<String>, Option<String>)) -> Self {
        match versions {
            (_, Some(version)) => Self {
                kind: ServerKind::CockroachDb,
                version,
            },
            (version, None) => Self {
                kind: ServerKind::PostgreSql,
                version: version.unwrap_or_default(),
            },
        }
    }
}

impl Server {
    /// The version that is needed, if this one is older.
    pub fn too_old(&self) -> Option<&'static str> {
        let (oldest, name) = self.kind.oldest_version()?;
        let digits = self.version.split(|c: char| !c.is_ascii_digit()).next()?;
        (digits.parse::<u32>().ok()? < oldest).then_some(name)
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            // Its version begins with its name.
            ServerKind::CockroachDb => formatter.write_str(&self.version),
            ServerKind::PostgreSql => write!(formatter, "PostgreSQL {}", self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Server;

    #[test]
    fn an_old_server_is_told_from_a_new_one() {
        let postgresql = |version: &str| Server::from_versions((Some(version.to_owned()), None));
        assert_eq!(postgresql("14.9").too_old(), Some("PostgreSQL 15"));
        assert_eq!(postgresql("15.18 (Debian 15.18-0)").too_old(), None);
        assert_eq!(postgresql("18beta1").too_old(), None);
        let cockroachdb = "CockroachDB CCL v25.4.1 (x86_64)".to_owned();
        let cockroachdb = Server::from_versions((Some("13.0.0".to_owned()), Some(cockroachdb)));
        assert_eq!(cockroachdb.too_old(), None);
    }
}
