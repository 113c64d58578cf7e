//! [`Process`]: another program that does not outlive the test.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

/// Runs the program, and ends it when it is told to or this shell's own input ends, which is when
/// the test's process has ended: what a `static` holds is never dropped, and a test may be killed.
/// Then nobody is left to remove the folder, so that is done here too. The program's process id is
/// the first line of the output.
const SUPERVISE: &str = r#"
folder=$1 log=$2; shift 2
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
echo "$server"
exec >/dev/null 2>&1
{
  if read -r _ <&3; then kill -KILL "$server"; exit; fi
  trap '' TERM
  kill -KILL "$server"
  exit 7
} &
watcher=$!
wait "$server"
kill "$watcher"
wait "$watcher"
if [ $? = 7 ]; then rm -rf "$folder"; fi
"#;

/// A program that runs until this is dropped or the test's process ends, however it ends.
#[derive(Debug)]
pub(super) struct Process {
    supervisor: Child,
    /// A line or its end is what ends the program.
    leash: Option<ChildStdin>,
    pid: Pid,
    log: PathBuf,
}

impl Process {
    /// Starts a program in a folder that is for it alone; what it has to say goes to the log.
    pub(super) fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        folder: &Path,
        log: &Path,
    ) -> io::Result<Self> {
        File::create(log)?;
        let mut command = Command::new("sh");
        command
            .args(["-c", SUPERVISE, "sh"])
            .arg(folder)
            .arg(log)
            .arg(program)
            .args(arguments)
            .current_dir(folder);
        let mut supervisor = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let leash = supervisor.stdin.take();
        let mut line = String::new();
        if let Some(output) = supervisor.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        let pid =
            pid.ok_or_else(|| io::Error::other("the shell did not say which process it started"))?;
        Ok(Self {
            supervisor,
            leash,
            pid,
            log: log.to_owned(),
        })
    }

    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.supervisor.try_wait()?.is_some())
    }

    /// The end of what the program said.
    pub(super) fn output(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(8)..].join(" | ")
    }

    /// Stops the program where it is: its connections stay open and are silent.
    pub(super) fn pause(&mut self) -> io::Result<()> {
        self.signal(Signal::STOP)?;
        // The signal has no effect yet when it is sent: threads that run go on for a while.
        while !self.is_stopped() {
            thread::yield_now();
        }
        Ok(())
    }

    /// Lets the program go on.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Whether all threads stand still, where the system tells.
    fn is_stopped(&self) -> bool {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.pid.as_raw_nonzero())) else {
            return true;
        };
        threads.flatten().all(|thread| {
            let status = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // The state follows the name, which is in parentheses and may hold anything. A thread
            // may just have ended.
            status
                .rsplit_once(") ")
                .is_none_or(|(_, rest)| rest.starts_with('T'))
        })
    }

    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        // The shell waits for the program, so the id is the program's as long as the shell is
        // there.
        if self.has_ended()? {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the server has ended",
            ));
        }
        Ok(kill_process(self.pid, signal)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut leash) = self.leash.take() {
            // If the program has ended, nobody reads this.
            let _ = leash.write_all(b"\n");
        }
        // It kills, it does not ask: this is short.
        let _ = self.supervisor.wait();
    }
}
