//! The binary form of arrays.

use super::decode::{Malformed, take};

/// What a binary array holds.
pub(super) enum Array<'a> {
    /// At most one dimension.
    Flat(Elements<'a>),
    /// More dimensions than our arrays have.
    Nested,
}

/// The elements of a one-dimensional array, one after the other; `None` is NULL.
pub(super) struct Elements<'a> {
    left: usize,
    bytes: &'a [u8],
}

impl<'a> Array<'a> {
    pub(super) fn read(mut bytes: &'a [u8]) -> Result<Self, Malformed> {
        let dimensions = i32::from_be_bytes(take(&mut bytes)?);
        let _has_nulls: [u8; 4] = take(&mut bytes)?;
        let _element_oid: [u8; 4] = take(&mut bytes)?;
        let left = match dimensions {
            0 => 0,
            1 => {
                let length = i32::from_be_bytes(take(&mut bytes)?);
                let _lower_bound: [u8; 4] = take(&mut bytes)?;
                usize::try_from(length).map_err(|_| Malformed("an array of negative length"))?
            }
            2.. => return Ok(Self::Nested),
            _ => return Err(Malformed("an array of fewer than no dimensions")),
        };
        // Every element has at least the four bytes of its length.
        if left > bytes.len() / 4 {
            return Err(Malformed("an array with fewer elements than it says"));
        }
        Ok(Self::Flat(Elements { left, bytes }))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Option<&'a [u8]>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return (!self.bytes.is_empty()).then(|| {
                self.bytes = &[];
                Err(Malformed("an array with more elements than it says"))
            });
        }
        self.left -= 1;
        Some(self.element())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, None)
    }
}

impl<'a> Elements<'a> {
    fn element(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let length = i32::from_be_bytes(take(&mut self.bytes)?);
        if length == -1 {
            return Ok(None);
        }
        let length =
            usize::try_from(length).map_err(|_| Malformed("an element of negative length"))?;
        let (element, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or(Malformed("an element that is longer than its array"))?;
        self.bytes = rest;
        Ok(Some(element))
    }
}
