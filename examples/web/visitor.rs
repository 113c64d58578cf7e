//! The context of a request.

use axum::http::HeaderValue;
use axum::http::request::Parts;
use vexil::{Context, ContextError};

/// Takes what the context needs from a request, and returns the closure that makes the context when
/// the first flag is evaluated. The headers come from a proxy that authenticates users; without them
/// the visitor is anonymous.
pub(crate) fn context(
    request: &Parts,
) -> impl FnOnce() -> Result<Context, ContextError> + Send + use<> {
    let header = |name| request.headers.get(name).cloned();
    let (user, plan, country) = (header("x-user"), header("x-plan"), header("x-country"));
    move || {
        let Some(key) = text(&user) else {
            // All visitors are one context, and one user in the usage figures of the account.
            return Context::builder("visitor").anonymous(true).build();
        };
        let mut context = Context::builder(key);
        for (attribute, value) in [("plan", &plan), ("country", &country)] {
            if let Some(value) = text(value) {
                context = context.set(attribute, value);
            }
        }
        context.build()
    }
}

fn text(header: &Option<HeaderValue>) -> Option<&str> {
    let text = header.as_ref()?.to_str().ok()?;
    (!text.is_empty()).then_some(text)
}
