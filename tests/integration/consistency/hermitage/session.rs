//! Who takes part in a case: a guest that is talked to by line, or a plain connection.

use host::runtime::{End, Stdin};
use serde::{Deserialize, Serialize};
use tests::TestDatabase;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_postgres::{Client, Row};

use super::super::{
    plain::{Isolation, is_conflict},
    stage::Stage,
};

/// What a session is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Word {
    Begin,
    /// A statement that gives rows.
    Query(String),
    /// A statement that changes rows.
    Execute(String),
    Commit,
    Rollback,
    /// After `Said::Retry`: begin the next attempt.
    Restart,
}

/// What it says to that.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Said {
    Done,
    Rows(Vec<(i64, i64)>),
    Count(u64),
    /// The transaction is over, and may be begun again.
    Retry,
    /// What nobody expects.
    Error(String),
}

/// A session that does one thing after the other. Others go on while it waits.
#[derive(Debug)]
pub(super) struct Session {
    words: mpsc::UnboundedSender<Word>,
    sayings: mpsc::UnboundedReceiver<Said>,
    playing: JoinHandle<()>,
}

impl Session {
    /// A guest, which is a program that reads what it is told.
    pub(super) fn guest(stage: &Stage) -> Self {
        let (words, told) = mpsc::unbounded_channel();
        let (says, sayings) = mpsc::unbounded_channel();
        Self {
            words,
            sayings,
            playing: tokio::spawn(talk(stage.clone(), told, says)),
        }
    }

    /// A connection that speaks SQL.
    pub(super) async fn plain(database: &TestDatabase, isolation: Isolation) -> Self {
        let (words, mut told) = mpsc::unbounded_channel();
        let (says, sayings) = mpsc::unbounded_channel();
        let client = database.client().await;
        let playing = tokio::spawn(async move {
            while let Some(word) = told.recv().await {
                let said = perform(&client, isolation, word).await;
                says.send(said).expect("somebody listens");
            }
        });
        Self {
            words,
            sayings,
            playing,
        }
    }

    /// Tells it something; it may take its time.
    pub(super) fn tell(&self, word: Word) {
        self.words.send(word).expect("it listens");
    }

    /// What it says to what it was told last.
    pub(super) async fn hear(&mut self) -> Said {
        self.sayings.recv().await.expect("it answers")
    }

    /// Tells it something and waits for what it says.
    pub(super) async fn ask(&mut self, word: Word) -> Said {
        self.tell(word);
        self.hear().await
    }

    /// Ends it, and waits until it has ended well.
    pub(super) async fn end(self) {
        drop(self.words);
        self.playing.await.expect("it ends well");
    }
}

/// Talks to a guest.
async fn talk(
    stage: Stage,
    mut told: mpsc::UnboundedReceiver<Word>,
    says: mpsc::UnboundedSender<Said>,
) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (stdin, stdout) = tokio::io::split(theirs);
    let mut request = Stage::request(String::new());
    request.stdin = Stdin::Stream(Box::new(stdin));
    request.stdout = Box::new(stdout);
    let running = tokio::spawn(async move { stage.run(request).await });
    let (answers, mut words) = tokio::io::split(ours);
    let mut answers = BufReader::new(answers).lines();
    while let Some(word) = told.recv().await {
        let line = serde_json::to_string(&word).expect("it can be written") + "\n";
        words.write_all(line.as_bytes()).await.expect("it listens");
        let answer = answers.next_line().await.expect("it talks");
        let said = serde_json::from_str(&answer.unwrap_or_default());
        let said = said.unwrap_or_else(|error| Said::Error(format!("no answer: {error}")));
        says.send(said).expect("somebody listens");
    }
    words.shutdown().await.expect("it hears that it is over");
    let outcome = running.await.expect("the host does not panic");
    let end = outcome.end;
    assert!(matches!(end, End::Finished { .. }), "the guest: {end}");
}

async fn perform(client: &Client, isolation: Isolation, word: Word) -> Said {
    let done = match word {
        Word::Begin | Word::Restart => client
            .simple_query(isolation.begin())
            .await
            .map(|_| Said::Done),
        Word::Query(sql) => client.query(&sql, &[]).await.map(|rows| {
            let row = |row: &Row| (row.get(0), row.get(1));
            Said::Rows(rows.iter().map(row).collect())
        }),
        Word::Execute(sql) => client.execute(&sql, &[]).await.map(Said::Count),
        Word::Commit => client.simple_query("COMMIT").await.map(|_| Said::Done),
        Word::Rollback => client.simple_query("ROLLBACK").await.map(|_| Said::Done),
    };
    match done {
        Ok(said) => said,
        Err(error) if is_conflict(&error) => {
            let over = client.simple_query("ROLLBACK").await;
            over.map_or_else(|error| Said::Error(error.to_string()), |_| Said::Retry)
        }
        Err(error) => Said::Error(error.to_string()),
    }
}
