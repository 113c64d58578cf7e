//! Replaces the TLS module if the feature `tls` is off: no TLS crate is linked, and `https` is an
//! error.

use std::error::Error;

use super::stream::Stream;
use super::tls_settings::{NoTls, TlsSettings};

/// Uninhabited: TLS is not available.
#[derive(Clone, Debug)]
pub(crate) enum Tls {}

impl Tls {
    pub(crate) fn new(settings: TlsSettings<'_>) -> Result<Option<Self>, NoTls> {
        if settings.are_default() {
            Ok(None)
        } else {
            Err(NoTls)
        }
    }

    pub(super) fn for_proxies(self) -> Self {
        match self {}
    }

    pub(super) async fn connect(
        &self,
        _: &str,
        _: Box<dyn Stream>,
    ) -> Result<(Box<dyn Stream>, bool), Box<dyn Error + Send + Sync>> {
        match *self {}
    }
}

pub(super) fn is_about_a_certificate(_: &(dyn Error + 'static)) -> bool {
    false
}
