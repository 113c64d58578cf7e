#![doc = include_str!("../README.md")]

mod attributes;
mod expand;
mod fields;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `vexil::Flags` for a struct whose fields are flags. The trait describes the types and
/// attributes.
#[proc_macro_derive(Flags, attributes(flag))]
pub fn derive_flags(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    match fields::Fields::read(&input) {
        Ok(fields) => expand::expand(&input.ident, &fields),
        Err(error) => expand::failed(&input, &error),
    }
    .into()
}
