use std::{env, thread, time::Duration};

use host::{
    database::{Chaos, ConnectOptions, Limits, RetryPolicy, SessionOptions},
    tenancy::Grants,
};
use tokio::time::Instant;
use tokio_postgres::{Client, NoTls};

/// A database made for one test and dropped with it.
#[derive(Debug)]
pub struct TestDatabase {
    server: Option<String>,
    name: String,
}

/// Makes a fresh database: on the server in `TEST_DATABASE_URL` if that is set, else on the server of this process.
pub async fn database() -> TestDatabase {
    let database = TestDatabase {
        server: env::var("TEST_DATABASE_URL").ok(),
        name: crate::unique_name("test"),
    };
    let statement = format!("CREATE DATABASE {}", database.name);
    database
        .server_client()
        .await
        .simple_query(&statement)
        .await
        .expect("a database can be made");
    database
}

/// A session that may do everything for a minute, under these limits.
pub fn session_options(limits: Limits) -> SessionOptions {
    SessionOptions {
        grants: Grants::all(),
        limits,
        deadline: Instant::now() + Duration::from_mins(1),
        retry: RetryPolicy::default(),
        read_committed: false,
        chaos: Chaos::default(),
    }
}

impl TestDatabase {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL, as the superuser.
    pub fn url(&self) -> String {
        match &self.server {
            None => crate::cluster().url(&self.name),
            Some(server) => {
                let (base, query) = server
                    .split_once('?')
                    .map_or((server.as_str(), ""), |(base, query)| (base, query));
                let base = base
                    .rsplit_once('/')
                    .expect("TEST_DATABASE_URL names a database")
                    .0;
                format!("{base}/{}?{query}", self.name)
            }
        }
    }

    /// How the host connects to it.
    pub fn options(&self) -> ConnectOptions {
        ConnectOptions::from_url(&self.url()).expect("the test's URL is good")
    }

    /// How the host connects to it as another role, which needs no password.
    pub fn options_as(&self, role: &str) -> ConnectOptions {
        let url = self.url();
        let (scheme, rest) = url.split_once("://").expect("a URL has a scheme");
        let (authority, rest) = rest.split_once('/').expect("it names a database");
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let url = format!("{scheme}://{role}@{host}/{rest}");
        ConnectOptions::from_url(&url).expect("the test's URL is good")
    }

    /// The host's own front door to it, with the default limits.
    pub async fn connect(&self) -> host::database::Database {
        host::database::Database::connect(self.options(), Limits::default())
            .await
            .expect("it connects")
    }

    /// A plain client, for what the test itself must do or see.
    pub async fn client(&self) -> Client {
        plain_client(&self.url()).await
    }

    async fn server_client(&self) -> Client {
        match &self.server {
            None => plain_client(&crate::cluster().url("postgres")).await,
            Some(server) => plain_client(server).await,
        }
    }
}

/// Connects without TLS: the servers of tests are on this machine.
async fn plain_client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("the test's server can be reached");
    tokio::spawn(connection);
    client
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let force = if self
            .server
            .as_deref()
            .is_some_and(|url| url.starts_with("cockroach"))
        {
            "CASCADE"
        } else {
            "WITH (FORCE)"
        };
        let statement = format!("DROP DATABASE IF EXISTS {} {force}", self.name);
        // A test's own runtime may be shutting down, so the statement gets one of its own.
        thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                runtime
                    .block_on(async { self.server_client().await.simple_query(&statement).await })
                    .expect("dropped");
            });
        });
    }
}
