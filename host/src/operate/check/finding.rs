use std::fmt::Display;

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// How it is.
    pub text: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Ok,
    /// It works, and should be changed.
    Warning,
    /// It does not work.
    Failure,
}

impl Verdict {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

impl Finding {
    /// Something that is as it should be.
    pub fn ok(subject: &'static str, text: impl Display) -> Self {
        Self {
            subject,
            verdict: Verdict::Ok,
            text: text.to_string(),
            advice: None,
        }
    }

    /// Something that works, and what to change about it.
    pub fn warning(subject: &'static str, text: impl Display, advice: impl Display) -> Self {
        Self {
            verdict: Verdict::Warning,
            advice: Some(advice.to_string()),
            ..Self::ok(subject, text)
        }
    }

    /// Something that does not work. The text says what to do, if it is not said apart.
    pub fn failure(subject: &'static str, text: impl Display) -> Self {
        Self {
            verdict: Verdict::Failure,
            ..Self::ok(subject, text)
        }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Display) -> Self {
        self.advice = Some(advice.to_string());
        self
    }
}
