//! The context commands, which need no client.

use vexil::{Context, ContextBuilder, ContextError, MultiContextBuilder, Reference};

use crate::api::{
    Attribute, BuildContext, BuiltContext, CompareContexts, Compared, ComparedContext,
    ComparedKind, ContextKind, ConvertContext, Subject,
};
use crate::api_error::{ApiError, describe};

pub(crate) fn build(params: BuildContext) -> Result<BuiltContext, ApiError> {
    let BuildContext { single, multi } = params;
    written(one_or_several(single, multi, build_kind)?)
}

pub(crate) fn convert(params: &ConvertContext) -> Result<BuiltContext, ApiError> {
    written(params.input.parse())
}

pub(crate) fn compare(params: CompareContexts) -> Result<Compared, ApiError> {
    let context = |ComparedContext { single, multi }| {
        one_or_several(single, multi, build_compared)?
            .map_err(|error| ApiError::bad(describe(&error)))
    };
    Ok(Compared {
        equals: context(params.context1)? == context(params.context2)?,
    })
}

fn one_or_several<T>(
    single: Option<T>,
    multi: Option<Vec<T>>,
    build: impl Fn(T) -> Result<Context, ContextError>,
) -> Result<Result<Context, ContextError>, ApiError> {
    match (single, multi) {
        (Some(single), None) => Ok(build(single)),
        (None, Some(kinds)) => {
            let add = |contexts: MultiContextBuilder, kind| contexts.add(build(kind));
            Ok(kinds
                .into_iter()
                .fold(Context::multi_builder(), add)
                .build())
        }
        _ => Err(ApiError::bad("a context must be either single or multi")),
    }
}

fn build_kind(params: ContextKind) -> Result<Context, ContextError> {
    let ContextKind {
        kind,
        key,
        name,
        anonymous,
        private,
        custom,
    } = params;
    let mut builder = Context::builder(key).private(private);
    if let Some(kind) = kind {
        builder = builder.kind(kind);
    }
    if let Some(name) = name {
        builder = builder.name(name);
    }
    if let Some(anonymous) = anonymous {
        builder = builder.anonymous(anonymous);
    }
    custom
        .into_iter()
        .fold(builder, |builder, (name, value)| builder.set(name, value))
        .build()
}

fn build_compared(params: ComparedKind) -> Result<Context, ContextError> {
    let ComparedKind {
        kind,
        key,
        attributes,
        private_attributes,
    } = params;
    let private = private_attributes
        .into_iter()
        .map(|attribute| match attribute.literal {
            true => Reference::literal(attribute.value),
            false => Reference::new(attribute.value),
        });
    let builder = Context::builder(key).kind(kind).private(private);
    let set = |builder: ContextBuilder, attribute: Attribute| {
        builder.set(attribute.name, attribute.value)
    };
    attributes.into_iter().fold(builder, set).build()
}

fn written(context: Result<Context, ContextError>) -> Result<BuiltContext, ApiError> {
    Ok(match context {
        Ok(context) => {
            BuiltContext::Output(serde_json::to_string(&context).map_err(ApiError::failed)?)
        }
        Err(error) => BuiltContext::Error(describe(&error)),
    })
}

/// Returns the context of a command. It may be invalid: validation is left to the SDK.
pub(crate) fn of(subject: Subject) -> Result<Result<Context, ContextError>, ApiError> {
    subject
        .read()
        .ok_or_else(|| ApiError::bad("the command has neither a context nor a user"))
}
