//! [`Requested`]: what an evaluation reads from a variation, and what it returns instead.

use vexil_eval::{TypeMismatch, Value};

use super::value::FlagValue;

/// The default of an evaluation, which determines the requested type: a [`FlagValue`], or the
/// default of a [field](crate::flags::Flags).
pub(crate) trait Requested: Sync {
    type Output: Send;

    /// Whether events report the variation even if its value has another type. Otherwise they
    /// report the default.
    const MISMATCH_IS_REPORTED_AS_VARIATION: bool = false;

    /// Reads a variation's value. Returns `None` if it has another type.
    fn read(value: &Value) -> Option<Self::Output>;

    /// Describes a value for which `read` returns `None`.
    fn mismatch(found: &Value) -> Box<TypeMismatch>;

    fn into_default(self) -> Self::Output;

    /// The default that events report: the one configured for the flag if it has this type,
    /// otherwise the caller's.
    fn reported(&self, configured: Option<&Value>) -> Value;
}

impl<T: FlagValue> Requested for T {
    type Output = T::Output;

    const MISMATCH_IS_REPORTED_AS_VARIATION: bool =
        <T as FlagValue>::MISMATCH_IS_REPORTED_AS_VARIATION;

    #[inline]
    fn read(value: &Value) -> Option<Self::Output> {
        T::read(value)
    }

    fn mismatch(found: &Value) -> Box<TypeMismatch> {
        TypeMismatch::new(T::EXPECTED, found)
    }

    #[inline]
    fn into_default(self) -> Self::Output {
        FlagValue::into_default(self)
    }

    fn reported(&self, configured: Option<&Value>) -> Value {
        FlagValue::reported(self, configured)
    }
}
