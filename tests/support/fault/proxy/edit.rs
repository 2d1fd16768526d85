use super::message::Message;

/// What is changed in the answer to a message of the client.
#[derive(Debug, Clone)]
pub(super) struct Edit {
    /// Whether anything but an error of it reaches the client.
    pub(super) is_hidden: bool,
    /// How many rows reach the client.
    pub(super) rows: usize,
    /// What becomes of its end.
    pub(super) end: End,
    /// What the client gets for an error.
    pub(super) error: Option<Vec<u8>>,
}

/// What becomes of the message that ends a statement.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// It passes.
    Passes,
    /// It passes with this tag.
    Tagged(&'static str),
    /// It does not reach the client.
    Dropped,
    /// This comes instead.
    Instead(Vec<u8>),
}

impl Edit {
    /// Nothing is changed.
    pub(super) fn none() -> Self {
        Self {
            is_hidden: false,
            rows: usize::MAX,
            end: End::Passes,
            error: None,
        }
    }

    /// It was the proxy that asked. Nothing reaches the client but this in place of an error.
    pub(super) fn hidden(error: Option<Vec<u8>>) -> Self {
        Self {
            is_hidden: true,
            error,
            ..Self::none()
        }
    }

    /// What the client gets for this message.
    pub(super) fn apply(&mut self, message: Message) -> Option<Message> {
        match message.kind {
            b'E' => Some(match self.error.take() {
                Some(bytes) => Message { kind: b'E', bytes },
                None => message,
            }),
            // What comes unasked, and that the server is ready.
            b'N' | b'S' | b'A' | b'Z' => Some(message),
            _ if self.is_hidden => None,
            b'D' => {
                let passes = self.rows > 0;
                self.rows = self.rows.saturating_sub(1);
                passes.then_some(message)
            }
            b'C' => match &self.end {
                End::Passes => Some(message),
                End::Tagged(tag) => Some(tagged(tag)),
                End::Dropped => None,
                End::Instead(bytes) => Some(Message {
                    kind: b'E',
                    bytes: bytes.clone(),
                }),
            },
            _ => Some(message),
        }
    }
}

/// That a statement was done, with this tag.
pub(super) fn tagged(tag: &str) -> Message {
    Message::new(b'C', &[tag.as_bytes(), b"\0"].concat())
}
