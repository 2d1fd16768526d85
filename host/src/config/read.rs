use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::ConfigError;

/// The longest file that is read for the configuration. It is read whole, and a mistyped path can name a device without an end.
const MAXIMUM_BYTES: u64 = 1 << 20;

/// The text of a file; `what` says in an error what it is for.
pub(super) fn text(path: &Path, what: &str) -> Result<String, ConfigError> {
    let read = || {
        let mut text = String::new();
        File::open(path)?
            .take(MAXIMUM_BYTES + 1)
            .read_to_string(&mut text)?;
        if text.len() as u64 > MAXIMUM_BYTES {
            let message = format!("it has more than {MAXIMUM_BYTES} bytes");
            return Err(io::Error::other(message));
        }
        Ok(text)
    };
    read().map_err(|source| ConfigError::Unreadable {
        what: format!("{what} `{}`", path.display()),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, path::Path};

    use super::text;

    #[test]
    fn what_has_no_end_is_not_read_to_it() {
        let error = text(Path::new("/dev/zero"), "the configuration").expect_err("no end");
        assert_eq!(
            error.to_string(),
            "cannot read the configuration `/dev/zero`"
        );
        let cause = error.source().expect("a cause").to_string();
        assert_eq!(cause, "it has more than 1048576 bytes");
    }
}
