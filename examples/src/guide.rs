//! Compiles and runs the code of the guide. `tests/guide.rs` fails if a page is missing here.

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
    Custom "custom.md"
    DaemonMode "daemon-mode.md"
    DataSystems "data-systems.md"
    Events "events.md"
    FlagServer "flag-server.md"
    Hooks "hooks.md"
    Migrations "migrations.md"
    Outages "outages.md"
    Performance "performance.md"
    Security "security.md"
    ShortProcesses "short-processes.md"
    Start "start.md"
    Testing "testing.md"
    Troubleshooting "troubleshooting.md"
}
