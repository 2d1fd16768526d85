//! An ordinary program that writes to standard output for ever.

use std::hint::black_box;
use std::io::{Write, stdout};

fn main() -> std::io::Result<()> {
    let line = [b'x'; 8 << 10];
    while black_box(true) {
        stdout().write_all(&line)?;
    }
    Ok(())
}
