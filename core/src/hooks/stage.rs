//! [`Stage`]: the calls of a hook.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    BeforeEvaluation,
    AfterEvaluation,
    AfterTrack,
}

impl Stage {
    #[cfg(feature = "metrics")]
    pub(super) const ALL: [Self; 3] = [
        Self::BeforeEvaluation,
        Self::AfterEvaluation,
        Self::AfterTrack,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BeforeEvaluation => "beforeEvaluation",
            Self::AfterEvaluation => "afterEvaluation",
            Self::AfterTrack => "afterTrack",
        }
    }
}
