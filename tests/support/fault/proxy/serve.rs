use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream, tcp::OwnedWriteHalf},
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_postgres::{Config, config::Host};

use super::{
    cockroach::Disguise,
    line::{Ending, Line},
    message::Message,
    schedule::Schedule,
    writer::{Sink, write},
};

/// Accepts connections and connects them with the server.
pub(super) struct Server {
    listener: TcpListener,
    config: Config,
    shared: Shared,
}

#[derive(Clone)]
struct Shared {
    schedule: Arc<Mutex<Schedule>>,
    is_disguised: bool,
    connections: Arc<AtomicUsize>,
    /// The servers' ends of connections whose clients were left.
    stranded: Arc<Mutex<Vec<(Tasks, Sink)>>>,
}

/// What reads and writes one end. It stops when this is dropped.
type Tasks = JoinSet<()>;

/// The server, however it is reached.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for S {}

impl Server {
    pub(super) async fn new(url: &str, is_disguised: bool, schedule: Arc<Mutex<Schedule>>) -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.expect("a port"),
            config: url.parse().expect("a good URL"),
            shared: Shared {
                schedule,
                is_disguised,
                connections: Arc::default(),
                stranded: Arc::default(),
            },
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.listener.local_addr().expect("bound").port()
    }

    pub(super) async fn serve(self) {
        let mut connections = JoinSet::new();
        while let Ok((client, _)) = self.listener.accept().await {
            let Some(server) = connect(&self.config).await else {
                continue;
            };
            connections.spawn(carry(client, server, self.shared.clone()));
        }
    }
}

impl Shared {
    /// Keeps the server's end of a connection open.
    fn strand(&self, tasks: Tasks, to_server: Sink) {
        let mut stranded = self.stranded.lock().expect("unharmed");
        stranded.push((tasks, to_server));
    }
}

/// Connects to the server; nothing if it is not there.
async fn connect(config: &Config) -> Option<Box<dyn Socket>> {
    match (config.get_hosts().first(), config.get_ports().first()) {
        (Some(Host::Unix(directory)), Some(port)) => {
            let path = directory.join(format!(".s.PGSQL.{port}"));
            Some(Box::new(UnixStream::connect(path).await.ok()?))
        }
        (Some(Host::Tcp(name)), Some(port)) => {
            let server = TcpStream::connect((name.as_str(), *port)).await.ok()?;
            Some(Box::new(server))
        }
        other => panic!("a server is at one address, not at {other:?}"),
    }
}

/// Carries what goes between one client and the server, to the end of the connection.
async fn carry(mut client: TcpStream, mut server: Box<dyn Socket>, shared: Shared) -> Option<()> {
    client.set_nodelay(true).ok()?;
    let mut start = Message::read_start(&mut client).await?;
    while start.asks_for_tls() {
        client.write_all(b"N").await.ok()?;
        start = Message::read_start(&mut client).await?;
    }
    if start.cancels() {
        server.write_all(&start.bytes).await.ok()?;
        // The server closes when it is done, and the client waits for that.
        server.read_to_end(&mut Vec::new()).await.ok()?;
        return Some(());
    }
    let (reading, writing) = client.into_split();
    let (answers, requests) = tokio::io::split(server);
    let (mut client_tasks, mut server_tasks) = (Tasks::new(), Tasks::new());
    let mut asked = read(reading, &mut client_tasks);
    let mut answered = read(answers, &mut server_tasks);
    let (to_client, told) = mpsc::unbounded_channel();
    let (leave, left) = oneshot::channel();
    client_tasks.spawn(async move {
        let client = write(writing, told).await;
        drop(leave.send(client));
    });
    let (to_server, told) = mpsc::unbounded_channel();
    let (finish, finished) = oneshot::channel();
    server_tasks.spawn(async move {
        let mut requests = write(requests, told).await;
        drop(requests.shutdown().await);
        finish.send(()).unwrap_or_default();
    });
    let number = shared.connections.fetch_add(1, Ordering::Relaxed);
    let disguise = shared.is_disguised.then(Disguise::default);
    let sinks = (to_client, to_server.clone());
    let mut line = Line::new(number, Arc::clone(&shared.schedule), disguise, sinks);
    let mut passed = line.asked_by_client(start);
    while passed.is_ok() {
        passed = tokio::select! {
            message = asked.recv() => match message {
                Some(message) => line.asked_by_client(message),
                None => Err(Ending::ByClient),
            },
            message = answered.recv() => match message {
                Some(message) => line.told_by_server(message),
                None => Err(Ending::Closed),
            },
        };
    }
    // What both were to get before, they get.
    drop(line);
    let ending = passed.err()?;
    if ending == Ending::Stranded {
        shared.strand(server_tasks, to_server);
        part(left, true).await;
        return Some(());
    }
    drop(to_server);
    if ending != Ending::ByClient {
        part(left, ending == Ending::Reset).await;
    }
    drop(client_tasks);
    finished.await.ok()
}

/// Leaves the client after it got what was meant for it.
async fn part(left: oneshot::Receiver<OwnedWriteHalf>, by_reset: bool) {
    let Ok(mut client) = left.await else {
        return;
    };
    if by_reset {
        // Whether it could be set is seen by the test: the client would see an end in order.
        drop(client.as_ref().set_zero_linger());
        client.forget();
    } else {
        drop(client.shutdown().await);
    }
}

/// Reads messages to the end.
fn read(
    mut end: impl AsyncRead + Send + Unpin + 'static,
    tasks: &mut Tasks,
) -> mpsc::Receiver<Message> {
    let (reader, messages) = mpsc::channel(64);
    tasks.spawn(async move {
        while let Some(message) = Message::read(&mut end).await {
            if reader.send(message).await.is_err() {
                return;
            }
        }
    });
    messages
}
