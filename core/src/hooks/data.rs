//! [`SeriesData`]: what a hook remembers from one stage of a series to the next.

use std::any::Any;
use std::fmt;

use vexil_eval::Text;

/// What a hook remembers from one stage of a series to the next: values of any type, under names.
///
/// It belongs to one hook and one series. Empty, it costs nothing.
///
/// ```
/// use vexil::hooks::SeriesData;
///
/// let mut data = SeriesData::default().with("attempts", 3_u32);
/// assert_eq!(data.get::<u32>("attempts"), Some(&3));
/// assert_eq!(data.get::<String>("attempts"), None, "it is of another type");
/// assert_eq!(data.remove::<u32>("attempts"), Some(3));
/// assert!(data.is_empty());
/// ```
#[derive(Default)]
pub struct SeriesData(Vec<(Text, Box<dyn Any + Send>)>);

impl SeriesData {
    /// The same data with a value under this name, in place of one that was there.
    #[must_use]
    pub fn with(mut self, name: impl Into<Text>, value: impl Any + Send) -> Self {
        self.set(name, value);
        self
    }

    /// Puts a value under this name, in place of one that was there.
    pub fn set(&mut self, name: impl Into<Text>, value: impl Any + Send) {
        let (name, value) = (name.into(), Box::new(value));
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The value under this name, if it is of this type.
    #[must_use]
    pub fn get<T: Any>(&self, name: &str) -> Option<&T> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        value.downcast_ref()
    }

    /// Takes out the value under this name, if it is of this type.
    pub fn remove<T: Any>(&mut self, name: &str) -> Option<T> {
        let at = self
            .0
            .iter()
            .position(|(known, value)| known == name && value.is::<T>())?;
        let (_, value) = self.0.remove(at);
        value.downcast().ok().map(|value| *value)
    }

    /// The names, in the order in which they were first used.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &Text> {
        self.0.iter().map(|(name, _)| name)
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The names alone: the values may be anything.
impl fmt::Debug for SeriesData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
