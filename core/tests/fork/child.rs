//! [`Child`]: a forked process that runs a part of a test.

use std::any::Any;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use fork::Fork;
use rustix::process::{Pid, Signal, kill_process};

/// How long a child may take. A child takes that long only if it hangs.
const LIMIT: Duration = Duration::from_secs(60);

const DONE: &str = "done";

/// A forked process.
#[derive(Debug)]
pub(crate) struct Child {
    pid: i32,
    /// The output of the process until it ended.
    report: Receiver<String>,
}

impl Child {
    /// Forks. The child runs `work` and exits, whether or not `work` panics.
    pub(crate) fn run(work: impl FnOnce()) -> Self {
        let (mut reader, mut writer) = io::pipe().unwrap();
        let Fork::Parent(pid) = fork::fork().unwrap() else {
            let report = match catch_unwind(AssertUnwindSafe(work)) {
                Ok(()) => DONE.to_owned(),
                Err(panic) => text(&*panic),
            };
            writer.write_all(report.as_bytes()).unwrap();
            // Exit without drops: neither the parent's clients nor its services are dropped.
            process::exit(0);
        };
        drop(writer);
        let (reports, report) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            reports.send(text)
        });
        Self { pid, report }
    }

    /// Kills the process.
    pub(crate) fn kill(self) {
        kill_process(Pid::from_raw(self.pid).unwrap(), Signal::KILL).unwrap();
        fork::waitpid(self.pid).unwrap();
    }

    /// Waits until the process has ended, and fails if the process failed.
    #[track_caller]
    pub(crate) fn succeeds(self) {
        let report = self.report.recv_timeout(LIMIT);
        if report.is_err() {
            kill_process(Pid::from_raw(self.pid).unwrap(), Signal::KILL).unwrap();
        }
        fork::waitpid(self.pid).unwrap();
        assert_eq!(report.as_deref(), Ok(DONE), "the child hangs or has failed");
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref().copied());
    text.unwrap_or("it panicked").to_owned()
}
