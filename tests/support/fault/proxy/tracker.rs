use std::collections::{HashMap, VecDeque};

use super::{
    edit::Edit,
    message::Message,
    statement::{Control, Statement},
};

/// Follows a connection: what the client asked, and which answer belongs to it.
#[derive(Debug)]
pub(super) struct Tracker {
    connection: usize,
    statements: usize,
    /// The texts of the transaction so far.
    transaction: Vec<String>,
    /// The texts of prepared statements, and of portals, by their names.
    prepared: HashMap<String, String>,
    portals: HashMap<String, String>,
    /// What was prepared last, and not bound yet.
    unbound: Option<String>,
    is_started: bool,
    /// What must be answered yet. The first is the start-up.
    requests: VecDeque<Request>,
    /// Where the transaction is, or will be after what was asked.
    pub(super) status: u8,
}

/// Everything until the server has to say that it is ready.
#[derive(Debug, Default)]
struct Request {
    statements: Vec<Statement>,
    /// Its messages that are not answered yet.
    waiting: VecDeque<Waiting>,
    /// Whether nothing more is asked in it.
    is_complete: bool,
    /// How many bytes of its answer the client has got.
    given: usize,
    begun: bool,
}

/// A message of the client that is not answered yet.
#[derive(Debug)]
struct Waiting {
    kind: u8,
    edit: Edit,
    statement: Option<Statement>,
}

/// What is known of a message of the server.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Those of the request that it answers.
    pub(super) statements: Vec<Statement>,
    /// The one that it is about.
    pub(super) statement: Option<Statement>,
    /// Whether it is the first of the answer.
    pub(super) is_first: bool,
    /// How many bytes of the answer came before it.
    pub(super) before: usize,
    /// Whether it belongs to the start-up.
    pub(super) is_start: bool,
    /// What reaches the client in its place.
    pub(super) passes: Option<Message>,
}

impl Tracker {
    pub(super) fn new(connection: usize) -> Self {
        let start = Request {
            is_complete: true,
            ..Request::default()
        };
        Self {
            connection,
            statements: 0,
            transaction: Vec::new(),
            prepared: HashMap::new(),
            portals: HashMap::new(),
            unbound: None,
            is_started: false,
            requests: VecDeque::from([start]),
            status: b'I',
        }
    }

    /// The statement that this message of the client would run, which counts from then on.
    pub(super) fn asks(&mut self, message: &Message) -> Option<Statement> {
        let text = match message.kind {
            b'Q' => message.text(0),
            b'E' => self.portals.get(&message.text(0))?.clone(),
            _ => return None,
        };
        let statement = self.statement(text);
        self.statements += 1;
        match statement.control() {
            Control::Begin => self.transaction = vec![statement.text.clone()],
            Control::Commit | Control::RollBack => self.transaction.clear(),
            Control::RollBackTo | Control::Nothing if self.transaction.is_empty() => {}
            Control::RollBackTo | Control::Nothing => self.transaction.push(statement.text.clone()),
        }
        Some(statement)
    }

    /// The statement that is first named in this message, and will be run by this or by one that follows. Its names count from then on,
    /// whatever becomes of the message.
    pub(super) fn names(&mut self, message: &Message) -> Option<Statement> {
        let text = match message.kind {
            b'Q' => message.text(0),
            b'P' => {
                self.unbound = Some(message.text(0));
                self.prepared.insert(message.text(0), message.text(1));
                message.text(1)
            }
            b'B' => {
                let text = self.prepared.get(&message.text(1))?.clone();
                self.portals.insert(message.text(0), text.clone());
                if self.unbound.take() == Some(message.text(1)) {
                    return None;
                }
                text
            }
            _ => return None,
        };
        Some(self.statement(text))
    }

    /// What the next statement is, with this text.
    fn statement(&self, text: String) -> Statement {
        Statement {
            connection: self.connection,
            number: self.statements,
            text,
            transaction: self.transaction.clone(),
        }
    }

    /// Takes note of a message that is passed to the server.
    pub(super) fn passes(&mut self, message: &Message, statement: Option<&Statement>, edit: Edit) {
        if !matches!(message.kind, b'Q' | b'P' | b'B' | b'D' | b'E' | b'C' | b'S') {
            return;
        }
        if self.requests.back().is_none_or(|last| last.is_complete) {
            self.requests.push_back(Request::default());
        }
        let Some(request) = self.requests.back_mut() else {
            return;
        };
        request.statements.extend(statement.cloned());
        request.is_complete = matches!(message.kind, b'Q' | b'S');
        if message.kind != b'S' {
            request.waiting.push_back(Waiting {
                kind: message.kind,
                edit,
                statement: statement.cloned(),
            });
        }
    }

    /// What a message of the server is, and what becomes of it.
    pub(super) fn sees(&mut self, message: Message) -> Seen {
        let kind = message.kind;
        let Some(request) = self.requests.front_mut() else {
            return Seen {
                passes: Some(message),
                ..Seen::default()
            };
        };
        let waiting = request.waiting.front_mut();
        let mut seen = Seen {
            statement: waiting.as_ref().and_then(|it| it.statement.clone()),
            is_first: !std::mem::replace(&mut request.begun, true),
            before: request.given,
            is_start: !self.is_started,
            passes: match waiting {
                Some(waiting) => waiting.edit.apply(message),
                None => Some(message),
            },
            statements: Vec::new(),
        };
        let answered = request.waiting.front();
        if kind == b'E' && answered.is_some_and(|it| it.kind != b'Q') {
            // The server skips the rest.
            request.waiting.clear();
        } else if answered.is_some_and(|it| it.is_answered_by(kind)) {
            request.waiting.pop_front();
        }
        if kind == b'Z' {
            self.is_started = true;
            let request = self.requests.pop_front();
            seen.statements = request.map(|it| it.statements).unwrap_or_default();
            let status = seen.passes.as_ref().and_then(|it| it.body().first());
            if self.requests.is_empty() {
                self.status = status.copied().unwrap_or(self.status);
            }
        } else {
            seen.statements.clone_from(&request.statements);
        }
        seen
    }

    /// Takes note of what reaches the client of the answer.
    pub(super) fn gives(&mut self, message: &Message) {
        if message.kind != b'Z'
            && let Some(request) = self.requests.front_mut()
        {
            request.given += message.bytes.len();
        }
    }
}

impl Waiting {
    /// Whether this kind of message is the last that answers it. A simple query is answered by ReadyForQuery alone.
    fn is_answered_by(&self, kind: u8) -> bool {
        match self.kind {
            b'P' => kind == b'1',
            b'B' => kind == b'2',
            b'C' => kind == b'3',
            b'D' => matches!(kind, b'T' | b'n'),
            b'E' => matches!(kind, b'C' | b'I' | b's'),
            _ => false,
        }
    }
}
