use super::development::{DevelopmentDatabase, DevelopmentError, Options};
use crate::{
    config::{Development, Target},
    database::{ConnectError, ConnectOptions, Database, Error, InvalidOptions, Limits, Markers},
};

/// A database that is open for work: connected to, and if need be started.
#[derive(Debug)]
pub struct OpenDatabase {
    database: Database,
    development: Option<DevelopmentDatabase>,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The development database does not start.
    #[error("the development database cannot be started")]
    Development(#[from] DevelopmentError),
    /// The development database is not where it says it is.
    #[error("the development database has an address that cannot be used")]
    Address(#[from] InvalidOptions),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl OpenError {
    /// Whether it is a matter of what was configured, not of what is running.
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Connect(ConnectError::Options(_)))
    }
}

impl OpenDatabase {
    /// Connects to the configured database, and starts the one for development if that is it.
    pub async fn open(target: &Target, limits: Limits) -> Result<Self, OpenError> {
        let development = match target {
            Target::Server { options, .. } => {
                return Ok(Self {
                    database: Database::connect((**options).clone(), limits).await?,
                    development: None,
                });
            }
            Target::Development(place) => DevelopmentDatabase::start(&start_options(place)).await?,
        };
        let connected = async {
            let options = ConnectOptions::from_url(development.url())?;
            let database = Database::connect(options, limits).await?;
            prepare(&database).await;
            Ok(database)
        };
        match connected.await {
            Ok(database) => Ok(Self {
                database,
                development: Some(development),
            }),
            Err(error) => {
                if let Err(second) = development.stop().await {
                    tracing::warn!(error = %second, "the development database was not stopped");
                }
                Err(error)
            }
        }
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The development database, if it is that one.
    pub fn development(&self) -> Option<&DevelopmentDatabase> {
        self.development.as_ref()
    }

    /// Ends all connections, and the development database if nobody else uses it.
    pub async fn close(self) -> Result<(), DevelopmentError> {
        self.database.close().await;
        match self.development {
            Some(development) => development.stop().await,
            None => Ok(()),
        }
    }
}

/// Makes what the host needs in its own database. Without it everything works but the settling of commits whose answers are lost.
async fn prepare(database: &Database) {
    let prepared = async {
        let mut examiner = database.examiner().await?;
        if examiner.markers(None).await? == Markers::Missing {
            examiner.prepare(None).await?;
        }
        Ok::<(), Error>(())
    };
    if let Err(error) = prepared.await {
        tracing::warn!(%error, "the development database has no table of commit markers");
    }
}

fn start_options(place: &Development) -> Options {
    let (directory, ephemeral) = match place {
        Development::Usual => (None, false),
        Development::In(directory) => (Some(directory.clone()), false),
        Development::Ephemeral => (None, true),
    };
    Options {
        directory,
        ephemeral,
        programs: None,
    }
}
