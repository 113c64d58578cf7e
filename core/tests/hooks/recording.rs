//! [`Chronicle`]: hooks that write into one list, so that their order can be checked.

use std::sync::{Arc, Mutex};

use vexil::Value;
use vexil::eval::Detail;
use vexil::hooks::{
    EvaluationSeriesContext, Hook, HookError, HookMetadata, SeriesData, TrackSeriesContext,
};

/// The stages of all hooks of a test, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chronicle(Arc<Mutex<Vec<String>>>);

impl Chronicle {
    pub(crate) fn hook(&self, name: &'static str) -> impl Hook + use<> {
        Chronicler {
            name,
            chronicle: self.clone(),
        }
    }

    /// The stages since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    pub(crate) fn write(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

/// Records which stage of which hook ran, and which data it received.
#[derive(Debug)]
struct Chronicler {
    name: &'static str,
    chronicle: Chronicle,
}

impl Chronicler {
    fn write(&self, stage: &str, data: &SeriesData) {
        let values = data
            .names()
            .map(|name| data.get::<String>(name).unwrap().as_str());
        self.chronicle.write(
            [stage, self.name]
                .into_iter()
                .chain(values)
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
}

impl Hook for Chronicler {
    fn metadata(&self) -> HookMetadata {
        HookMetadata::new(self.name)
    }

    fn before_evaluation(
        &self,
        series: &EvaluationSeriesContext<'_>,
        data: SeriesData,
    ) -> Result<SeriesData, HookError> {
        self.write("before", &data);
        Ok(data.with("note", format!("{}-saw-{}", self.name, series.flag_key)))
    }

    fn after_evaluation(
        &self,
        _: &EvaluationSeriesContext<'_>,
        data: SeriesData,
        _: &Detail<Value>,
    ) -> Result<SeriesData, HookError> {
        self.write("after", &data);
        Ok(data)
    }

    fn after_track(&self, _: &TrackSeriesContext<'_>) -> Result<(), HookError> {
        self.write("track", &SeriesData::default());
        Ok(())
    }
}
