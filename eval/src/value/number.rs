//! [`Number`]: the only numeric type.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Serialize, Serializer};

/// A finite 64-bit float, the only numeric type.
///
/// ```
/// use vexil_eval::Value;
///
/// let share = Value::from(serde_json::json!(0.25));
/// assert!(matches!(share, Value::Number(number) if number.as_f64() == 0.25));
/// // Integers are floats too, as in the service.
/// assert_eq!(Value::from(7), Value::from(7.0));
/// ```
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct Number(f64);

impl Number {
    /// Creates a number. Returns `None` for infinities and NaN, which JSON cannot represent.
    ///
    /// ```
    /// use vexil_eval::Number;
    ///
    /// assert_eq!(Number::new(0.5).map(Number::as_f64), Some(0.5));
    /// assert_eq!(Number::new(f64::NAN), None);
    /// ```
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        // Adding zero turns negative zero into positive zero, so that equal numbers have equal
        // hashes.
        value.is_finite().then_some(Self(value + 0.0))
    }

    /// Returns the number as a float.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// Returns the number as an integer if it has no fraction and lies within ±(2^53−1). Beyond
    /// that, floats do not represent every integer, so the original one is unknown.
    ///
    /// ```
    /// use vexil_eval::Number;
    ///
    /// let exact = |number| Number::new(number).and_then(Number::as_exact_i64);
    /// assert_eq!(exact(7.0), Some(7));
    /// assert_eq!(exact(7.5), None);
    /// assert_eq!(exact(9_007_199_254_740_992.0), None);
    /// ```
    pub fn as_exact_i64(self) -> Option<i64> {
        const LIMIT: i64 = (1 << 53) - 1;
        self.as_i64()
            .filter(|number| (-LIMIT..=LIMIT).contains(number))
    }

    /// Returns the number as an integer if it has no fraction and lies within ±2^63.
    ///
    /// ```
    /// use vexil_eval::Number;
    ///
    /// let number = |value| Number::new(value).and_then(Number::as_i64);
    /// assert_eq!(number(-7.0), Some(-7));
    /// assert_eq!(number(0.5), None);
    /// assert_eq!(number(1e300), None);
    /// ```
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        // Converted there and back, because rounding is a function call on most processors.
        #[expect(
            clippy::as_conversions,
            reason = "a whole number within the range of i64 is converted exactly"
        )]
        let (whole, back) = (self.0 as i64, self.0 as i64 as f64);
        (back == self.0 && self.0 < LIMIT).then_some(whole)
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_i64() {
            Some(whole) => serializer.serialize_i64(whole),
            None => serializer.serialize_f64(self.0),
        }
    }
}
