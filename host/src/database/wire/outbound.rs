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
}

impl Outbound {
    /// Follows some more bytes; gives how many requests were completed in them.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> u64 {
        let mut requests = 0;
        while !bytes.is_empty() {
            if self.body > 0 {
                let step = self.body.min(bytes.len());
                bytes = bytes.get(step..).unwrap_or_default();
                self.body -= step;
                requests += u64::from(self.ends_request());
            } else if let Some((&byte, rest)) = bytes.split_first() {
                bytes = rest;
                requests += u64::from(self.header_byte(byte));
            }
        }
        requests
    }

    /// Takes a byte of a header; gives whether a request without a body ended with it.
    fn header_byte(&mut self, byte: u8) -> bool {
        if self.held == 0 && !self.started {
            // As if it had one.
            self.held = 1;
        }
        if let Some(place) = self.header.get_mut(self.held) {
            *place = byte;
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
        self.ends_request()
    }

    fn ends_request(&mut self) -> bool {
        if self.body > 0 {
            return false;
        }
        let start_up = !std::mem::replace(&mut self.started, true);
        start_up || matches!(self.header, [tag::QUERY | tag::SYNC, ..])
    }
}

#[cfg(test)]
mod tests {
    use super::Outbound;

    const START_UP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0r\0\0";

    #[test]
    fn requests_are_counted_however_the_bytes_are_cut() {
        let mut stream = START_UP.to_vec();
        stream.extend_from_slice(b"p\0\0\0\x08SSSS");
        stream.extend_from_slice(b"Q\0\0\0\x0dSELECT 1\0");
        stream.extend_from_slice(b"P\0\0\0\x08\0S\0\0B\0\0\0\x06\0\0S\0\0\0\x04");
        stream.extend_from_slice(b"S\0\0\0\x04");
        for size in 1..=stream.len() {
            let mut outbound = Outbound::default();
            let requests: u64 = stream
                .chunks(size)
                .map(|chunk| outbound.follow(chunk))
                .sum();
            assert_eq!(requests, 4, "in pieces of {size}");
        }
    }

    #[test]
    fn a_request_counts_when_its_last_byte_is_written() {
        let mut outbound = Outbound::default();
        assert_eq!(outbound.follow(START_UP), 1);
        assert_eq!(outbound.follow(b"S\0\0\0"), 0);
        assert_eq!(outbound.follow(b"\x04"), 1);
        assert_eq!(outbound.follow(b"Q\0\0\0\x05"), 0);
        assert_eq!(outbound.follow(b"\0"), 1);
    }
}
