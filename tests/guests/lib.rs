//! Guests for tests, one a file, each an example of this package. `manifest.toml` says what each must come to.
//!
//! `cargo build --package guests --examples --target wasm32-wasip2 --profile plugin` builds them all.
