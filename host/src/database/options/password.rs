use std::fmt;

/// A password. It shows itself to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The characters themselves, for the login only.
    pub(in crate::database) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(hidden)")
    }
}

impl fmt::Display for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::Password;

    #[test]
    fn a_password_shows_itself_to_nobody() {
        let password = Password::from("hunter2".to_owned());
        assert_eq!(
            format!("{password} {password:?}"),
            "(hidden) Password(hidden)"
        );
        assert_eq!(password.reveal(), "hunter2");
    }
}
