use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream, tcp::OwnedWriteHalf},
    sync::mpsc,
    task::{JoinHandle, JoinSet},
};
use tokio_postgres::{Config, config::Host};

use super::{Asked, client::Prepared};

/// A proxy before a real server that spoils what a test tells it to. It ends, and all that goes through it, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    serving: JoinHandle<()>,
}

/// What the proxy does about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It passes.
    None,
    /// It passes, and its answer comes byte by byte.
    Sliced,
    /// The connection is cut and the server never sees it.
    Unsent,
    /// The server does it, and of its answer only so many bytes come before the connection is cut.
    Cut(usize),
    /// The server does it, and what comes instead of its answer are these bytes.
    Instead(Vec<u8>),
    /// The server does it, and its answer never comes.
    Silence,
}

type Script = Arc<Mutex<dyn FnMut(&Asked) -> Fault + Send>>;

impl Proxy {
    /// Starts a proxy before the server of this URL. It asks `script` about every request, the start-up included, but not those that only
    /// close statements.
    pub async fn start(url: &str, script: impl FnMut(&Asked) -> Fault + Send + 'static) -> Self {
        let config: Config = url.parse().expect("a good URL");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let script: Script = Arc::new(Mutex::new(script));
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let script = Arc::clone(&script);
                match (config.get_hosts().first(), config.get_ports().first()) {
                    (Some(Host::Unix(directory)), Some(port)) => {
                        let path = directory.join(format!(".s.PGSQL.{port}"));
                        let Ok(server) = UnixStream::connect(path).await else {
                            continue;
                        };
                        connections.spawn(pass(client, server, script));
                    }
                    (Some(Host::Tcp(name)), Some(port)) => {
                        let Ok(server) = TcpStream::connect((name.as_str(), *port)).await else {
                            continue;
                        };
                        connections.spawn(pass(client, server, script));
                    }
                    other => panic!("a server is at one address, not at {other:?}"),
                }
            }
        });
        Self { port, serving }
    }

    /// How to reach a database of that server through the proxy, as the superuser.
    pub fn url(&self, database: &str, parameters: &str) -> String {
        let port = self.port;
        format!("postgresql://root@127.0.0.1:{port}/{database}?sslmode=disable&{parameters}")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Passes on what goes between one client and the server, until one of both is gone.
async fn pass<S>(mut client: TcpStream, server: S, script: Script)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let Some(mut request) = Asked::start(&mut client).await else {
        return;
    };
    let (mut requests, to_client) = client.into_split();
    let (mut answers, to_server) = tokio::io::split(server);
    let (asking, mut asked) = mpsc::channel(8);
    let (answering, answered) = mpsc::channel(64);
    // They end with this function.
    let mut readers = JoinSet::new();
    readers.spawn(async move {
        while let Some(request) = Asked::read(&mut requests).await {
            if asking.send(request).await.is_err() {
                return;
            }
        }
    });
    readers.spawn(async move {
        while let Some(frame) = read_frame(&mut answers).await {
            if answering.send(frame).await.is_err() {
                return;
            }
        }
    });
    let mut line = Line {
        to_client,
        to_server,
        answered,
    };
    let mut number = 0;
    let mut prepared = Prepared::default();
    loop {
        prepared.resolve(&mut request);
        request.number = number;
        let fault = if request.closes() {
            Fault::None
        } else {
            number += 1;
            script.lock().unwrap_or_else(PoisonError::into_inner)(&request)
        };
        if line.exchange(&request, fault).await.is_none() {
            return;
        }
        let next = line.until(asked.recv()).await;
        let Some(next) = next else { return };
        request = next;
    }
}

/// What a proxy holds of both ends.
struct Line<W> {
    to_client: OwnedWriteHalf,
    to_server: W,
    /// The frames of the server.
    answered: mpsc::Receiver<Vec<u8>>,
}

impl<W: AsyncWrite + Unpin> Line<W> {
    /// Passes on a request and its answer, as far as the fault lets it; nothing if the connection is over.
    async fn exchange(&mut self, request: &Asked, fault: Fault) -> Option<()> {
        if fault == Fault::Unsent {
            return None;
        }
        self.to_server.write_all(&request.bytes).await.ok()?;
        let answer = self.answer(request).await;
        let (bytes, piece) = match fault {
            Fault::None | Fault::Unsent => (answer, usize::MAX),
            Fault::Sliced => (answer, 1),
            Fault::Instead(bytes) => (bytes, usize::MAX),
            Fault::Silence => (Vec::new(), usize::MAX),
            Fault::Cut(length) => {
                self.give(answer.get(..length).unwrap_or(&answer), usize::MAX)
                    .await?;
                return (length >= answer.len()).then_some(());
            }
        };
        self.give(&bytes, piece).await
    }

    /// All that the server says to a request.
    async fn answer(&mut self, request: &Asked) -> Vec<u8> {
        let mut answer = Vec::new();
        while !request.kinds.ends_with('X') {
            let Some(frame) = self.answered.recv().await else {
                break;
            };
            answer.extend_from_slice(&frame);
            // A login can ask for more; here nobody has a password.
            if frame.first() == Some(&b'Z') {
                break;
            }
        }
        answer
    }

    async fn give(&mut self, bytes: &[u8], piece: usize) -> Option<()> {
        for piece in bytes.chunks(piece) {
            self.to_client.write_all(piece).await.ok()?;
            tokio::task::yield_now().await;
        }
        Some(())
    }

    /// Waits for the next request, and passes on what the server says without being asked, and that it is gone.
    async fn until(&mut self, next: impl Future<Output = Option<Asked>>) -> Option<Asked> {
        let mut next = std::pin::pin!(next);
        loop {
            tokio::select! {
                next = &mut next => return next,
                word = self.answered.recv() => {
                    let word = word?;
                    self.to_client.write_all(&word).await.ok()?;
                }
            }
        }
    }
}

async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let kind = stream.read_u8().await.ok()?;
    let length = stream.read_u32().await.ok()?;
    let mut frame = vec![kind];
    frame.extend_from_slice(&length.to_be_bytes());
    let start = frame.len();
    frame.resize(start + usize::try_from(length).ok()?.checked_sub(4)?, 0);
    stream.read_exact(frame.get_mut(start..)?).await.ok()?;
    Some(frame)
}
