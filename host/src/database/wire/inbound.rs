use tokio::io::ReadBuf;

use super::{
    End, Status, Wire,
    description::{columns, parameters},
    exchange::{CommandTag, error, is_misread, parameter},
    record::Record,
    tag,
};

const CHUNK: usize = 16 << 10;
const HEADER: usize = 5;

/// What came from the server and has not been given to the driver yet.
///
/// Frames that are looked into are held until they are whole; all others pass as they come.
#[derive(Debug)]
pub(super) struct Inbound {
    bytes: Vec<u8>,
    /// Given to the driver up to here.
    given: usize,
    /// May be given up to here.
    checked: usize,
    /// Filled up to here.
    filled: usize,
    /// How much is still to come, after `checked`, of the frame that is passing.
    passing: usize,
    /// How much room the frame that is held needs, from `checked`.
    needed: usize,
}

impl Default for Inbound {
    fn default() -> Self {
        Self {
            bytes: vec![0; CHUNK],
            given: 0,
            checked: 0,
            filled: 0,
            passing: 0,
            needed: HEADER,
        }
    }
}

impl Inbound {
    /// Gives the driver what it may have; whether that was anything.
    pub(super) fn give(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let ready = self.bytes.get(self.given..self.checked).unwrap_or_default();
        let length = ready.len().min(buffer.remaining());
        buffer.put_slice(ready.get(..length).unwrap_or_default());
        self.given += length;
        length > 0
    }

    /// Room for more from the server.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.given..self.filled, 0);
        self.checked -= self.given;
        self.filled -= self.given;
        self.given = 0;
        let wanted = (self.checked + self.needed).max(CHUNK);
        if self.bytes.len() != wanted && self.filled < wanted {
            self.bytes.resize(wanted, 0);
            self.bytes.shrink_to(wanted);
        }
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }

    /// Takes note that so much of the room was filled, and looks at what came.
    pub(super) fn filled(&mut self, length: usize, wire: &Wire) -> Result<(), End> {
        self.filled += length;
        let mut record = wire.lock();
        record.counters.bytes_received += u64::try_from(length).unwrap_or(u64::MAX);
        record.turned = true;
        let checked = self.check(&mut record, wire.frame_bytes());
        drop(record);
        wire.announce();
        checked
    }

    fn check(&mut self, record: &mut Record, maximum: usize) -> Result<(), End> {
        loop {
            let step = self.passing.min(self.filled - self.checked);
            self.checked += step;
            self.passing -= step;
            let waiting = self.bytes.get_mut(self.checked..self.filled);
            let waiting = waiting.unwrap_or_default();
            let Some(&[kind, ref length @ ..]) = waiting.first_chunk::<HEADER>() else {
                self.needed = HEADER;
                return Ok(());
            };
            let body = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let whole = body.saturating_add(1);
            if whole > maximum {
                return Err(End::FrameTooLong {
                    bytes: whole,
                    maximum,
                });
            }
            if !is_looked_into(kind) {
                self.passing = whole;
            } else if let Some(frame) = waiting.get_mut(..whole) {
                note(kind, frame.get_mut(HEADER..).unwrap_or_default(), record);
                self.passing = whole;
            } else {
                self.needed = whole;
                return Ok(());
            }
        }
    }
}

fn is_looked_into(kind: u8) -> bool {
    matches!(
        kind,
        tag::COMMAND_COMPLETE
            | tag::COPY_BOTH
            | tag::COPY_IN
            | tag::COPY_OUT
            | tag::ERROR
            | tag::PARAMETER_DESCRIPTION
            | tag::PARAMETER_STATUS
            | tag::READY_FOR_QUERY
            | tag::ROW_DESCRIPTION
    )
}

fn note(kind: u8, body: &mut [u8], record: &mut Record) {
    match kind {
        tag::ROW_DESCRIPTION => record.current.columns = columns(body),
        tag::PARAMETER_DESCRIPTION => record.current.parameters = parameters(body),
        tag::COMMAND_COMPLETE => {
            let text = body.strip_suffix(&[0]).unwrap_or(body);
            record.current.tag = Some(CommandTag::parse(&String::from_utf8_lossy(text)));
        }
        tag::ERROR => (record.current.error, record.current.fatal) = error(body),
        tag::READY_FOR_QUERY => {
            record.status = body.first().copied().map_or(Status::Unknown, Status::from);
            let mut exchange = std::mem::take(&mut record.current);
            exchange.status = record.status;
            record.complete.push_back(exchange);
            record.answered += 1;
        }
        tag::PARAMETER_STATUS => match parameter(body) {
            Some(("server_version", value)) => record.server_version = Some(value.to_owned()),
            Some(("crdb_version", value)) => record.cockroachdb_version = Some(value.to_owned()),
            Some((name, value)) => record.current.misread |= is_misread(name, value),
            None => {}
        },
        _ => record.current.copy = true,
    }
}
