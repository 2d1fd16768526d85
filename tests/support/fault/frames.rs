use super::Asked;

/// A frame of the server.
pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
    [&[kind], &length[..], body].concat()
}

/// ReadyForQuery.
pub fn ready(status: u8) -> Vec<u8> {
    frame(b'Z', &[status])
}

/// CommandComplete.
pub fn command_complete(tag: &str) -> Vec<u8> {
    frame(b'C', format!("{tag}\0").as_bytes())
}

/// ParameterStatus.
pub fn parameter_status(name: &str, value: &str) -> Vec<u8> {
    frame(b'S', format!("{name}\0{value}\0").as_bytes())
}

/// RowDescription: columns by their names and the OIDs of their types.
pub fn row_description(columns: &[(&str, u32)]) -> Vec<u8> {
    let mut body = count(columns.len());
    for (name, oid) in columns {
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(&[0; 7]);
        body.extend_from_slice(&oid.to_be_bytes());
        body.extend_from_slice(&[0xff; 6]);
        body.extend_from_slice(&[0, 1]);
    }
    frame(b'T', &body)
}

/// DataRow.
pub fn data_row(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = count(values.len());
    for value in values {
        let length = value.map_or(-1, |value| i32::try_from(value.len()).expect("short"));
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(value.unwrap_or_default());
    }
    frame(b'D', &body)
}

/// ErrorResponse, its fields in the order of CockroachDB: the message is the last (`errWriter` in pkg/sql/pgwire/conn.go).
pub fn error(severity: &str, code: &str, message: &str) -> Vec<u8> {
    error_with_hint(severity, code, message, None)
}

/// ErrorResponse with a hint.
pub(super) fn error_with_hint(
    severity: &str,
    code: &str,
    message: &str,
    hint: Option<&str>,
) -> Vec<u8> {
    let hint = hint.map_or_else(String::new, |hint| format!("H{hint}\0"));
    let body = format!("S{severity}\0V{severity}\0C{code}\0{hint}M{message}\0\0");
    frame(b'E', body.as_bytes())
}

/// NoticeResponse.
pub fn notice(message: &str) -> Vec<u8> {
    let body = format!("SNOTICE\0VNOTICE\0C00000\0M{message}\0\0");
    frame(b'N', body.as_bytes())
}

fn count(number: usize) -> Vec<u8> {
    u16::try_from(number).expect("few").to_be_bytes().to_vec()
}

/// What a statement is answered with.
#[derive(Debug, Clone, Default)]
pub struct Relation {
    /// Names and types; none for a statement that gives no rows.
    pub columns: Vec<(&'static str, u32)>,
    /// The rows.
    pub rows: Vec<Vec<Option<Vec<u8>>>>,
    /// The command tag.
    pub tag: &'static str,
}

impl Relation {
    /// One row of one number.
    pub fn number(number: i64) -> Self {
        Self {
            columns: vec![("number", 20)],
            rows: vec![vec![Some(number.to_be_bytes().to_vec())]],
            tag: "SELECT 1",
        }
    }

    /// Of what gives no rows back.
    pub fn done(tag: &'static str) -> Self {
        Self {
            tag,
            ..Self::default()
        }
    }

    fn described(&self) -> Vec<u8> {
        if self.columns.is_empty() {
            frame(b'n', b"")
        } else {
            row_description(&self.columns)
        }
    }

    fn executed(&self) -> Vec<u8> {
        let values = |row: &Vec<Option<Vec<u8>>>| {
            let values: Vec<_> = row.iter().map(Option::as_deref).collect();
            data_row(&values)
        };
        let rows = self.rows.iter().flat_map(values);
        rows.chain(command_complete(self.tag)).collect()
    }
}

/// The answer of a sound server to a request, whose statement gives `relation` and leaves it in `status`: a list of frames.
pub fn serve(asked: &Asked, relation: &Relation, status: u8) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for kind in asked.kinds.bytes() {
        match kind {
            b'Q' => {
                if !relation.columns.is_empty() {
                    frames.push(relation.described());
                }
                frames.push(relation.executed());
                frames.push(ready(status));
            }
            b'P' => frames.push(frame(b'1', b"")),
            b'B' => frames.push(frame(b'2', b"")),
            b'C' => frames.push(frame(b'3', b"")),
            b'D' => {
                let types = [0, 0, 0, 25].repeat(asked.parameters.into());
                let body = [&asked.parameters.to_be_bytes()[..], &types].concat();
                frames.push(frame(b't', &body));
                frames.push(relation.described());
            }
            b'E' => frames.push(relation.executed()),
            b'S' => frames.push(ready(status)),
            _ => {}
        }
    }
    frames
}
