use tokio::io::ReadBuf;

use super::{
    End, Status, Wire,
    description::{columns, parameters},
    exchange::{CommandTag, authentication, error, is_misread, parameter},
    record::Record,
    tag,
};

const CHUNK: usize = 16 << 10;
const HEADER: usize = 5;
/// The driver keeps every parameter that it is told of. Servers report a dozen.
const MAX_PARAMETERS: u32 = 10_000;

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
            if whole < HEADER {
                return Err(End::Malformed("a frame that is shorter than its header"));
            }
            expect(kind, record).map_err(End::Malformed)?;
            if tag::OTHERS.contains(&kind) {
                self.passing = whole;
            } else if let Some(frame) = waiting.get_mut(..whole) {
                let body = frame.get_mut(HEADER..).unwrap_or_default();
                note(kind, body, record).map_err(End::Malformed)?;
                self.passing = whole;
            } else {
                self.needed = whole;
                return Ok(());
            }
        }
    }
}

/// Whether a frame of this kind may come now.
fn expect(kind: u8, record: &Record) -> Result<(), &'static str> {
    match kind {
        tag::ERROR | tag::NOTICE | tag::NOTIFICATION | tag::PARAMETER_STATUS => Ok(()),
        _ if record.pending.is_empty() => Err("an answer to nothing"),
        tag::AUTHENTICATION if record.answered > 0 => Err("a request to log in again"),
        tag::AUTHENTICATION
        | tag::COMMAND_COMPLETE
        | tag::COPY_BOTH
        | tag::COPY_IN
        | tag::COPY_OUT
        | tag::PARAMETER_DESCRIPTION
        | tag::READY_FOR_QUERY
        | tag::ROW_DESCRIPTION => Ok(()),
        other if tag::OTHERS.contains(&other) => Ok(()),
        _ => Err("a frame of an unknown kind"),
    }
}

fn note(kind: u8, body: &mut [u8], record: &mut Record) -> Result<(), &'static str> {
    match kind {
        tag::AUTHENTICATION => return authentication(body),
        tag::ROW_DESCRIPTION => {
            record.current.columns = Some(columns(body).ok_or("columns that cannot be read")?);
        }
        tag::PARAMETER_DESCRIPTION => {
            let types = parameters(body).ok_or("parameters that cannot be read")?;
            record.current.parameters = Some(types);
        }
        tag::COMMAND_COMPLETE => {
            let text = body.strip_suffix(&[0]).map(str::from_utf8);
            let Some(Ok(text)) = text else {
                return Err("a command tag that cannot be read");
            };
            record.current.tag = Some(CommandTag::parse(text));
        }
        tag::ERROR => (record.current.error, record.current.fatal) = error(body),
        tag::READY_FOR_QUERY => {
            record.ready(Status::of(body).ok_or("a state that there is none of")?);
        }
        tag::PARAMETER_STATUS => {
            record.parameters += 1;
            if record.parameters > MAX_PARAMETERS {
                return Err("a flood of parameters");
            }
            match parameter(body) {
                Some(("server_version", value)) => record.server_version = Some(value.to_owned()),
                Some(("crdb_version", value)) => {
                    record.cockroachdb_version = Some(value.to_owned());
                }
                Some((name, value)) => record.current.misread |= is_misread(name, value),
                None => {}
            }
        }
        tag::COPY_BOTH | tag::COPY_IN | tag::COPY_OUT => record.current.copy = true,
        _ => {}
    }
    Ok(())
}
