use std::{
    fmt,
    hash::{Hash as _, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

use super::private_directory::PrivateDirectory;

/// The file that holds the key with which entries are authenticated.
const KEY_NAME: &str = "key";

const KEY_BYTES: usize = 32;

/// How much the cache may hold: some fifty components of the largest kind.
const MAXIMUM_BYTES: u64 = 2 << 30;

/// The code that authenticates an entry stands before it.
const TAG_BYTES: usize = 32;

/// Compiled components on disk, so that each is compiled once.
///
/// Compiled code is trusted blindly by whoever loads it. So the directory is this user's alone, entries are files of this user's
/// alone, and each is authenticated, with its name, by a key that lies in the same directory: code that was made elsewhere, for
/// another component, or that rotted on disk is not loaded.
#[derive(Debug, Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    path: PathBuf,
    directory: PrivateDirectory,
    key: [u8; KEY_BYTES],
    maximum_bytes: u64,
}

/// Why a directory cannot be used as a cache.
#[derive(Debug, thiserror::Error)]
#[error("the cache directory `{path}` is not used: {reason}", path = .path.display())]
pub struct CacheError {
    path: PathBuf,
    reason: String,
}

impl Cache {
    /// Opens a cache, making the directory and its key if they are not there.
    pub fn open(path: &Path) -> Result<Self, CacheError> {
        Self::with_maximum(path, MAXIMUM_BYTES)
    }

    fn with_maximum(path: &Path, maximum_bytes: u64) -> Result<Self, CacheError> {
        let failed = |reason: String| CacheError {
            path: path.to_owned(),
            reason,
        };
        let directory = PrivateDirectory::open(path).map_err(failed)?;
        let key = open_key(&directory).map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            directory,
            key,
            maximum_bytes,
        })))
    }

    /// The code of this component and its length, if it is here and sound. What is not sound is left to be overwritten.
    pub(super) fn load(&self, digest: &Digest, engine: &Engine) -> Option<(Component, usize)> {
        match self.read(digest, engine) {
            Ok(found) => found,
            Err(reason) => {
                tracing::warn!(cache = %self.0.path.display(), entry = %digest, reason, "cache entry ignored");
                None
            }
        }
    }

    fn read(&self, digest: &Digest, engine: &Engine) -> Result<Option<(Component, usize)>, String> {
        let name = digest.file_name();
        let Some(entry) = self.0.directory.read(&name)? else {
            return Ok(None);
        };
        let (tag, code) = entry.split_at_checked(TAG_BYTES).ok_or("it is cut short")?;
        self.tag(digest, code)?
            .verify_slice(tag)
            .map_err(|_| "it was not written by this host, or was changed since")?;
        let component = deserialize(engine, code).map_err(|error| error.to_string())?;
        if let Err(error) = self.0.directory.touch(&name) {
            tracing::debug!(%error, name, "a cache entry cannot be marked as used");
        }
        Ok(Some((component, code.len())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Keeps the code of a component. Failing to costs time at the next start, and nothing else.
    pub(super) fn store(&self, digest: &Digest, code: &[u8]) -> Result<(), String> {
        let tag = self.tag(digest, code)?.finalize().into_bytes();
        let directory = &self.0.directory;
        self.make_room(code.len() as u64)
            .and_then(|()| directory.write(&digest.file_name(), &[&tag, code]))
            .map_err(|error| error.to_string())
    }

    /// Removes what was not used for the longest time until there is room for so many bytes more.
    fn make_room(&self, bytes: u64) -> Result<(), Errno> {
        let mut entries = self.0.directory.list()?;
        entries.retain(|entry| entry.name != KEY_NAME);
        entries.sort_unstable_by_key(|entry| entry.used);
        let mut total: u64 = bytes.saturating_add(entries.iter().map(|entry| entry.bytes).sum());
        for entry in entries {
            if total <= self.0.maximum_bytes {
                break;
            }
            match self.0.directory.remove(&entry.name) {
                Ok(()) | Err(Errno::NOENT) => total = total.saturating_sub(entry.bytes),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn tag(&self, digest: &Digest, code: &[u8]) -> Result<Hmac<Sha256>, &'static str> {
        let mut tag =
            Hmac::<Sha256>::new_from_slice(&self.0.key).map_err(|_| "the key has no length")?;
        tag.update(&digest.0);
        tag.update(code);
        Ok(tag)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cache")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// What an entry is found by: the component, and all of the engine that its code depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(bytes: &[u8], engine: &Engine) -> Self {
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.0.update(Sha256::digest(bytes));
        Self(hasher.0.finalize().into())
    }

    fn file_name(&self) -> String {
        format!("{self}.cwasm")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

/// Takes what the engine says about itself into a digest that does not collide.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[expect(
    unsafe_code,
    reason = "compiled code is loaded as it is; see the safety comment"
)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code must be what `Component::serialize` gave, unchanged. It was verified with a key that only this user can
    // read, and that this host uses for nothing but the results of `Component::serialize`. The bytes are a copy in memory: nobody
    // can change them between the verification and this call.
    unsafe { Component::deserialize(engine, code) }
}

fn open_key(directory: &PrivateDirectory) -> Result<[u8; KEY_BYTES], String> {
    if let Some(key) = read_key(directory)? {
        return Ok(key);
    }
    let key: [u8; KEY_BYTES] = rand::random();
    match directory.write_new(KEY_NAME, &[&key]) {
        Ok(()) => Ok(key),
        // Another host was faster: its key is as good.
        Err(Errno::EXIST) => read_key(directory)?.ok_or_else(|| "its key vanished".to_owned()),
        Err(error) => Err(format!("its key cannot be written: {error}")),
    }
}

/// The key, if there is one. A broken one is removed: all it costs is compiling again.
fn read_key(directory: &PrivateDirectory) -> Result<Option<[u8; KEY_BYTES]>, String> {
    let Some(bytes) = directory.read(KEY_NAME)? else {
        return Ok(None);
    };
    if let Ok(key) = bytes.try_into() {
        return Ok(Some(key));
    }
    directory
        .remove(KEY_NAME)
        .map_err(|error| format!("its key is broken and cannot be removed: {error}"))?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, symlink},
        path::{Path, PathBuf},
        time::{Duration, SystemTime},
    };

    use super::{Cache, Digest};
    use crate::sandbox::{Compiler, Engine, Limits};

    const SOURCE: &str = "(component (core module $m) (core instance (instantiate $m)))";

    struct Folder {
        _root: tempfile::TempDir,
        path: PathBuf,
    }

    impl Folder {
        fn new() -> Self {
            let root = tempfile::tempdir().expect("a folder");
            let path = root.path().join("a").join("cache");
            Self { _root: root, path }
        }

        fn entries(&self) -> Vec<PathBuf> {
            let files = fs::read_dir(&self.path).expect("a folder");
            let paths = files.map(|file| file.expect("a file").path());
            paths
                .filter(|path| path.extension().is_some_and(|end| end == "cwasm"))
                .collect()
        }

        fn entry(&self) -> PathBuf {
            let entries = self.entries();
            assert_eq!(entries.len(), 1);
            entries.into_iter().next().expect("one")
        }
    }

    fn engine() -> Engine {
        let limits = Limits {
            slots: 1,
            ..Limits::default()
        };
        Engine::new(limits).expect("an engine")
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    }

    #[test]
    fn a_component_is_compiled_once() {
        let (folder, engine) = (Folder::new(), engine());
        let bytes = wat::parse_str(SOURCE).expect("valid text");
        let digest = Digest::of(&bytes, engine.wasm());
        let cache = Cache::open(&folder.path).expect("a cache");
        assert!(cache.load(&digest, engine.wasm()).is_none());
        let compiler = Compiler::new(engine.clone(), Some(cache));
        compiler.compile(&bytes).expect("compiles");
        assert_eq!(mode(&folder.path), 0o700);
        assert_eq!(mode(&folder.entry()), 0o600);
        assert_eq!(mode(&folder.path.join("key")), 0o600);

        let again = Cache::open(&folder.path).expect("the same cache");
        assert!(again.load(&digest, engine.wasm()).is_some());
        let other = Digest::of(b"another", engine.wasm());
        assert_ne!(other, digest);
        assert!(again.load(&other, engine.wasm()).is_none());
    }

    #[test]
    fn a_changed_entry_is_ignored_and_replaced() {
        let (folder, engine) = (Folder::new(), engine());
        let bytes = wat::parse_str(SOURCE).expect("valid text");
        let digest = Digest::of(&bytes, engine.wasm());
        let cache = Cache::open(&folder.path).expect("a cache");
        let compiler = Compiler::new(engine.clone(), Some(cache.clone()));
        compiler.compile(&bytes).expect("compiles");
        let good = fs::read(folder.entry()).expect("an entry");

        for position in [0, 40, good.len() - 1] {
            let mut bad = good.clone();
            bad[position] ^= 1;
            fs::write(folder.entry(), bad).expect("written");
            assert!(
                cache.load(&digest, engine.wasm()).is_none(),
                "byte {position}"
            );
            compiler.compile(&bytes).expect("compiles again");
            assert!(cache.load(&digest, engine.wasm()).is_some());
        }
        for length in [0, 31, 32, good.len() - 1] {
            fs::write(folder.entry(), &good[..length]).expect("written");
            assert!(
                cache.load(&digest, engine.wasm()).is_none(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn an_entry_under_another_name_or_from_another_cache_is_ignored() {
        let (folder, engine) = (Folder::new(), engine());
        let bytes = wat::parse_str(SOURCE).expect("valid text");
        let cache = Cache::open(&folder.path).expect("a cache");
        let compiler = Compiler::new(engine.clone(), Some(cache.clone()));
        compiler.compile(&bytes).expect("compiles");

        let other = Digest::of(b"another", engine.wasm());
        fs::copy(folder.entry(), folder.path.join(other.file_name())).expect("copied");
        assert!(cache.load(&other, engine.wasm()).is_none());

        let foreign = Folder::new();
        let foreign_cache = Cache::open(&foreign.path).expect("a cache");
        let digest = Digest::of(&bytes, engine.wasm());
        let place = foreign.path.join(digest.file_name());
        fs::copy(folder.path.join(digest.file_name()), place).expect("copied");
        assert!(foreign_cache.load(&digest, engine.wasm()).is_none());
    }

    #[test]
    fn a_link_and_a_file_that_others_may_write_are_ignored() {
        let (folder, engine) = (Folder::new(), engine());
        let bytes = wat::parse_str(SOURCE).expect("valid text");
        let digest = Digest::of(&bytes, engine.wasm());
        let cache = Cache::open(&folder.path).expect("a cache");
        Compiler::new(engine.clone(), Some(cache.clone()))
            .compile(&bytes)
            .expect("compiles");

        let entry = folder.entry();
        fs::set_permissions(&entry, fs::Permissions::from_mode(0o620)).expect("changed");
        assert!(cache.load(&digest, engine.wasm()).is_none());

        let moved = folder.path.join("moved");
        fs::set_permissions(&entry, fs::Permissions::from_mode(0o600)).expect("changed");
        fs::rename(&entry, &moved).expect("moved");
        symlink(&moved, &entry).expect("linked");
        assert!(cache.load(&digest, engine.wasm()).is_none());
    }

    #[test]
    fn a_directory_that_is_open_to_others_or_none_at_all_is_not_used() {
        let folder = Folder::new();
        fs::create_dir_all(&folder.path).expect("made");
        fs::set_permissions(&folder.path, fs::Permissions::from_mode(0o770)).expect("changed");
        let error = Cache::open(&folder.path)
            .expect_err("open to a group")
            .to_string();
        assert!(error.contains("chmod go="), "{error}");

        let file = folder.path.join("file");
        fs::write(&file, b"").expect("written");
        Cache::open(&file).expect_err("a file");
        Cache::open(Path::new("/proc/none/cache")).expect_err("no such place");

        let link = folder.path.join("link");
        symlink("/tmp", &link).expect("linked");
        Cache::open(&link).expect_err("a link");
    }

    #[test]
    fn a_broken_key_is_replaced_and_old_entries_are_not_trusted() {
        let (folder, engine) = (Folder::new(), engine());
        let bytes = wat::parse_str(SOURCE).expect("valid text");
        let digest = Digest::of(&bytes, engine.wasm());
        let cache = Cache::open(&folder.path).expect("a cache");
        Compiler::new(engine.clone(), Some(cache))
            .compile(&bytes)
            .expect("compiles");
        fs::write(folder.path.join("key"), b"short").expect("written");
        let cache = Cache::open(&folder.path).expect("a cache with a new key");
        assert!(cache.load(&digest, engine.wasm()).is_none());
        assert_eq!(mode(&folder.path.join("key")), 0o600);
    }

    #[test]
    fn a_full_cache_drops_what_was_not_used_for_the_longest_time() {
        let (folder, engine) = (Folder::new(), engine());
        let [first, second, third] = ["a", "b", "c"].map(|name| {
            let text = format!(
                r#"(component (core module $m (func (export "{name}"))) (core instance (instantiate $m)))"#
            );
            wat::parse_str(text).expect("valid text")
        });
        let cache = Cache::open(&folder.path).expect("a cache");
        let compiler = Compiler::new(engine.clone(), Some(cache.clone()));
        compiler.compile(&first).expect("compiles");
        let bytes = fs::metadata(folder.entry()).expect("an entry").len();
        compiler.compile(&second).expect("compiles");
        for entry in folder.entries() {
            let file = fs::File::options().append(true).open(entry);
            let hour_ago = SystemTime::now() - Duration::from_hours(1);
            file.expect("opens").set_modified(hour_ago).expect("dated");
        }
        compiler.compile(&first).expect("is used again");

        let cache = Cache::with_maximum(&folder.path, bytes * 5 / 2).expect("the same, smaller");
        let compiler = Compiler::new(engine.clone(), Some(cache.clone()));
        compiler.compile(&third).expect("compiles");
        let is_there = |bytes: &[u8]| {
            let digest = Digest::of(bytes, engine.wasm());
            cache.load(&digest, engine.wasm()).is_some()
        };
        assert!(is_there(&first) && is_there(&third));
        assert!(!is_there(&second));
    }
}
