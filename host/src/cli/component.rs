//! The plugin's file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::OFlags;

use super::exit::{Exit, Failure};
use crate::{config::PluginConfig, runtime};

/// Reads a component. The file is opened once and looked at through its handle, so that it cannot be changed for another one
/// in between, and a pipe or a device is refused without waiting for it.
pub(super) fn read(path: &Path, limit_bytes: usize) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| {
        let failure = Failure::new(
            Exit::Refused,
            format!("cannot read the plugin `{}`: {error}", path.display()),
        );
        if error.kind() == io::ErrorKind::NotFound {
            failure.hint(
                "give the path of a component (.wasm), or a name under [plugins] together with --config",
            )
        } else {
            failure
        }
    };
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(unreadable)?;
    let kind = file.metadata().map_err(unreadable)?;
    if !kind.is_file() {
        let kind = if kind.is_dir() {
            "it is a directory"
        } else {
            "it is not a regular file"
        };
        return Err(unreadable(io::Error::other(kind)));
    }
    let component = bounded(file, limit_bytes).map_err(unreadable)?;
    component.ok_or_else(|| {
        Failure::new(
            Exit::Refused,
            format!(
                "the plugin `{}` is larger than limit `component-bytes` allows: {limit_bytes} bytes",
                path.display()
            ),
        )
        .hint("raise it with --limit component-bytes=64MiB")
    })
}

/// Refuses a file that is not the one that was configured.
pub(super) fn check_digest(plugin: &PluginConfig, component: &[u8]) -> Result<(), Failure> {
    let Some(expected) = &plugin.digest else {
        return Ok(());
    };
    let found = runtime::digest(component);
    if found == *expected {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        format!(
            "`{}` is not the file that was configured: its digest is sha256:{found}, and [plugins.{}] says sha256:{expected}",
            plugin.path.display(),
            plugin.name
        ),
    )
    .hint("find out who changed it; if it was meant, put the new digest into the configuration"))
}

/// The content, or none if it is larger.
fn bounded(file: File, limit_bytes: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = file
        .take((limit_bytes as u64).saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok((read <= limit_bytes).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::read;
    use crate::cli::exit::Exit;

    #[test]
    fn only_a_regular_file_within_the_limit_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.wasm");
        fs::write(&file, b"four").expect("written");
        assert_eq!(read(&file, 4).expect("it fits"), b"four");
        for (path, limit_bytes, words) in [
            (file.as_path(), 3, "limit `component-bytes`"),
            (folder.path(), 4, "it is a directory"),
            (Path::new("/dev/zero"), 4, "it is not a regular file"),
            (Path::new("/no/such/file"), 4, "No such file or directory"),
        ] {
            let failure = read(path, limit_bytes).expect_err(words);
            assert_eq!(failure.exit, Exit::Refused);
            assert!(failure.message.contains(words), "{}", failure.message);
        }
    }
}
