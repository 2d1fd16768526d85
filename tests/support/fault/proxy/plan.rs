use super::{
    edit::{Edit, End},
    message::Message,
    rule::{Failure, Point},
    statement::{Control, Statement},
};

/// What fails wherever it is run, and so ends a transaction.
const FAILS: &str = "SELECT 1/0";

/// A message to the server in place of the client's, or behind it, and what becomes of the answer.
pub(super) type Planned = (Message, Edit);

/// How a statement is made to fail.
pub(super) fn fail(
    message: Message,
    statement: &Statement,
    failure: &Failure,
    status: u8,
) -> Vec<Planned> {
    let ends = Edit {
        rows: 0,
        end: End::Instead(failure.frame()),
        ..Edit::none()
    };
    let is_alone = status == b'I';
    match (failure.point, statement.control()) {
        (Point::After, Control::Commit) => vec![(message, ends)],
        (Point::After, _) if is_alone => vec![(message, ends)],
        (_, Control::Commit) => instead(&message, "ROLLBACK", &ends),
        (Point::Before, _) => refuse(&message, failure.frame()),
        (Point::Rows(rows), _) => after_rows(message, statement, rows, failure.frame()),
        (Point::After, _) => after_rows(message, statement, 0, failure.frame()),
    }
}

/// How a statement is refused: something else is run that fails, so that the transaction does.
pub(super) fn refuse(message: &Message, error: Vec<u8>) -> Vec<Planned> {
    let edit = Edit {
        error: Some(error),
        ..Edit::none()
    };
    instead(message, FAILS, &edit)
}

/// Runs another text.
pub(super) fn instead(message: &Message, text: &str, edit: &Edit) -> Vec<Planned> {
    if message.kind == b'Q' {
        return vec![(Message::query(text), edit.clone())];
    }
    // Behind what the client has bound already. The names are those of nothing, which hold until the next Parse and Bind.
    let parse = [b"\0", text.as_bytes(), b"\0\0\0"].concat();
    let hidden = || Edit::hidden(edit.error.clone());
    vec![
        (Message::new(b'P', &parse), hidden()),
        (Message::new(b'B', &[0; 8]), hidden()),
        (Message::new(b'E', &[0; 5]), edit.clone()),
    ]
}

/// Runs the statement, and behind it what fails.
fn after_rows(
    message: Message,
    statement: &Statement,
    rows: usize,
    error: Vec<u8>,
) -> Vec<Planned> {
    let cut = Edit {
        rows,
        end: End::Dropped,
        ..Edit::none()
    };
    if message.kind == b'Q' {
        let text = format!("{}\n; {FAILS}", statement.text);
        let edit = Edit {
            error: Some(error),
            ..cut
        };
        return vec![(Message::query(&text), edit)];
    }
    let mut planned = refuse(&message, error);
    planned.insert(0, (message, cut));
    planned
}
