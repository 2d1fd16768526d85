use tokio_postgres::types::{Oid, Type};

/// A column of a result as the server described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::database) struct RawColumn {
    /// The name as the statement gives it.
    pub(in crate::database) name: String,
    /// The OID of its type, also where the driver was told another.
    pub(in crate::database) oid: Oid,
    /// The type's modifier, -1 for none.
    pub(in crate::database) modifier: i32,
}

/// The columns of a RowDescription's body, with every OID that the driver does not know replaced by that of `unknown`.
///
/// Nothing if the body cannot be read as columns and nothing else.
pub(super) fn columns(body: &mut [u8]) -> Option<Vec<RawColumn>> {
    let (count, mut rest) = body.split_first_chunk_mut::<2>()?;
    let count = u16::from_be_bytes(*count);
    let mut columns = Vec::with_capacity(count.into());
    for _ in 0..count {
        let end = rest.iter().position(|&byte| byte == 0)?;
        let (name, after) = rest.split_at_mut_checked(end)?;
        // The terminating zero, the table's OID and the column's number are passed over; a type's width and a format follow.
        let (_, after) = after.split_at_mut_checked(7)?;
        let (oid, after) = after.split_first_chunk_mut::<4>()?;
        let (_, after) = after.split_at_mut_checked(2)?;
        let (modifier, after) = after.split_first_chunk_mut::<4>()?;
        let (_, after) = after.split_at_mut_checked(2)?;
        columns.push(RawColumn {
            name: String::from_utf8_lossy(name).into_owned(),
            oid: known_to_the_driver(oid),
            modifier: i32::from_be_bytes(*modifier),
        });
        rest = after;
    }
    rest.is_empty().then_some(columns)
}

/// The type OIDs of a ParameterDescription's body, replaced likewise.
pub(super) fn parameters(body: &mut [u8]) -> Option<Vec<Oid>> {
    let (count, rest) = body.split_first_chunk_mut::<2>()?;
    let count = usize::from(u16::from_be_bytes(*count));
    let (oids, odd) = rest.as_chunks_mut::<4>();
    if oids.len() != count || !odd.is_empty() {
        return None;
    }
    Some(oids.iter_mut().map(known_to_the_driver).collect())
}

/// Replaces an OID that the driver does not know; gives the one that was there.
fn known_to_the_driver(bytes: &mut [u8; 4]) -> Oid {
    let oid = Oid::from_be_bytes(*bytes);
    if Type::from_oid(oid).is_none() {
        *bytes = Type::UNKNOWN.oid().to_be_bytes();
    }
    oid
}

#[cfg(test)]
mod tests {
    use super::{RawColumn, columns, parameters};

    fn description(fields: &[(&str, u32, i32)]) -> Vec<u8> {
        let mut body = u16::try_from(fields.len())
            .expect("few")
            .to_be_bytes()
            .to_vec();
        for (name, oid, modifier) in fields {
            body.extend_from_slice(name.as_bytes());
            body.extend_from_slice(&[0, 0, 0, 0, 9, 0, 1]);
            body.extend_from_slice(&oid.to_be_bytes());
            body.extend_from_slice(&[0, 8]);
            body.extend_from_slice(&modifier.to_be_bytes());
            body.extend_from_slice(&[0, 1]);
        }
        body
    }

    #[test]
    fn only_oids_that_the_driver_does_not_know_are_replaced() {
        let mut body = description(&[("id", 20, -1), ("mood", 16_401, 7), ("", 25, 4)]);
        let seen = columns(&mut body).expect("well formed");
        assert_eq!(
            body,
            description(&[("id", 20, -1), ("mood", 705, 7), ("", 25, 4)])
        );
        let column = |name: &str, oid, modifier| RawColumn {
            name: name.to_owned(),
            oid,
            modifier,
        };
        assert_eq!(
            seen,
            [
                column("id", 20, -1),
                column("mood", 16_401, 7),
                column("", 25, 4)
            ]
        );
    }

    #[test]
    fn parameters_are_replaced_likewise() {
        let mut body = [0, 2, 0, 0, 0, 23, 0, 1, 0, 0];
        assert_eq!(parameters(&mut body), Some(vec![23, 65_536]));
        assert_eq!(body, [0, 2, 0, 0, 0, 23, 0, 0, 2, 193]);
    }

    #[test]
    fn a_malformed_description_is_none() {
        let whole = description(&[("id", 20, -1)]);
        let more = [&whole[..], &[0]].concat();
        assert_eq!(columns(&mut more.clone()), None);
        for length in 0..whole.len() {
            assert_eq!(columns(&mut whole[..length].to_vec()), None, "{length}");
        }
        assert_eq!(parameters(&mut [0, 2, 0, 0, 0, 23]), None);
        assert_eq!(parameters(&mut [0, 1, 0, 0, 0, 23, 0]), None);
        assert_eq!(parameters(&mut []), None);
    }
}
