//! Imports what no host has.

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package evil:x;

            interface y {
                z: func() -> u32;
            }

            world guest {
                import y;
            }
        ",
    });
}

chitin::plugin!(run);

#[expect(
    clippy::unnecessary_wraps,
    reason = "a plugin may fail, even if this one cannot"
)]
fn run() -> chitin::Result<u32> {
    Ok(bindings::evil::x::y::z())
}
