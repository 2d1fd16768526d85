//! The attribute of the crate `chitin`, which re-exports and documents it.

mod operation;

use proc_macro::TokenStream;

#[expect(
    missing_docs,
    reason = "documented where the crate `chitin` re-exports it, beside what its examples need"
)]
#[proc_macro_attribute]
pub fn operation(arguments: TokenStream, function: TokenStream) -> TokenStream {
    operation::expand(&arguments.into(), &function.into()).into()
}
