//! [`ItemStream`] and [`ValueStream`]: what an open stream sends.

use std::fmt;

use vexil_eval::Context;

use crate::{ClientFlags, Endpoint, Event, Items, SdkFamily, Served, fdv1, fdv2, ping};

/// A stream of whole items, for server-side SDKs; or a stream that only announces changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemStream {
    pub(crate) endpoint: Endpoint,
    pub(crate) basis: Option<String>,
}

/// A stream of the values of flags for a context.
#[derive(Clone, PartialEq)]
pub struct ValueStream {
    pub(crate) endpoint: Endpoint,
    pub(crate) basis: Option<String>,
    pub(crate) context: Context,
    pub(crate) family: SdkFamily,
    pub(crate) with_reasons: bool,
}

impl ItemStream {
    /// Returns the events that the stream begins with.
    #[must_use]
    pub fn opening(&self, items: &Items) -> Vec<Event> {
        match self.endpoint {
            Endpoint::FlagStream => vec![fdv1::flags_put(items)],
            Endpoint::PayloadStream => fdv2::payload(items, self.basis.as_deref()),
            Endpoint::ClientPing => vec![ping()],
            _ => vec![fdv1::put(items)],
        }
    }

    /// Returns the events that announce the changes after a revision, which the client has received.
    #[must_use]
    pub fn changes(&self, items: &Items, revision: u64) -> Vec<Event> {
        if items.changed_after(revision).next().is_none() {
            return Vec::new();
        }
        match self.endpoint {
            Endpoint::FlagStream => fdv1::flag_changes(items, revision),
            Endpoint::PayloadStream => fdv2::changes(items, revision),
            Endpoint::ClientPing => vec![ping()],
            _ => fdv1::changes(items, revision),
        }
    }

    /// Returns the events that send everything again.
    #[must_use]
    pub fn everything(&self, items: &Items) -> Vec<Event> {
        let fresh = Self {
            basis: None,
            ..self.clone()
        };
        fresh.opening(items)
    }

    /// Returns the selector of the data that the client has, in the second protocol.
    #[must_use]
    pub fn basis(&self) -> Option<&str> {
        self.basis.as_deref()
    }

    /// Returns the endpoint.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }
}

impl ValueStream {
    /// Evaluates the flags of the stream. Streams with the same [view](Self::view) can share the result.
    #[must_use]
    pub fn evaluate(&self, served: Served<'_>) -> ClientFlags {
        let Served {
            items,
            rules,
            memberships,
        } = served;
        let context = self.context.clone();
        let (payload_id, family) = (items.payload_id(), self.family);
        match memberships {
            Some(memberships) => {
                let memberships = memberships.clone();
                let reasons = self.with_reasons;
                ClientFlags::with_memberships(
                    rules,
                    payload_id,
                    context,
                    family,
                    reasons,
                    memberships,
                )
            }
            None => ClientFlags::new(rules, payload_id, context, family, self.with_reasons),
        }
    }

    /// Returns the events that the stream begins with.
    #[must_use]
    pub fn opening(&self, flags: &ClientFlags) -> Vec<Event> {
        match self.endpoint {
            Endpoint::ClientPayloadStream => flags.payload(self.basis.as_deref()),
            _ => vec![flags.put()],
        }
    }

    /// Returns the events that announce the changes after a revision, which the client has received.
    #[must_use]
    pub fn changes(&self, flags: &ClientFlags, revision: u64) -> Vec<Event> {
        match self.endpoint {
            Endpoint::ClientPayloadStream => flags.payload_changes(revision),
            _ => flags.changes(revision),
        }
    }

    /// Returns the events that send everything again.
    #[must_use]
    pub fn everything(&self, flags: &ClientFlags) -> Vec<Event> {
        match self.endpoint {
            Endpoint::ClientPayloadStream => flags.payload(None),
            _ => vec![flags.put()],
        }
    }

    /// Names the context, the family and the choice of reasons.
    #[must_use]
    pub fn view(&self) -> String {
        ClientFlags::view(&self.context, self.family, self.with_reasons)
    }

    /// Returns the context.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the endpoint.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }
}

/// Omits the context, which is personal data.
impl fmt::Debug for ValueStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueStream")
            .field("endpoint", &self.endpoint)
            .field("family", &self.family)
            .field("with_reasons", &self.with_reasons)
            .field("basis", &self.basis)
            .finish_non_exhaustive()
    }
}
