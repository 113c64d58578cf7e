//! Compiles and runs the code of the guide. `tests/guide.rs` fails if a page is missing here. The page
//! for users of the official Rust SDK is compiled by `vexil-bench`, which depends on that SDK.

macro_rules! pages {
    ($($page:ident $file:literal)+) => {
        $(
            #[doc = include_str!(concat!("../../docs/guide/", $file))]
            struct $page;
        )+
    };
}

pages! {
    BigSegments "big-segments.md"
    ComingFromGo "coming-from/go.md"
    ComingFromNode "coming-from/node.md"
    ComingFromOpenFeature "coming-from/openfeature.md"
    ComingFromPython "coming-from/python.md"
    Custom "custom.md"
    DaemonMode "daemon-mode.md"
    DataSystems "data-systems.md"
    Events "events.md"
    FlagServer "flag-server.md"
    Hooks "hooks.md"
    Metrics "metrics.md"
    Migrations "migrations.md"
    Outages "outages.md"
    Performance "performance.md"
    Security "security.md"
    ShortProcesses "short-processes.md"
    Start "start.md"
    Testing "testing.md"
    Troubleshooting "troubleshooting.md"
}
