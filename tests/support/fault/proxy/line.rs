use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    cockroach::Disguise,
    edit::{Edit, End, tagged},
    message::Message,
    plan::{self, Planned},
    rule::{Action, Side},
    schedule::{Passing, Schedule, Verdict},
    statement::{Control, Statement, control},
    tracker::Tracker,
    writer::{Out, Sink},
};

/// One connection of a client, on which both directions are followed.
pub(super) struct Line {
    connection: usize,
    schedule: Arc<Mutex<Schedule>>,
    tracker: Tracker,
    disguise: Option<Disguise>,
    to_client: Sink,
    to_server: Sink,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The client is gone.
    ByClient,
    /// The server is gone, or both are left in order.
    Closed,
    Reset,
    /// Only the client is left.
    Stranded,
}

impl Line {
    pub(super) fn new(
        connection: usize,
        schedule: Arc<Mutex<Schedule>>,
        disguise: Option<Disguise>,
        (to_client, to_server): (Sink, Sink),
    ) -> Self {
        Self {
            connection,
            schedule,
            tracker: Tracker::new(connection),
            disguise,
            to_client,
            to_server,
        }
    }

    /// What becomes of a message of the client.
    pub(super) fn asked_by_client(&mut self, message: Message) -> Result<(), Ending> {
        let named = self.tracker.names(&message);
        let asked = self.tracker.asks(&message);
        let message = match &self.disguise {
            Some(_) => Disguise::translated(message),
            None => message,
        };
        let verdict = self.judge(&Passing {
            connection: self.connection,
            side: Side::Client,
            message: &message,
            named: named.as_ref(),
            asked: asked.as_ref(),
            seen: None,
        });
        if let Some(asked) = &asked {
            lock(&self.schedule).asked(asked);
        }
        self.prepare(Side::Client, &message, &verdict)?;
        let status = self.tracker.status;
        let (planned, is_refused) = match (verdict.action, &asked) {
            (Action::Drop, _) => return Ok(()),
            (Action::Fail(failure), Some(asked)) => {
                (plan::fail(message, asked, &failure, status), true)
            }
            (Action::Instead(text), Some(_)) => {
                self.tracker.status = status_after(control(text), status, false);
                let planned = plan::instead(&message, text, &Edit::none());
                self.forward(planned, asked.as_ref(), 0);
                return Ok(());
            }
            (Action::Tag(tag), Some(_)) => {
                let end = End::Tagged(tag);
                let edit = Edit {
                    end,
                    ..Edit::none()
                };
                (vec![(message, edit)], false)
            }
            (_, asked) => self.plan(message, asked.as_ref(), status),
        };
        if let Some(asked) = &asked {
            self.tracker.status = status_after(asked.control(), status, is_refused);
        }
        self.forward(planned, asked.as_ref(), verdict.at);
        Ok(())
    }

    /// How a message is passed about which no rule says anything.
    fn plan(
        &mut self,
        message: Message,
        asked: Option<&Statement>,
        status: u8,
    ) -> (Vec<Planned>, bool) {
        let asked = asked.zip(self.disguise.as_mut());
        match asked.and_then(|(asked, disguise)| disguise.objection(asked, status)) {
            Some(error) => (plan::refuse(&message, error), true),
            None => (vec![(message, Edit::none())], false),
        }
    }

    /// Passes on what there is instead of a message of which so many bytes have passed.
    fn forward(&mut self, planned: Vec<Planned>, asked: Option<&Statement>, passed: usize) {
        let mut asked = asked;
        for (message, edit) in planned {
            let runs = matches!(message.kind, b'Q' | b'E');
            let asked = if runs { asked.take() } else { None };
            self.tracker.passes(&message, asked, edit);
            let bytes = message.bytes.get(passed..).unwrap_or_default();
            tell(&self.to_server, Out::Bytes(bytes.to_vec()));
        }
    }

