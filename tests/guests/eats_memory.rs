//! Asks for more memory for as long as it gets some.

use std::hint::black_box;

chitin::plugin!(run);

#[expect(
    clippy::unnecessary_wraps,
    reason = "a plugin may fail, even if this one cannot"
)]
fn run() -> chitin::Result<usize> {
    let mut eaten = Vec::new();
    while black_box(true) {
        eaten.push(black_box(vec![1_u8; 1 << 20]));
    }
    Ok(eaten.len())
}
