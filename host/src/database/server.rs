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

impl std::fmt::Display for Server {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            // Its version begins with its name.
            ServerKind::CockroachDb => formatter.write_str(&self.version),
            ServerKind::PostgreSql => write!(formatter, "PostgreSQL {}", self.version),
        }
    }
}
