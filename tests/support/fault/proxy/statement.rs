/// A statement that a client asks to be run: by a simple query, or by Execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// On which connection to the proxy, from 0. Those that only ask to cancel do not count.
    pub connection: usize,
    /// Which statement on it, from 0; those that the client sets its connection up with count.
    pub number: usize,
    /// Its text, also if it was prepared before.
    pub text: String,
    /// The texts of its transaction before it, if that began with BEGIN.
    pub transaction: Vec<String>,
}

/// Which statements are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    Any,
    /// Those with this number on their connection, from 0.
    Number(usize),
    /// Those whose text begins so.
    Beginning(&'static str),
    /// COMMIT, however it is sent.
    Commit,
    /// COMMIT of a transaction in which there was a statement whose text begins so.
    CommitOf(&'static str),
}

/// What a statement does to the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Begin,
    Commit,
    RollBack,
    RollBackTo,
    Nothing,
}

impl Which {
    pub(super) fn holds(self, statement: &Statement) -> bool {
        match self {
            Self::Any => true,
            Self::Number(number) => statement.number == number,
            Self::Beginning(text) => statement.text.starts_with(text),
            Self::Commit => statement.control() == Control::Commit,
            Self::CommitOf(text) => {
                let mut before = statement.transaction.iter();
                Self::Commit.holds(statement) && before.any(|before| before.starts_with(text))
            }
        }
    }
}

impl Statement {
    /// What it does to the transaction. Of several in one simple query, the last that does anything tells.
    pub(super) fn control(&self) -> Control {
        let controls = self.text.split(';').map(control);
        let mut controls = controls.filter(|control| *control != Control::Nothing);
        controls.next_back().unwrap_or(Control::Nothing)
    }
}

/// What one statement does to the transaction.
pub(super) fn control(text: &str) -> Control {
    let mut words = text.split_whitespace().map(str::to_ascii_uppercase);
    let first = words.next().unwrap_or_default();
    let goes_back_to = words.any(|word| word == "TO");
    match first.as_str() {
        "BEGIN" | "START" => Control::Begin,
        "COMMIT" | "END" => Control::Commit,
        "ROLLBACK" | "ABORT" if goes_back_to => Control::RollBackTo,
        "ROLLBACK" | "ABORT" => Control::RollBack,
        _ => Control::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::{Control, control};

    #[test]
    fn what_controls_a_transaction_is_known_by_its_first_words() {
        for (text, expected) in [
            ("BEGIN ISOLATION LEVEL SERIALIZABLE", Control::Begin),
            ("start transaction", Control::Begin),
            (" commit", Control::Commit),
            ("END", Control::Commit),
            ("ROLLBACK", Control::RollBack),
            ("ROLLBACK TO SAVEPOINT s", Control::RollBackTo),
            ("SELECT 'COMMIT'", Control::Nothing),
            ("", Control::Nothing),
        ] {
            assert_eq!(control(text), expected, "{text}");
        }
    }
}
