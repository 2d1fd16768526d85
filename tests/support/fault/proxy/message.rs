use std::borrow::Cow;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::fault::frame;

/// What a start-up can be instead of one: the number where the version stands.
const CANCEL: u32 = 80_877_102;
const TLS: [u32; 2] = [80_877_103, 80_877_104];

/// One message of either side.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// Its kind; zero for a start-up, which has none.
    pub(super) kind: u8,
    /// All of it, as it goes over the wire.
    pub(super) bytes: Vec<u8>,
}

impl Message {
    /// A message of this kind.
    pub(super) fn new(kind: u8, body: &[u8]) -> Self {
        Self {
            kind,
            bytes: frame(kind, body),
        }
    }

    /// A simple query.
    pub(super) fn query(text: &str) -> Self {
        Self::new(b'Q', &[text.as_bytes(), b"\0"].concat())
    }

    /// Reads a message; nothing if the other side is gone.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let kind = stream.read_u8().await.ok()?;
        let mut bytes = vec![kind];
        rest(stream, &mut bytes).await?;
        Some(Self { kind, bytes })
    }

    /// Reads the message that a connection begins with.
    pub(super) async fn read_start(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut bytes = Vec::new();
        rest(stream, &mut bytes).await?;
        Some(Self { kind: 0, bytes })
    }

    /// What follows its kind and its length.
    pub(super) fn body(&self) -> &[u8] {
        let header = if self.kind == 0 { 4 } else { 5 };
        self.bytes.get(header..).unwrap_or_default()
    }

    /// Its texts, each of which ends in a zero byte.
    pub(super) fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let parts = self.body().split(|&byte| byte == 0);
        parts.map(String::from_utf8_lossy)
    }

    /// The text at this place among them, from 0.
    pub(super) fn text(&self, place: usize) -> String {
        self.texts().nth(place).unwrap_or_default().into_owned()
    }

    /// Whether a client asks for a secure connection before the real start.
    pub(super) fn asks_for_tls(&self) -> bool {
        self.version().is_some_and(|number| TLS.contains(&number))
    }

    /// Whether a client asks to cancel what another connection does.
    pub(super) fn cancels(&self) -> bool {
        self.version() == Some(CANCEL)
    }

    fn version(&self) -> Option<u32> {
        let number = self.body().first_chunk().copied()?;
        (self.kind == 0).then(|| u32::from_be_bytes(number))
    }
}

/// Reads a length and what it is the length of.
async fn rest(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> Option<()> {
    let length = stream.read_u32().await.ok()?;
    bytes.extend_from_slice(&length.to_be_bytes());
    let start = bytes.len();
    let body = usize::try_from(length).ok()?.checked_sub(4)?;
    bytes.resize(start + body, 0);
    stream.read_exact(bytes.get_mut(start..)?).await.ok()?;
    Some(())
}
