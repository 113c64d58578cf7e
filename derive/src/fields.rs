//! [`Fields`]: the fields of a struct of flags, checked.

use std::collections::HashMap;

use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Data, DeriveInput, Error, Expr, Field, Fields as Syntax, GenericArgument, Ident, LitStr,
    PathArguments, Result, Type,
};

use crate::attributes::Attributes;

/// The fields of a struct of flags.
pub(crate) struct Fields {
    pub(crate) fields: Vec<FlagField>,
}

pub(crate) struct FlagField {
    pub(crate) name: Ident,
    pub(crate) field_type: Type,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Flag(Box<Flag>),
    /// A struct of flags.
    Flattened,
}

pub(crate) struct Flag {
    pub(crate) key: LitStr,
    pub(crate) default: Expr,
    /// The type of the value if the field is a `Detail` of it.
    pub(crate) detail_of: Option<Type>,
}

impl Fields {
    /// Reads the fields of a struct. Returns all errors, combined.
    pub(crate) fn read(input: &DeriveInput) -> Result<Self> {
        let syntax = named_fields(input)?;
        if !input.generics.params.is_empty() || input.generics.where_clause.is_some() {
            let message = "`Flags` cannot be derived for a struct with generic parameters";
            return Err(Error::new(input.generics.span(), message));
        }
        let mut errors = Errors::default();
        let mut fields = Vec::new();
        let mut names_by_key = HashMap::new();
        for field in syntax {
            match FlagField::read(field) {
                Ok(field) => {
                    if let Kind::Flag(flag) = &field.kind
                        && let Some(other) =
                            names_by_key.insert(flag.key.value(), field.name.clone())
                    {
                        let key = flag.key.value();
                        let message = format!("the key {key:?} is that of the field `{other}` too");
                        errors.add(Error::new(flag.key.span(), message));
                    }
                    fields.push(field);
                }
                Err(error) => errors.add(error),
            }
        }
        errors.0.map_or(Ok(Self { fields }), Err)
    }
}

fn named_fields(input: &DeriveInput) -> Result<impl Iterator<Item = &Field>> {
    let (span, found) = match &input.data {
        Data::Struct(data) => match &data.fields {
            Syntax::Named(fields) => return Ok(fields.named.iter()),
            Syntax::Unnamed(fields) => (fields.span(), "a tuple struct"),
            Syntax::Unit => (input.ident.span(), "a unit struct"),
        },
        Data::Enum(data) => (data.enum_token.span(), "an enum"),
        Data::Union(data) => (data.union_token.span(), "a union"),
    };
    let message =
        format!("`Flags` cannot be derived for {found}, only for a struct with named fields");
    Err(Error::new(span, message))
}

impl FlagField {
    fn read(field: &Field) -> Result<Self> {
        let Some(name) = field.ident.clone() else {
            return Err(Error::new(field.span(), "the field has no name"));
        };
        let attributes = Attributes::read(field)?;
        let kind = if attributes.is_flattened {
            Kind::Flattened
        } else {
            let Some(default) = attributes.default else {
                let message = format!(
                    "the flag `{name}` has no default: add `#[flag(default = …)]`, or `#[flag(flatten)]` \
                     if the field is a struct of flags"
                );
                return Err(Error::new(name.span(), message));
            };
            Kind::Flag(Box::new(Flag {
                key: attributes.key.unwrap_or_else(|| kebab_case(&name)),
                default,
                detail_of: detail_of(&field.ty).cloned(),
            }))
        };
        Ok(Self {
            name,
            field_type: field.ty.clone(),
            kind,
        })
    }
}

/// Returns the key that a field has by default.
fn kebab_case(name: &Ident) -> LitStr {
    let text = name.unraw().to_string();
    LitStr::new(&text.trim_matches('_').replace('_', "-"), name.span())
}

/// Returns `T` for the type `Detail<T>`, which is known by its name.
fn detail_of(field_type: &Type) -> Option<&Type> {
    let Type::Path(path) = field_type else {
        return None;
    };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut arguments = arguments.args.iter();
    match (arguments.next(), arguments.next()) {
        (Some(GenericArgument::Type(inner)), None) if last.ident == "Detail" => Some(inner),
        _ => None,
    }
}

/// The errors so far, combined.
#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }
}
