//! Imports what no host has.

mod bindings {
    #![expect(
        missing_docs,
        reason = "generated from an interface that exists nowhere"
    )]

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

fn run() -> chitin::Result<u32> {
    Ok(bindings::evil::x::y::z())
}
