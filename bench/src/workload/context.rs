//! The contexts of the workload, as plain values.
//!
//! Each side builds its contexts from these. Both iterate over the same list, so that the cost of
//! building them is comparable too.

/// The user of every evaluation: eight attributes, three types and a list.
pub(crate) const USER: ContextData = ContextData {
    kind: None,
    key: "bench-user",
    attributes: &[
        ("country", AttributeData::Text("US")),
        ("email", AttributeData::Text("jane.doe@example.com")),
        ("age", AttributeData::Number(34.0)),
        ("score", AttributeData::Number(87.5)),
        ("beta", AttributeData::Flag(true)),
        ("appVersion", AttributeData::Text("2.14.3")),
        ("signupDate", AttributeData::Text("2023-06-15T12:00:00Z")),
        (
            "groups",
            AttributeData::List(&["staff", "qa", "early-access"]),
        ),
    ],
};

/// The organisation that joins the user in the context of two kinds.
pub(crate) const ORG: ContextData = ContextData {
    kind: Some("org"),
    key: "org-acme",
    attributes: &[
        ("plan", AttributeData::Text("enterprise")),
        ("seats", AttributeData::Number(250.0)),
    ],
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct ContextData {
    /// `None` for a user, which is the default kind of every builder.
    pub(crate) kind: Option<&'static str>,
    pub(crate) key: &'static str,
    pub(crate) attributes: &'static [(&'static str, AttributeData)],
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum AttributeData {
    Text(&'static str),
    Number(f64),
    Flag(bool),
    List(&'static [&'static str]),
}
