//! [`SeriesData`]: values that a hook passes from one stage of a series to the next.

use std::any::Any;
use std::fmt;

use vexil_eval::Text;

/// Named values of any type that a hook passes from one stage of a series to the next.
///
/// It belongs to one hook and one series. If empty, it does not allocate.
///
/// ```
/// use vexil::hooks::SeriesData;
///
/// let mut data = SeriesData::default().with("attempts", 3_u32);
/// assert_eq!(data.get::<u32>("attempts"), Some(&3));
/// assert_eq!(data.get::<String>("attempts"), None, "the value has another type");
/// assert_eq!(data.remove::<u32>("attempts"), Some(3));
/// assert!(data.is_empty());
/// ```
#[derive(Default)]
pub struct SeriesData(Vec<(Text, Box<dyn Any + Send>)>);

impl SeriesData {
    /// Returns the data with `value` stored under this name, replacing a previous value.
    #[must_use]
    pub fn with(mut self, name: impl Into<Text>, value: impl Any + Send) -> Self {
        self.set(name, value);
        self
    }

    /// Stores a value under this name, replacing a previous one.
    ///
    /// ```
    /// use vexil::hooks::SeriesData;
    ///
    /// let mut data = SeriesData::default();
    /// data.set("attempt", 1_u32);
    /// data.set("attempt", "second"); // Another type is allowed.
    /// assert_eq!(data.get::<&str>("attempt"), Some(&"second"));
    /// assert_eq!(data.get::<u32>("attempt"), None);
    /// ```
    pub fn set(&mut self, name: impl Into<Text>, value: impl Any + Send) {
        let (name, value) = (name.into(), Box::new(value));
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Returns the value under this name; `None` if there is none or it has another type.
    #[must_use]
    pub fn get<T: Any>(&self, name: &str) -> Option<&T> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        value.downcast_ref()
    }

    /// Removes and returns the value under this name; `None` if there is none or it has another
    /// type.
    pub fn remove<T: Any>(&mut self, name: &str) -> Option<T> {
        let at = self
            .0
            .iter()
            .position(|(known, value)| known == name && value.is::<T>())?;
        let (_, value) = self.0.remove(at);
        value.downcast().ok().map(|value| *value)
    }

    /// Returns the names, in the order in which they were first stored.
    ///
    /// ```
    /// use vexil::hooks::SeriesData;
    ///
    /// let data = SeriesData::default().with("span", 7_u64).with("start", 0_u64).with("span", 8_u64);
    /// assert_eq!(data.names().collect::<Vec<_>>(), ["span", "start"]);
    /// ```
    pub fn names(&self) -> impl ExactSizeIterator<Item = &Text> {
        self.0.iter().map(|(name, _)| name)
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shows only the names, because values need not implement `Debug`.
impl fmt::Debug for SeriesData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
