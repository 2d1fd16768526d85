//! The guard under the driver: it reads the frames of the protocol as they pass, in both directions.
//!
//! The driver tells less than the host must know: which command tag and which columns an answer had, whether the server is in a
//! transaction, whether everything that was sent was answered. [`Guard`] wraps the stream, above TLS where there is TLS; what it
//! saw is in its [`Wire`], which whoever holds the connection shares.
//!
//! Requests are numbered in the order they are sent, from 1, which is the start-up itself; the nth `ReadyForQuery` ends the nth
//! answer. So one who knows how many requests were put in the driver's queue knows when nothing is outstanding. Requests that only close
//! statements have no number: the driver sends them on its own, and nobody waits for them.
//!
//! A server that breaks the protocol ends its connection here, before the driver sees what it sent: what is answered and not asked, a
//! frame that cannot be read, a state that there is none of.
//!
//! Invariants: changes nothing but type OIDs that the driver does not know, which would make it ask the server in between and
//! can hang it. Buffers no frame longer than the cap. Keeps no value, parameter or password. Does no I/O of its own.

mod description;
mod exchange;
mod guard;
mod inbound;
mod outbound;
mod record;

pub(super) use description::RawColumn;
pub(super) use exchange::{CommandTag, Exchange, Status};
pub(super) use guard::{Guard, GuardTls};
pub(super) use record::{Counters, End, Wire};

/// The kinds of frames.
mod tag {
    pub(super) const AUTHENTICATION: u8 = b'R';
    pub(super) const CLOSE: u8 = b'C';
    pub(super) const COMMAND_COMPLETE: u8 = b'C';
    pub(super) const COPY_BOTH: u8 = b'W';
    pub(super) const COPY_IN: u8 = b'G';
    pub(super) const COPY_OUT: u8 = b'H';
    pub(super) const ERROR: u8 = b'E';
    pub(super) const NOTICE: u8 = b'N';
    pub(super) const NOTIFICATION: u8 = b'A';
    pub(super) const PARAMETER_DESCRIPTION: u8 = b't';
    pub(super) const PARAMETER_STATUS: u8 = b'S';
    pub(super) const QUERY: u8 = b'Q';
    pub(super) const READY_FOR_QUERY: u8 = b'Z';
    pub(super) const ROW_DESCRIPTION: u8 = b'T';
    pub(super) const SYNC: u8 = b'S';
    /// All that a server sends besides: none of it is looked into.
    pub(super) const OTHERS: &[u8] = b"123DIKcdns";
}
