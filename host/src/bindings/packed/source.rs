use std::{iter, ops::Range};

use crate::database::Value;

use super::{ALIGNMENT, Kind, state};

/// A cell of a batch; absent if it was left out.
pub(super) type Cell<'a> = Option<Value<'a>>;

/// Why a batch is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not what the page describes.
    Malformed(String),
    /// It is, and has more values than the host takes: so many were counted when it stopped.
    TooManyValues(u64),
}

impl Refusal {
    /// The same, with the place where it was met.
    pub(super) fn within(self, place: &str) -> Self {
        match self {
            Self::Malformed(what) => Self::Malformed(format!("{place}: {what}")),
            Self::TooManyValues(_) => self,
        }
    }
}

/// A refusal in these words.
pub(super) fn malformed<T>(what: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Malformed(what.into()))
}

/// A buffer of a guest, and how much of it may still be read: blocks that do not overlap are never longer than the buffer.
#[derive(Debug)]
pub(super) struct Source<'a> {
    buffer: &'a [u8],
    unread: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(buffer: &'a [u8]) -> Self {
        Self {
            buffer,
            unread: buffer.len(),
        }
    }

    /// The block that begins here.
    pub(super) fn block(&self, offset: u32) -> Result<Block<'a>, Refusal> {
        let start = offset as usize;
        if !start.is_multiple_of(ALIGNMENT) {
            return malformed(format!("offset {offset} is not a multiple of {ALIGNMENT}"));
        }
        match self.buffer.get(start..) {
            Some(rest) => Ok(Block { rest, taken: 0 }),
            None => malformed(format!("offset {offset} is beyond the end")),
        }
    }

    /// The next bytes of a block.
    pub(super) fn take(
        &mut self,
        block: &mut Block<'a>,
        count: usize,
    ) -> Result<&'a [u8], Refusal> {
        let Some((taken, rest)) = block.rest.split_at_checked(count) else {
            return malformed("a block reaches beyond the end");
        };
        let Some(unread) = self.unread.checked_sub(count) else {
            return malformed("blocks overlap: together they are longer than the buffer");
        };
        self.unread = unread;
        block.rest = rest;
        block.taken = block.taken.saturating_add(count);
        Ok(taken)
    }

    /// The next numbers of a block, of so many bytes each.
    pub(super) fn numbers<const BYTES: usize>(
        &mut self,
        block: &mut Block<'a>,
        count: usize,
    ) -> Result<&'a [[u8; BYTES]], Refusal> {
        let bytes = self.take(block, count.saturating_mul(BYTES))?;
        Ok(bytes.as_chunks().0)
    }

    /// The offsets with which a block begins, one more than there are values.
    pub(super) fn offsets(
        &mut self,
        block: &mut Block<'a>,
        count: usize,
    ) -> Result<Offsets<'a>, Refusal> {
        let offsets = self.numbers(block, count.saturating_add(1))?;
        if offsets.first() != Some(&[0; 4]) {
            return malformed("its offsets do not begin at 0");
        }
        let falling =
            |pair: (&[u8; 4], &[u8; 4])| u32::from_le_bytes(*pair.0) > u32::from_le_bytes(*pair.1);
        if offsets.iter().zip(offsets.iter().skip(1)).any(falling) {
            return malformed("its offsets fall");
        }
        Ok(Offsets(offsets))
    }

    /// The next words of a block.
    pub(super) fn words<const COUNT: usize>(
        &mut self,
        block: &mut Block<'a>,
    ) -> Result<[u32; COUNT], Refusal> {
        let mut words = [0; COUNT];
        for (word, bytes) in words.iter_mut().zip(self.numbers(block, COUNT)?) {
            *word = u32::from_le_bytes(*bytes);
        }
        Ok(words)
    }

    /// The next entry of a block.
    pub(super) fn entry(&mut self, block: &mut Block<'a>) -> Result<Entry, Refusal> {
        let [head, count, states, data] = self.words(block)?;
        let [kind, ..] = head.to_le_bytes();
        let Some(kind) = Kind::numbered(kind) else {
            return malformed(format!("kind {kind} is not known"));
        };
        Ok(Entry {
            kind,
            flags: head >> 8,
            count: count as usize,
            states,
            data,
        })
    }

    /// The states of a column, of which none is above `last`.
    pub(super) fn states(&mut self, entry: &Entry, last: u8) -> Result<States<'a>, Refusal> {
        if entry.states == 0 {
            return Ok(States(&[]));
        }
        let states = self.take(&mut self.block(entry.states)?, entry.count)?;
        match states.iter().find(|state| **state > last) {
            Some(state) => malformed(format!("state {state} has no meaning here")),
            None => Ok(States(states)),
        }
    }
}

/// What is left of a block.
#[derive(Debug)]
pub(super) struct Block<'a> {
    rest: &'a [u8],
    taken: usize,
}

impl Block<'_> {
    /// Steps over the bytes up to where the next block may begin.
    pub(super) fn align(&mut self) {
        let next = self.taken.next_multiple_of(ALIGNMENT);
        let gap = next.saturating_sub(self.taken);
        self.rest = self.rest.get(gap..).unwrap_or_default();
        self.taken = next;
    }
}

/// What a column says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) flags: u32,
    pub(super) count: usize,
    pub(super) states: u32,
    pub(super) data: u32,
}

/// Ascending numbers that cut what follows them into pieces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offsets<'a>(&'a [[u8; 4]]);

impl<'a> Offsets<'a> {
    /// Where the last piece ends.
    pub(super) fn end(self) -> usize {
        self.iter().next_back().unwrap_or_default()
    }

    /// Where each piece ends.
    pub(super) fn ends(self) -> impl Iterator<Item = usize> + 'a {
        self.iter().skip(1)
    }

    /// Where each piece lies.
    pub(super) fn pieces(self) -> impl Iterator<Item = Range<usize>> + 'a {
        self.iter().zip(self.ends()).map(|(start, end)| start..end)
    }

    fn iter(self) -> impl DoubleEndedIterator<Item = usize> + 'a {
        let number = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes) as usize;
        self.0.iter().map(number)
    }
}

/// What the places of a column hold; empty if all hold a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct States<'a>(pub(super) &'a [u8]);

impl<'a> States<'a> {
    /// One a place, without end.
    pub(super) fn iter(self) -> impl Iterator<Item = u8> + 'a {
        self.0.iter().copied().chain(iter::repeat(state::VALUE))
    }

    /// The cells of a column, whose values are made of what stands in their places.
    pub(super) fn cells<T>(
        self,
        places: impl Iterator<Item = T>,
        mut value: impl FnMut(T) -> Result<Value<'a>, Refusal>,
    ) -> Result<Vec<Cell<'a>>, Refusal> {
        let cell = |(place, state)| match state {
            state::VALUE => value(place).map(Some),
            state::NULL => Ok(Some(Value::Null)),
            _ => Ok(None),
        };
        places.zip(self.iter()).map(cell).collect()
    }
}
