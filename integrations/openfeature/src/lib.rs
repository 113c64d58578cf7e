//! An [OpenFeature] provider on the [`vexil`] SDK.
//!
//! Applications that ask for flags through OpenFeature's crate [`open_feature`] get them from a [`Client`](vexil::Client)
//! with a [`Provider`] around it; whatever the client can do, with its stores, hooks and events, stays as it is.
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
//! flags.update(FlagBuilder::new("new-checkout").variation_for_user("ada", true).fallthrough_variation(false));
//! let client = Client::builder("sdk-key").data_source(flags).start()?;
//!
//! OpenFeature::singleton_mut().await.set_provider(Provider::new(client)).await;
//!
//! let flags = OpenFeature::singleton().await.create_client();
//! let ada = EvaluationContext::default().with_targeting_key("ada");
//! let new_checkout = flags.get_bool_value("new-checkout", Some(&ada), None).await.unwrap_or(false);
//! assert!(new_checkout);
//! # Ok(())
//! # }
//! ```
//!
//! # Contexts
//!
//! An evaluation context becomes a [`vexil::Context`] by the rules of the vendor's OpenFeature
//! providers:
//!
//! | field | becomes |
//! | --- | --- |
//! | targeting key | the key. A field `key` counts only without it. One of them is required |
//! | `kind` | the kind; `user` without it |
//! | `name`, `anonymous` | those, if they are a string and a boolean |
//! | `privateAttributes` | the private attributes, if it is a list of strings: names or references |
//! | any other | an attribute; a date becomes its RFC 3339 text, which operators on dates understand |
//!
//! If `kind` is `multi`, every other field is a structure that describes the context of one kind,
//! its name being the kind; in it, the key is `targetingKey` or `key`.
//!
//! The crate has no type for structures and lists in contexts but takes values of any type. These
//! are understood:
//! [`EvaluationContext`], [`StructValue`], [`open_feature::Value`], [`serde_json::Value`], [`vexil::Value`] and
//! `Vec<String>`.
//!
//! ```
//! use open_feature::{EvaluationContext, EvaluationContextFieldValue};
//! # use vexil_openfeature::Provider;
//!
//! let user = EvaluationContext::default()
//!     .with_targeting_key("ada")
//!     .with_custom_field("email", "ada@example.com")
//!     .with_custom_field("privateAttributes", EvaluationContextFieldValue::new_struct(vec!["email".to_owned()]));
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
//! What cannot be used is left out, and said once in the log, by the field's name.
//!
//! # Values and errors
//!
//! A flag is asked for as one type and never turned into another: a number with a fraction is no
//! integer, and neither is one beyond ±(2^53−1), where floats skip integers. A structure has no
//! null: members that are null are left out, and a list that holds one is a type mismatch.
//!
//! The crate's methods take no default, so what would give the default elsewhere is an error here:
//!
//! | error code | when |
//! | --- | --- |
//! | `PROVIDER_NOT_READY` | the client has no data yet |
//! | `FLAG_NOT_FOUND` | there is no such flag |
//! | `PARSE_ERROR` | the flag contradicts itself |
//! | `TYPE_MISMATCH` | the flag's value is of another type |
//! | `TARGETING_KEY_MISSING`, `INVALID_CONTEXT` | there is no key, or something else is wrong with the context |
//! | `GENERAL` | anything else; also if the flag is off and leaves the value to the caller |
//!
//! Only a default that the [client](vexil::ClientBuilder::defaults) was given for the flag is a
//! value even so, with the reason `ERROR`.
//!
//! # Reasons
//!
//! | reason | when |
//! | --- | --- |
//! | `TARGETING_MATCH` | a target or a rule has matched |
//! | `DEFAULT` | none has; so too if the flag has none |
//! | `SPLIT` | the context takes part in an experiment |
//! | `DISABLED` | the flag is off |
//! | `PREREQUISITE_FAILED` | a flag that this one depends on is off or has another variation |
//!
//! The variant is the variation's index, counted from 0. The flag's metadata holds it as
//! `variationIndex`, and beside it the vendor's reason in full: `reasonKind`, and `ruleIndex`,
//! `ruleId`, `prerequisiteKey`, `inExperiment`, `errorKind` and `bigSegmentsStatus` where they
//! apply.
//!
//! # What the crate `open-feature` does not have yet
//!
//! Version 0.3 compiles only with its default features, which bring a crate for mocks along; that
//! is why this is a package of its own. It has no tracking, for which there is [`Provider::track`],
//! and no events; changes of flags are told by
//! [`Client::flag_tracker`](vexil::Client::flag_tracker).
//!
//! [OpenFeature]: https://openfeature.dev
//! [`EvaluationContext`]: open_feature::EvaluationContext
//! [`StructValue`]: open_feature::StructValue

mod complaints;
mod context;
mod provider;
mod resolution;
mod value;

pub use provider::Provider;
