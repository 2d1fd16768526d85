use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// How a scripted server answers a statement.
#[derive(Debug, Clone)]
pub enum Reply {
    /// It was done: the tag and the state of the transaction.
    Done(&'static str, u8),
    /// It was refused: the SQLSTATE and the state of the transaction.
    Refused(&'static str, u8),
    /// The connection is closed without a word.
    Cut,
}

impl Reply {
    /// It was done, with this tag, and the transaction is then in this state.
    pub fn tag(tag: &'static str, status: u8) -> Self {
        Self::Done(tag, status)
    }
}

/// Starts a server that lets one client in, says that its transactions are serializable, and answers the statements that come in the
/// extended protocol with these replies in turn, the last of them ever after. Gives its port.
///
/// Behaves as PostgreSQL does, which the exchanges of tests against the real one show.
pub async fn scripted_server(replies: Vec<Reply>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        serve(stream, &replies).await;
    });
    port
}

async fn serve(mut stream: TcpStream, replies: &[Reply]) {
    read(&mut stream).await.expect("a start-up message");
    let key = [0, 0, 0, 1, 0, 0, 0, 2];
    let status: &mut u8 = &mut b'I';
    send(&mut stream, &[(b'R', &[0; 4]), (b'K', &key)], *status).await;
    let mut replies = replies.iter();
    let mut last = replies.next().expect("one reply at least");
    let mut next = Some(last);
    while let Ok(kind) = stream.read_u8().await {
        let Ok(body) = read(&mut stream).await else {
            return;
        };
        if kind == b'Q' {
            answer(&mut stream, &body, status).await;
        } else if kind == b'S' {
            last = next.unwrap_or(last);
            next = replies.next();
            if !obey(&mut stream, last).await {
                return;
            }
        }
    }
}

/// Answers what the host asks when it connects, and when it begins and ends transactions by themselves.
async fn answer(stream: &mut TcpStream, text: &[u8], status: &mut u8) {
    let text = text.strip_suffix(&[0]).unwrap_or(text);
    if text == b"SHOW transaction_isolation" {
        let column = b"\0\x01level\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0";
        let row = b"\0\x01\0\0\0\x0cserializable";
        let frames: [(u8, &[u8]); 3] = [(b'T', column), (b'D', row), (b'C', b"SHOW\0")];
        send(stream, &frames, *status).await;
        return;
    }
    let tag: &[u8] = if text.starts_with(b"BEGIN") {
        *status = b'T';
        b"BEGIN\0"
    } else {
        *status = b'I';
        b"ROLLBACK\0"
    };
    send(stream, &[(b'C', tag)], *status).await;
}

/// Replies to a statement; whether the connection goes on.
async fn obey(stream: &mut TcpStream, reply: &Reply) -> bool {
    match reply {
        Reply::Done(tag, status) => {
            let tag = [tag.as_bytes(), b"\0"].concat();
            let frames: [(u8, &[u8]); 4] = [(b'1', b""), (b'2', b""), (b'n', b""), (b'C', &tag)];
            send(stream, &frames, *status).await;
        }
        Reply::Refused(code, status) => {
            let error = format!("SERROR\0VERROR\0C{code}\0Mscripted\0\0");
            send(stream, &[(b'E', error.as_bytes())], *status).await;
        }
        Reply::Cut => {
            // In order, so that what was said before still arrives.
            drop(stream.shutdown().await);
            drop(stream.read_to_end(&mut Vec::new()).await);
            return false;
        }
    }
    true
}

/// The body of a message.
async fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    let mut body = vec![0; usize::try_from(length).expect("short").saturating_sub(4)];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

/// Sends frames and then that the server is ready.
async fn send(stream: &mut TcpStream, frames: &[(u8, &[u8])], status: u8) {
    let mut bytes = Vec::new();
    for (kind, body) in frames.iter().copied().chain([(b'Z', &[status][..])]) {
        let length = u32::try_from(body.len() + 4).expect("short");
        bytes.push(kind);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(body);
    }
    // A client that is gone needs no answer.
    drop(stream.write_all(&bytes).await);
}
