//! The contract as generated from `wit/`, for what the rest of this crate has no words for.
//!
//! A component imports only the interfaces whose functions its code can reach.

#![expect(
    missing_docs,
    clippy::same_length_and_capacity,
    reason = "generated: what the contract documents is documented here too"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "imports",
    generate_all,
    additional_derives: [PartialEq],
});
