//! The typed methods that evaluate a flag. Each calls a generic method of `variation.rs`.

use vexil_eval::{Detail, Text, Value};

use super::Client;
use super::value::AsContext;

impl Client {
    /// Returns the value of a boolean flag, or `default` if the flag has no value.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("new-checkout", true).with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// assert!(client.bool_variation("new-checkout", &ada, false));
    /// // The default is returned for a flag of another type, and for an unknown one.
    /// assert!(!client.bool_variation("banner", &ada, false));
    /// assert!(!client.bool_variation("no-such-flag", &ada, false));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn bool_variation(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: bool,
    ) -> bool {
        self.variation(key, context, default)
    }

    /// Returns the value of a boolean flag and the reason for it. The value is `default` if the
    /// flag has no value.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("new-checkout", true).with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// let detail = client.bool_variation_detail("new-checkout", &ada, false);
    /// assert!(detail.value);
    /// assert_eq!(detail.reason.to_string(), "no target or rule matched");
    ///
    /// let unknown = client.bool_variation_detail("no-such-flag", &ada, false);
    /// assert!(!unknown.value);
    /// assert_eq!(unknown.reason.to_string(), "error: there is no such flag");
    /// let banner = client.bool_variation_detail("banner", &ada, false);
    /// let mismatch = banner.type_mismatch().expect("the flag is a string");
    /// assert_eq!(mismatch.to_string(), "expected a boolean, found a string");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn bool_variation_detail(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: bool,
    ) -> Detail<bool> {
        self.variation_detail(key, context, default)
    }

    /// Returns the value of a number flag as an integer, or `default` if the flag has no value.
    ///
    /// A fraction is cut off; [`StrictInt`](super::StrictInt), as the default of
    /// [`variation`](Self::variation), rejects it. Numbers beyond ±(2^53−1) have the wrong type.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("limit", 2.75).with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.int_variation("limit", &ada, 100), 2);
    /// // The default is returned for a flag of another type, and for an unknown one.
    /// assert_eq!(client.int_variation("banner", &ada, 100), 100);
    /// assert_eq!(client.int_variation("no-such-flag", &ada, 100), 100);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn int_variation(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: i64,
    ) -> i64 {
        self.variation(key, context, default)
    }

    /// Returns the value of a number flag as an integer, and the reason for it. The value is
    /// `default` if the flag has no value. See [`int_variation`](Self::int_variation) for
    /// fractions and large numbers.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("limit", 20).with("huge", 1e300);
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// let detail = client.int_variation_detail("limit", &ada, 100);
    /// assert_eq!((detail.value, detail.variation_index), (20, Some(0)));
    ///
    /// let huge = client.int_variation_detail("huge", &ada, 100);
    /// assert_eq!((huge.value, huge.variation_index), (100, None));
    /// assert_eq!(huge.reason.to_string(), "error: the flag's value has another type");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn int_variation_detail(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: i64,
    ) -> Detail<i64> {
        self.variation_detail(key, context, default)
    }

    /// Returns the value of a number flag, or `default` if the flag has no value.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("share", 0.25).with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.float_variation("share", &ada, 0.5), 0.25);
    /// // The default is returned for a flag of another type, and for an unknown one.
    /// assert_eq!(client.float_variation("banner", &ada, 0.5), 0.5);
    /// assert_eq!(client.float_variation("no-such-flag", &ada, 0.5), 0.5);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("double_variation", "float64_variation", "number_variation"))]
    #[must_use]
    pub fn float_variation(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: f64,
    ) -> f64 {
        self.variation(key, context, default)
    }

    /// Returns the value of a number flag and the reason for it. The value is `default` if the flag
    /// has no value.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("share", 0.25).with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// let detail = client.float_variation_detail("share", &ada, 0.5);
    /// assert_eq!((detail.value, detail.variation_index), (0.25, Some(0)));
    ///
    /// let banner = client.float_variation_detail("banner", &ada, 0.5);
    /// assert_eq!((banner.value, banner.variation_index), (0.5, None));
    /// let mismatch = banner.type_mismatch().expect("the flag is a string");
    /// assert_eq!(mismatch.to_string(), "expected a number, found a string");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias(
        "double_variation_detail",
        "float64_variation_detail",
        "number_variation_detail"
    ))]
    #[must_use]
    pub fn float_variation_detail(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: f64,
    ) -> Detail<f64> {
        self.variation_detail(key, context, default)
    }

    /// Returns the value of a string flag, or `default` if the flag has no value.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("theme", "dark").with("limit", 20);
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.str_variation("theme", &ada, "light"), "dark");
    /// // The default is returned for a flag of another type, and for an unknown one.
    /// assert_eq!(client.str_variation("limit", &ada, "light"), "light");
    /// assert_eq!(client.str_variation("no-such-flag", &ada, "light"), "light");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "string_variation")]
    #[must_use]
    pub fn str_variation(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: &str,
    ) -> Text {
        self.variation(key, context, default)
    }

    /// Returns the value of a string flag and the reason for it. The value is `default` if the flag
    /// has no value.
    ///
    /// ```
    /// use vexil::{Client, Context};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("theme", "dark").with("limit", 20);
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.str_variation_detail("theme", &ada, "light").value, "dark");
    ///
    /// let limit = client.str_variation_detail("limit", &ada, "light");
    /// assert_eq!(limit.value, "light");
    /// let mismatch = limit.type_mismatch().expect("the flag is a number");
    /// assert_eq!(mismatch.to_string(), "expected a string, found a number");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "string_variation_detail")]
    #[must_use]
    pub fn str_variation_detail(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: &str,
    ) -> Detail<Text> {
        self.variation_detail(key, context, default)
    }

    /// Returns the value of a flag of any type as JSON, or `default` if the flag has no value.
    ///
    /// [`json_as`](Self::json_as) deserializes the value into a type of the application.
    ///
    /// ```
    /// use serde_json::json;
    /// use vexil::{Client, Context, Value};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("limits", json!({"rps": 20})).with("banner", "hello");
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// assert_eq!(client.json_variation("limits", &ada, Value::Null), json!({"rps": 20}).into());
    /// // Every value is JSON, so only an unknown flag returns the default here.
    /// assert_eq!(client.json_variation("banner", &ada, Value::Null), "hello".into());
    /// assert_eq!(client.json_variation("no-such-flag", &ada, Value::Null), Value::Null);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn json_variation(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: Value,
    ) -> Value {
        self.variation(key, context, default)
    }

    /// Returns the value of a flag of any type as JSON, and the reason for it. The value is
    /// `default` if the flag has no value.
    ///
    /// ```
    /// use serde_json::json;
    /// use vexil::{Client, Context, Value};
    /// use vexil_testing::TestData;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let flags = TestData::new().with("limits", json!({"rps": 20}));
    /// let client = Client::builder("sdk-key").data_source(flags).without_events().start()?;
    /// let ada = Context::new("ada")?;
    /// let detail = client.json_variation_detail("limits", &ada, Value::Null);
    /// assert_eq!(detail.value, json!({"rps": 20}).into());
    ///
    /// let unknown = client.json_variation_detail("no-such-flag", &ada, Value::Null);
    /// assert!(unknown.is_default_value());
    /// assert_eq!(unknown.reason.to_string(), "error: there is no such flag");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn json_variation_detail(
        &self,
        key: &str,
        context: &(impl AsContext + ?Sized),
        default: Value,
    ) -> Detail<Value> {
        self.variation_detail(key, context, default)
    }
}
