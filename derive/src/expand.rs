//! The code that the macro generates: a constant for each flag, and one method call for each field.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Expr, ExprLit, Ident, Lit};

use crate::fields::{Fields, Flag, FlagField, Kind};

pub(crate) fn expand(name: &Ident, fields: &Fields) -> TokenStream {
    let parts = fields.fields.iter().enumerate();
    let parts: Vec<_> = parts
        .map(|(index, field)| Parts::of(index, field))
        .collect();
    let constants = parts.iter().map(|parts| &parts.constant);
    let values = parts.iter().map(|parts| &parts.value);
    let values_async = parts.iter().map(|parts| &parts.value_async);
    let declarations = parts.iter().map(|parts| &parts.declaration);
    quote! {
        const _: () = {
            #(#constants)*

            #[automatically_derived]
            impl ::vexil::Flags for #name {
                fn evaluate(
                    client: &::vexil::Client,
                    context: &(impl ::vexil::client::AsContext + ?Sized),
                ) -> Self {
                    Self { #(#values),* }
                }

                async fn evaluate_async(
                    client: &::vexil::Client,
                    context: &(impl ::vexil::client::AsContext + ?Sized),
                ) -> Self {
                    Self { #(#values_async),* }
                }

                fn declare(declared: &mut ::vexil::flags::DeclaredFlags) {
                    #(#declarations)*
                }
            }
        };
    }
}

/// Returns the errors, and an implementation without which each use of the struct would be a further
/// error.
pub(crate) fn failed(input: &DeriveInput, error: &Error) -> TokenStream {
    let errors = error.to_compile_error();
    let name = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #errors

        #[automatically_derived]
        impl #impl_generics ::vexil::Flags for #name #type_generics #where_clause {
            fn evaluate(_: &::vexil::Client, _: &(impl ::vexil::client::AsContext + ?Sized)) -> Self {
                ::core::unreachable!()
            }

            async fn evaluate_async(_: &::vexil::Client, _: &(impl ::vexil::client::AsContext + ?Sized)) -> Self {
                ::core::unreachable!()
            }

            fn declare(_: &mut ::vexil::flags::DeclaredFlags) {}
        }
    }
}

/// The code for a field.
struct Parts {
    constant: TokenStream,
    value: TokenStream,
    value_async: TokenStream,
    declaration: TokenStream,
}

impl Parts {
    fn of(index: usize, field: &FlagField) -> Self {
        let FlagField {
            name,
            field_type,
            kind,
        } = field;
        let span = field_type.span();
        let Kind::Flag(flag) = kind else {
            return Self {
                constant: TokenStream::new(),
                value: quote_spanned! {span=>
                    #name: <#field_type as ::vexil::Flags>::evaluate(client, context)
                },
                value_async: quote_spanned! {span=>
                    #name: <#field_type as ::vexil::Flags>::evaluate_async(client, context).await
                },
                declaration: quote_spanned! {span=>
                    <#field_type as ::vexil::Flags>::declare(declared);
                },
            };
        };
        let Flag {
            key,
            default,
            detail_of,
        } = &**flag;
        let constant = format_ident!("FIELD_{index}", span = span);
        let value_type = detail_of.as_ref().unwrap_or(field_type);
        let default = default_value(default);
        let (evaluate, evaluate_async) = match detail_of {
            None => (quote!(value), quote!(value_async)),
            Some(_) => (quote!(detail), quote!(detail_async)),
        };
        Self {
            constant: quote_spanned! {value_type.span()=>
                const #constant: ::vexil::flags::Field<#value_type> =
                    ::vexil::flags::Field::new(#key, || #default);
            },
            value: quote_spanned! {span=>
                #name: ::vexil::flags::Field::#evaluate(&#constant, client, context)
            },
            value_async: quote_spanned! {span=>
                #name: ::vexil::flags::Field::#evaluate_async(&#constant, client, context).await
            },
            declaration: quote_spanned! {span=>
                ::vexil::flags::Field::declare(&#constant, declared);
            },
        }
    }
}

/// Converts a string literal; any other expression has the type already.
fn default_value(default: &Expr) -> TokenStream {
    match default {
        Expr::Lit(ExprLit {
            lit: Lit::Str(literal),
            ..
        }) => quote_spanned! {literal.span()=> ::vexil::flags::text_default(#literal) },
        other => quote!(#other),
    }
}
