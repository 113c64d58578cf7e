//! Replaces the module `web` if the feature `http` is off: there is nothing to configure, and no
//! component uses the service by default.

use std::sync::Arc;

use vexil_eval::Text;

use super::{ConfigError, Configure, SdkKey};
use crate::data_source::DataSource;
use crate::events::EventProcessor;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WebSettings {}

#[derive(Clone, Copy, Debug)]
pub(super) struct Web;

pub(crate) fn default_data_source() -> Option<Arc<dyn Configure<dyn DataSource>>> {
    None
}

pub(crate) fn default_events() -> Option<Arc<dyn Configure<dyn EventProcessor>>> {
    None
}

impl Web {
    pub(super) fn new(_: WebSettings, _: &SdkKey, _offline: bool) -> Result<Self, ConfigError> {
        Ok(Self)
    }

    pub(super) fn repeated(&self) -> Self {
        *self
    }

    pub(super) fn application(&self) -> [Option<Text>; 4] {
        [const { None }; 4]
    }

    pub(super) fn wrapper(&self) -> [Option<Text>; 2] {
        [None, None]
    }
}
