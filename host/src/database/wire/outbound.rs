use std::collections::VecDeque;

use super::tag;

/// Follows the frames that the driver writes, to count its requests.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    /// The start-up message, alone of all, has no tag.
    started: bool,
    header: [u8; 5],
    /// How much of the header is there.
    held: usize,
    /// How much of the body is still to come.
    body: usize,
    /// What the frames of the request so far are.
    request: Option<Request>,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// Somebody waits for its answer.
    Asked,
    /// It closes statements that were prepared. The driver sends it whenever the last user of one is gone, and tells nobody.
    Closing,
}

impl Outbound {
    /// Follows some more bytes, adding the requests that were completed in them; tells whether somebody waits for any of these
    /// bytes to be answered.
    pub(super) fn follow(&mut self, mut bytes: &[u8], requests: &mut VecDeque<Request>) -> bool {
        let mut is_asked = false;
        while !bytes.is_empty() {
            let ended = if self.body > 0 {
                let step = self.body.min(bytes.len());
                bytes = bytes.get(step..).unwrap_or_default();
                self.body -= step;
                self.body == 0
            } else if let Some((&byte, rest)) = bytes.split_first() {
                bytes = rest;
                self.header_byte(byte)
            } else {
                false
            };
            is_asked |= self.request == Some(Request::Asked);
            if ended && self.ends_request() {
                requests.extend(self.request.take());
            }
        }
        is_asked
    }

    /// Takes a byte of a header; gives whether a frame without a body ended with it.
    fn header_byte(&mut self, byte: u8) -> bool {
        if self.held == 0 && !self.started {
            // As if it had one.
            self.held = 1;
            self.request = Some(Request::Asked);
        }
        if let Some(place) = self.header.get_mut(self.held) {
            *place = byte;
        }
        if self.held == 0 {
            self.begin_frame(byte);
        }
        self.held += 1;
        if self.held < self.header.len() {
            return false;
        }
        let [_, length @ ..] = self.header;
        self.body = usize::try_from(u32::from_be_bytes(length))
            .unwrap_or(usize::MAX)
            .saturating_sub(length.len());
        self.held = 0;
        self.body == 0
    }

    fn begin_frame(&mut self, tag: u8) {
        self.request = match (self.request, tag) {
            (None | Some(Request::Closing), tag::CLOSE) | (Some(Request::Closing), tag::SYNC) => {
                Some(Request::Closing)
            }
            _ => Some(Request::Asked),
        };
    }

    /// Whether the frame that has just ended was the last of its request.
    fn ends_request(&mut self) -> bool {
        let start_up = !std::mem::replace(&mut self.started, true);
        start_up || matches!(self.header, [tag::QUERY | tag::SYNC, ..])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{Outbound, Request};

    const START_UP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0r\0\0";

    #[test]
    fn requests_are_counted_however_the_bytes_are_cut() {
        let mut stream = START_UP.to_vec();
        stream.extend_from_slice(b"p\0\0\0\x08SSSS");
        stream.extend_from_slice(b"Q\0\0\0\x0dSELECT 1\0");
        stream.extend_from_slice(b"P\0\0\0\x08\0S\0\0B\0\0\0\x06\0\0S\0\0\0\x04");
        stream.extend_from_slice(b"C\0\0\0\x06SsS\0\0\0\x04");
        stream.extend_from_slice(b"P\0\0\0\x08\0S\0\0C\0\0\0\x06SsS\0\0\0\x04");
        stream.extend_from_slice(b"S\0\0\0\x04");
        let (asked, closing) = (Request::Asked, Request::Closing);
        for size in 1..=stream.len() {
            let mut outbound = Outbound::default();
            let mut requests = VecDeque::new();
            for chunk in stream.chunks(size) {
                outbound.follow(chunk, &mut requests);
            }
            let expected = [asked, asked, asked, closing, asked, asked];
            assert_eq!(requests, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_request_counts_when_its_last_byte_is_written() {
        let mut outbound = Outbound::default();
        let mut requests = VecDeque::new();
        for (bytes, is_asked, count) in [
            (START_UP, true, 1),
            (b"S\0\0\0", true, 1),
            (b"\x04", true, 2),
            (b"Q\0\0\0\x05", true, 2),
            (b"\0", true, 3),
            (b"C\0\0\0\x06Ss", false, 3),
            (b"S\0\0\0\x04", false, 4),
        ] {
            assert_eq!(outbound.follow(bytes, &mut requests), is_asked, "{bytes:?}");
            assert_eq!(requests.len(), count, "{bytes:?}");
        }
    }
}
