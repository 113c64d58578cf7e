//! An [OpenFeature] provider for the [`vexil`] SDK.
//!
//! [`Provider`] wraps a [`Client`](vexil::Client), so that applications can evaluate flags through
//! OpenFeature's crate [`open_feature`]. The client's stores, hooks and events work as usual.
//!
//! ```
//! use open_feature::{EvaluationContext, OpenFeature};
//! use vexil::Client;
//! use vexil_openfeature::Provider;
//! use vexil_testing::{FlagBuilder, TestData};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let flags = TestData::new();
//! let new_checkout = FlagBuilder::new("new-checkout");
//! flags.update(new_checkout.variation_for_user("ada", true).fallthrough_variation(false));
//! let client = Client::builder("sdk-key").data_source(flags).start()?;
//!
//! OpenFeature::singleton_mut().await.set_provider(Provider::new(client)).await;
//!
//! let flags = OpenFeature::singleton().await.create_client();
//! let ada = EvaluationContext::default().with_targeting_key("ada");
//! let new_checkout = flags.get_bool_value("new-checkout", Some(&ada), None).await;
//! assert!(new_checkout.unwrap_or(false));
//! # Ok(())
//! # }
//! ```
//!
//! # Contexts
//!
//! An evaluation context is converted to a [`vexil::Context`] by the rules of the vendor's
//! OpenFeature providers:
//!
//! | field | converted to |
//! | --- | --- |
//! | targeting key | the key. Without it, the field `key` is used. One of them is required |
//! | `kind` | the kind; default: `user` |
//! | `name`, `anonymous` | the built-in attributes, if they are a string and a boolean |
//! | `privateAttributes` | private attributes, if it is a list of strings (names or references) |
//! | any other | an attribute; a date is converted to RFC 3339 text, which date operators accept |
//!
//! If `kind` is `multi`, every other field is a structure that describes the context of one kind.
//! The field's name is the kind, and the structure's key is `targetingKey` or `key`.
//!
//! The crate `open-feature` has no type for structures and lists in contexts, and accepts values of
//! any type instead. The provider supports [`EvaluationContext`], [`StructValue`],
//! [`open_feature::Value`], [`serde_json::Value`], [`vexil::Value`] and `Vec<String>`.
//!
//! ```
//! use open_feature::{EvaluationContext, EvaluationContextFieldValue};
//! # use vexil_openfeature::Provider;
//!
//! let private = vec!["email".to_owned()];
//! let user = EvaluationContext::default()
//!     .with_targeting_key("ada")
//!     .with_custom_field("email", "ada@example.com")
//!     .with_custom_field("privateAttributes", EvaluationContextFieldValue::new_struct(private));
//! let org = serde_json::json!({"key": "acme", "seats": 250});
//! let both = EvaluationContext::default()
//!     .with_custom_field("kind", "multi")
//!     .with_custom_field("user", EvaluationContextFieldValue::new_struct(user))
//!     .with_custom_field("org", EvaluationContextFieldValue::new_struct(org));
//! # let provider = Provider::new(vexil::Client::builder("sdk-key").offline(true).start()?);
//! assert_eq!(provider.context(&both)?.fully_qualified_key(), "org:acme:user:ada");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A field that cannot be converted is ignored, and a warning with its name is logged once.
//!
//! # Values and errors
//!
//! A flag is evaluated as one type and never converted to another. A number with a fraction is not
//! an integer, nor is one outside ±(2^53−1), where floats cannot represent every integer.
//! Structures cannot contain null: null members are omitted, and a list with a null element is a
//! type mismatch.
//!
//! The methods of the crate `open-feature` take no default, so an evaluation that would otherwise
//! return the default returns an error:
//!
//! | error code | cause |
//! | --- | --- |
//! | `PROVIDER_NOT_READY` | the client has no data yet |
//! | `FLAG_NOT_FOUND` | the flag does not exist |
//! | `PARSE_ERROR` | the flag is malformed |
//! | `TYPE_MISMATCH` | the flag's value is of another type |
//! | `TARGETING_KEY_MISSING` | the context has no key |
//! | `INVALID_CONTEXT` | the context is invalid for another reason |
//! | `GENERAL` | any other; also if the flag is off and has no off variation |
//!
//! The exception is a flag with a default configured on the
//! [client](vexil::ClientBuilder::defaults): that default is returned, with the reason `ERROR`.
//!
//! # Reasons
//!
//! | reason | meaning |
//! | --- | --- |
//! | `TARGETING_MATCH` | a target or a rule matched |
//! | `DEFAULT` | no target or rule matched, or the flag has none |
//! | `SPLIT` | the context is part of an experiment |
//! | `DISABLED` | the flag is off |
//! | `PREREQUISITE_FAILED` | a prerequisite flag is off or has another variation |
//!
//! The variant is the variation's index, counted from 0. The flag's metadata contains it as
//! `variationIndex`, together with the vendor's complete reason: `reasonKind`, and `ruleIndex`,
//! `ruleId`, `prerequisiteKey`, `inExperiment`, `errorKind` and `bigSegmentsStatus` where they
//! apply.
//!
//! # Limitations of the crate `open-feature`
//!
//! Version 0.3 compiles only with its default features, which include a mocking crate; this package
//! is therefore separate from `vexil`. Version 0.3 has no tracking and no events: use
//! [`Provider::track`], and for flag changes
//! [`Client::flag_tracker`](vexil::Client::flag_tracker).
//!
//! [OpenFeature]: https://openfeature.dev
//! [`EvaluationContext`]: open_feature::EvaluationContext
//! [`StructValue`]: open_feature::StructValue

mod context;
mod provider;
mod resolution;
mod value;
mod warnings;

pub use provider::Provider;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