    /// What becomes of a message of the server.
    pub(super) fn told_by_server(&mut self, message: Message) -> Result<(), Ending> {
        let mut seen = self.tracker.sees(message);
        if let Some(disguise) = &mut self.disguise {
            let shown = seen.passes.take();
            seen.passes = shown.and_then(|message| disguise.shown(message, seen.is_start));
        }
        let Some(message) = seen.passes.take() else {
            return Ok(());
        };
        let verdict = self.judge(&Passing {
            connection: self.connection,
            side: Side::Server,
            message: &message,
            named: None,
            asked: None,
            seen: Some(&seen),
        });
        self.tracker.gives(&message);
        self.prepare(Side::Server, &message, &verdict)?;
        if matches!(verdict.action, Action::Drop) {
            return Ok(());
        }
        let message = if let Action::Tag(tag) = verdict.action
            && message.kind == b'C'
        {
            tagged(tag)
        } else {
            message
        };
        let bytes = message.bytes.get(verdict.at..).unwrap_or_default();
        tell(&self.to_client, Out::Bytes(bytes.to_vec()));
        Ok(())
    }

    fn judge(&self, passing: &Passing<'_>) -> Verdict {
        let verdict = lock(&self.schedule).judge(passing);
        self.note(passing, &verdict);
        let is_whole = match verdict.action {
            Action::Drop | Action::Fail(_) | Action::Instead(_) | Action::Tag(_) => true,
            Action::Pass
            | Action::Hold(_)
            | Action::Reset
            | Action::Close
            | Action::Strand
            | Action::Slice(_)
            | Action::Delay(_)
            | Action::Throttle(_) => false,
        };
        Verdict {
            at: if is_whole { 0 } else { verdict.at },
            ..verdict
        }
    }

    fn note(&self, passing: &Passing<'_>, verdict: &Verdict) {
        let sign = match passing.side {
            Side::Client => '>',
            Side::Server => '<',
        };
        let kind = match passing.message.kind {
            0 => "start".to_owned(),
            kind => char::from(kind).to_string(),
        };
        let text = match (passing.side, passing.message.kind) {
            (Side::Client, b'Q') | (Side::Server, b'C') => passing.message.text(0),
            (Side::Client, b'P') => passing.message.text(1),
            (Side::Server, b'Z' | b'E') => passing.message.texts().collect::<Vec<_>>().join(" "),
            _ => String::new(),
        };
        let connection = self.connection;
        let line = if matches!(verdict.action, Action::Pass) {
            format!("{connection} {sign} {kind} {text}")
        } else {
            let Verdict { action, at } = verdict;
            format!("{connection} {sign} {kind} {text}: {action:?} at byte {at}")
        };
        lock(&self.schedule).note(line.trim_end().to_owned());
    }

    /// Does what is done before a message goes on, the bytes before the point of the fault included; or ends the connection.
    fn prepare(&self, side: Side, message: &Message, verdict: &Verdict) -> Result<(), Ending> {
        let sink = match side {
            Side::Client => &self.to_server,
            Side::Server => &self.to_client,
        };
        let before = message.bytes.get(..verdict.at).unwrap_or_default();
        if !before.is_empty() {
            tell(sink, Out::Bytes(before.to_vec()));
        }
        let out = match &verdict.action {
            Action::Pass | Action::Drop | Action::Fail(_) | Action::Instead(_) | Action::Tag(_) => {
                return Ok(());
            }
            Action::Hold(gate) => Out::Hold(gate.clone()),
            Action::Delay(time) => Out::Delay(*time),
            Action::Slice(bytes) => Out::Slice(*bytes),
            Action::Throttle(bytes) => Out::Throttle(*bytes),
            Action::Reset => return Err(Ending::Reset),
            Action::Close => return Err(Ending::Closed),
            Action::Strand => return Err(Ending::Stranded),
        };
        tell(sink, out);
        Ok(())
    }
}

/// Where a transaction is after a statement, as far as that can be known before it is answered.
fn status_after(control: Control, status: u8, is_refused: bool) -> u8 {
    match (control, is_refused, status) {
        (Control::Commit, _, _) | (Control::RollBack, false, _) | (_, true, b'I') => b'I',
        (_, true, _) => b'E',
        (Control::Begin, false, b'I') | (Control::RollBackTo, false, b'E') => b'T',
        (_, false, status) => status,
    }
}

/// What is told to a writer that has ended does not matter: its end of the connection is gone.
fn tell(sink: &Sink, out: Out) {
    drop(sink.send(out));
}

pub(super) fn lock(schedule: &Mutex<Schedule>) -> MutexGuard<'_, Schedule> {
    schedule.lock().unwrap_or_else(PoisonError::into_inner)
}
