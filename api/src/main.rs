//! Prints the public API of a crate, one item a line, from the JSON that rustdoc writes. Implementations
//! that every type has, and those that `derive` writes, are left out.
//!
//! Usage: `vexil-api FILE`; `scripts/check-api` calls it.

use std::env;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let file = env::args_os().nth(1).context("usage: vexil-api FILE")?;
    let api = public_api::Builder::from_rustdoc_json(&file)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| format!("cannot read {}", file.display()))?;
    print!("{api}");
    Ok(())
}
