use std::{collections::BTreeSet, fmt, str::FromStr};

/// One interface of the contract: a kind of thing that a plugin may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// Reading rows of tables by requests whose SQL the host writes.
    Reads,
    /// Changing rows of tables by requests whose SQL the host writes.
    Writes,
    /// SQL text.
    Sql,
    /// Making, removing and describing tables.
    Schema,
    /// Making databases.
    Databases,
    /// Several calls that happen as one.
    Transactions,
    /// What this run is.
    Session,
    /// Messages for the operator's log.
    Logging,
}

/// A text that names no [`Capability`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no grant: it is one of {known}, or `all`", known = Capability::names())]
pub struct UnknownCapability(String);

impl Capability {
    /// Every capability, in the order of the contract.
    pub const ALL: [Self; 8] = [
        Self::Reads,
        Self::Writes,
        Self::Sql,
        Self::Schema,
        Self::Databases,
        Self::Transactions,
        Self::Session,
        Self::Logging,
    ];

    /// The name of the interface, which is also the name of the grant.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Sql => "sql",
            Self::Schema => "schema",
            Self::Databases => "databases",
            Self::Transactions => "transactions",
            Self::Session => "session",
            Self::Logging => "logging",
        }
    }

    fn names() -> String {
        Self::ALL
            .map(|capability| format!("`{}`", capability.name()))
            .join(", ")
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What one plugin may ask for, for one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants(BTreeSet<Capability>);

impl Grants {
    /// What every plugin may do on any database: its own data work, without SQL text or schema changes.
    pub fn standard() -> Self {
        use Capability::{Logging, Reads, Session, Transactions, Writes};
        Self(BTreeSet::from([
            Reads,
            Writes,
            Transactions,
            Session,
            Logging,
        ]))
    }

    /// Nothing: the start of a list.
    pub fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Everything.
    pub fn all() -> Self {
        Self(BTreeSet::from(Capability::ALL))
    }

    /// Adds everything that the other grants allow.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// Whether this capability was granted.
    pub fn allow(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }

    /// The capabilities granted, in the order of the contract.
    pub fn iter(&self) -> impl Iterator<Item = Capability> {
        self.0.iter().copied()
    }
}

impl FromStr for Grants {
    type Err = UnknownCapability;

    /// Reads a list such as `sql,schema`, or `all`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "all" {
            return Ok(Self::all());
        }
        let named = |name: &str| {
            let known = Capability::ALL
                .into_iter()
                .find(|capability| capability.name() == name);
            known.ok_or_else(|| UnknownCapability(name.to_owned()))
        };
        text.split(',')
            .map(|name| named(name.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Capability, Grants};

    #[test]
    fn grants_are_read_from_a_list() {
        let grants: Grants = "sql, schema".parse().expect("two grants");
        assert_eq!(
            grants.iter().collect::<Vec<_>>(),
            [Capability::Sql, Capability::Schema]
        );
        assert_eq!("all".parse::<Grants>().expect("all"), Grants::all());
    }

    #[test]
    fn an_unknown_grant_is_refused_with_the_known_ones() {
        let error = "sql,files"
            .parse::<Grants>()
            .expect_err("no such grant")
            .to_string();
        assert!(
            error.starts_with("`files` is no grant: it is one of `reads`, `writes`, `sql`"),
            "{error}"
        );
        assert!("".parse::<Grants>().is_err());
    }
}
