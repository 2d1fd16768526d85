use std::collections::HashMap;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What a client asked in one request: everything until the server has to say that it is ready.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// On which connection to a fake server, from 0.
    pub connection: usize,
    /// Which request on it, from 0, which is the start-up. Requests that only close statements do not count.
    pub number: usize,
    /// The kinds of its frames, such as `PBDES` or `Q`; `start` for the start-up, and `p` for a step of the login.
    pub kinds: String,
    /// The SQL text, if there is one, also that of a statement that was prepared before.
    pub text: String,
    /// The name of the prepared statement; empty for none.
    pub statement: String,
    /// How many parameters the text was said to have.
    pub parameters: u16,
    /// All of it, as it came.
    pub bytes: Vec<u8>,
}

impl Asked {
    /// Reads a start-up message; nothing if the client asks for TLS or to cancel, or is gone.
    pub(super) async fn start(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let length = stream.read_u32().await.ok()?;
        let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
        stream.read_exact(&mut body).await.ok()?;
        if body.starts_with(&80_877_102_u32.to_be_bytes()) {
            return None;
        }
        Some(Self {
            kinds: "start".to_owned(),
            text: String::from_utf8_lossy(&body).into_owned(),
            bytes: [&length.to_be_bytes()[..], &body].concat(),
            ..Self::default()
        })
    }

    /// Reads a request; nothing if the client is gone.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut asked = Self::default();
        loop {
            let kind = stream.read_u8().await.ok()?;
            let length = stream.read_u32().await.ok()?;
            let mut body = vec![0; usize::try_from(length).ok()?.checked_sub(4)?];
            stream.read_exact(&mut body).await.ok()?;
            asked.bytes.push(kind);
            asked.bytes.extend_from_slice(&length.to_be_bytes());
            asked.bytes.extend_from_slice(&body);
            asked.kinds.push(char::from(kind));
            let mut parts = body.split(|&byte| byte == 0);
            match kind {
                b'Q' => asked.text = text(parts.next()),
                b'B' => asked.statement = text(parts.nth(1)),
                b'P' => {
                    asked.statement = text(parts.next());
                    asked.text = text(parts.next());
                    let names = asked.statement.len() + asked.text.len() + 2;
                    let rest = body.get(names..).unwrap_or_default();
                    let count = rest.first_chunk().copied().unwrap_or_default();
                    asked.parameters = u16::from_be_bytes(count);
                }
                _ => {}
            }
            if matches!(kind, b'Q' | b'S' | b'X' | b'p') {
                return Some(asked);
            }
        }
    }

    /// Whether it only closes statements.
    pub fn closes(&self) -> bool {
        self.kinds.starts_with('C')
    }
}

/// The statements that were prepared on a connection, by their names.
#[derive(Debug, Default)]
pub(super) struct Prepared(HashMap<String, String>);

impl Prepared {
    /// Takes note of what is prepared, and tells the text of what was.
    pub(super) fn resolve(&mut self, asked: &mut Asked) {
        if asked.kinds.starts_with('P') {
            self.0.insert(asked.statement.clone(), asked.text.clone());
        } else if asked.kinds.starts_with('B') {
            asked.text = self.0.get(&asked.statement).cloned().unwrap_or_default();
        }
    }
}

fn text(part: Option<&[u8]>) -> String {
    String::from_utf8_lossy(part.unwrap_or_default()).into_owned()
}
