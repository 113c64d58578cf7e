//! [`Attributes`]: what `#[flag(…)]` says about a field.

use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, Field, LitStr, Result};

/// What the attributes of a field say.
#[derive(Default)]
pub(crate) struct Attributes {
    pub(crate) key: Option<LitStr>,
    pub(crate) default: Option<Expr>,
    pub(crate) is_flattened: bool,
}

impl Attributes {
    pub(crate) fn read(field: &Field) -> Result<Self> {
        let mut attributes = Self::default();
        let own = |attribute: &&Attribute| attribute.path().is_ident("flag");
        for attribute in field.attrs.iter().filter(own) {
            attributes.add(attribute)?;
        }
        if attributes.is_flattened && (attributes.key.is_some() || attributes.default.is_some()) {
            let message = "a flattened field has the keys and defaults of its own fields";
            return Err(Error::new(field.ident.span(), message));
        }
        Ok(attributes)
    }

    fn add(&mut self, attribute: &Attribute) -> Result<()> {
        attribute.parse_nested_meta(|meta| {
            let repeated = |name| meta.error(format_args!("`{name}` is given twice"));
            if meta.path.is_ident("key") {
                let key: LitStr = meta.value()?.parse()?;
                if key.value().is_empty() {
                    return Err(Error::new(key.span(), "the key of a flag cannot be empty"));
                }
                if self.key.replace(key).is_some() {
                    return Err(repeated("key"));
                }
            } else if meta.path.is_ident("default") {
                if self.default.replace(meta.value()?.parse()?).is_some() {
                    return Err(repeated("default"));
                }
            } else if meta.path.is_ident("flatten") {
                if std::mem::replace(&mut self.is_flattened, true) {
                    return Err(repeated("flatten"));
                }
            } else {
                let message = "unknown attribute: expected `default`, `key` or `flatten`";
                return Err(meta.error(message));
            }
            Ok(())
        })
    }
}
