//! Databases of the server: [`create_database`].

use crate::Result;
use crate::bindings::chitin::db::databases as contract;

/// A database that is to be made, by its plain name. It does not change which database this plugin works in.
///
/// ```no_run
/// let made = chitin::create_database("sales").if_not_exists().run()?;
/// # Ok::<(), chitin::Error>(())
/// ```
pub fn create_database(name: impl Into<String>) -> CreateDatabase {
    CreateDatabase {
        name: name.into(),
        if_not_exists: false,
    }
}

/// A database that is to be made. See [`create_database`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the database is not made before `run`"]
pub struct CreateDatabase {
    name: String,
    if_not_exists: bool,
}

impl CreateDatabase {
    /// A database of this name that is there already is no error.
    pub fn if_not_exists(mut self) -> Self {
        self.if_not_exists = true;
        self
    }

    /// Makes the database and says whether it was made.
    pub fn run(self) -> Result<bool> {
        Ok(contract::create_database(&self.name, self.if_not_exists)?)
    }
}
