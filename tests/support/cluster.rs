use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// A PostgreSQL server that ends with this process.
///
/// It listens on a unix socket, where everybody is trusted, and on 127.0.0.1 with SCRAM and TLS under a certificate for `localhost`
/// alone, so that names can be told from chains.
#[derive(Debug)]
pub struct Cluster {
    /// The directory of the socket.
    pub socket: PathBuf,
    /// The port, the same for both.
    pub port: u16,
    /// The certificate that signed the server's own.
    pub root_certificate: PathBuf,
    /// Keeps the server running: it ends when this process's end of the pipe closes.
    _supervisor: Child,
}

/// The server that all tests of this process share.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);
    &CLUSTER
}

impl Cluster {
    /// Starts a server of its own, for a test that stops it or cuts its connections.
    pub fn start() -> Self {
        let bin = server_programs();
        // A free port can be taken by somebody else before the server binds it.
        for _ in 0..5 {
            let directory = env::temp_dir().join(crate::unique_name("chitin_tests"));
            let root_certificate = write_certificates(&directory);
            let port = free_port();
            let mut supervisor = Command::new(crate::workspace_file("tests/support/cluster.sh"))
                .args([&bin, &directory])
                .arg(port.to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("the shell runs");
            let mut line = String::new();
            let output = supervisor.stdout.take().expect("the output is piped");
            BufReader::new(output)
                .read_line(&mut line)
                .expect("the supervisor speaks");
            if line == "ready\n" {
                return Self {
                    socket: directory,
                    port,
                    root_certificate,
                    _supervisor: supervisor,
                };
            }
            supervisor.wait().expect("it has ended");
        }
        panic!("PostgreSQL did not start; its log is above");
    }

    /// The URL of a database on this server, over the socket, as the superuser.
    pub fn url(&self, database: &str) -> String {
        let socket = self
            .socket
            .to_str()
            .expect("the path is text")
            .replace('/', "%2F");
        format!(
            "postgresql://root@/{database}?host={socket}&port={}",
            self.port
        )
    }
}

fn server_programs() -> PathBuf {
    let from_path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    let found = debian
        .chain(env::split_paths(&from_path))
        .find(|bin| bin.join("initdb").exists() && bin.join("postgres").exists());
    found.expect("no PostgreSQL server was found: run .ci/setup, or set TEST_DATABASE_URL")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Writes `server.crt` and `server.key` where the supervisor takes them, and gives the path of the root certificate.
fn write_certificates(directory: &Path) -> PathBuf {
    let mut authority = CertificateParams::new([]).expect("no names to be wrong");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
        .expect("a root");
    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let server = server.signed_by(&key, &authority).expect("a certificate");

    let files = directory.with_extension("tls");
    fs::create_dir_all(&files).expect("the temporary directory can be written");
    fs::write(files.join("server.crt"), server.pem()).expect("written");
    fs::write(files.join("server.key"), key.serialize_pem()).expect("written");
    let root = files.join("root.crt");
    fs::write(&root, authority.pem()).expect("written");
    root
}
