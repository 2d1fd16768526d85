use std::{fmt, str::FromStr};

/// The name of a tenant: 1 to 40 lower-case letters, digits, `-` and `_`, a letter first.
///
/// So it can be a key in a configuration, a field in a log, and part of a role's or a database's name without quoting.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(String);

/// A text that is no [`TenantId`].
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no tenant name: it takes 1 to 40 lower-case letters, digits, `-` and `_`, beginning with a letter"
)]
pub struct InvalidTenantId(String);

impl TenantId {
    /// The tenant of a run that names none.
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = InvalidTenantId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if text.len() <= 40
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(allowed)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTenantId(text.to_owned()))
        }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::TenantId;

    #[test]
    fn a_tenant_name_is_parsed_or_refused() {
        for good in ["a", "acme", "acme-2", "a_b"] {
            assert_eq!(good.parse::<TenantId>().expect(good).as_str(), good);
        }
        for bad in ["", "2a", "A", "a b", "a.b", "ä", &"a".repeat(41)] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad} was accepted");
        }
    }
}
