#![doc = include_str!("../README.md")]

mod attributes;
mod expand;
mod fields;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `vexil::Flags` for a struct whose fields are flags. The trait describes the types and
/// attributes.
///
/// ```
/// use vexil::{Client, Context, Flags};
/// use vexil_testing::TestData;
///
/// #[derive(Flags)]
/// struct Search {
///     #[flag(default = 20)]
///     page_size: u8,
/// }
///
/// #[derive(Flags)]
/// struct ShopFlags {
///     #[flag(key = "checkout.v2", default = false)]
///     new_checkout: bool,
///     #[flag(flatten)]
///     search: Search,
/// }
///
/// let data = TestData::new().with("checkout.v2", true).with("page-size", "many");
/// let client = Client::builder("sdk-key").data_source(data).start()?;
/// let flags = ShopFlags::evaluate(&client, &Context::new("ada")?);
/// // A string does not fit `u8`, so the default is used.
/// assert!(flags.new_checkout && flags.search.page_size == 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[proc_macro_derive(Flags, attributes(flag))]
pub fn derive_flags(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    match fields::Fields::read(&input) {
        Ok(fields) => expand::expand(&input.ident, &fields),
        Err(error) => expand::failed(&input, &error),
    }
    .into()
}
