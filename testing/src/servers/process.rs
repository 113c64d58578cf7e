//! [`Process`]: a program that does not outlive the test, as a child process.

use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::ServerError;

/// Runs the program, and kills it on command or when this shell's standard input closes, which
/// happens when the test process ends: a value in a `static` is never dropped, and a test may be
/// killed. The folder is removed here too, because the test process is gone by then. The first line
/// of the output is the program's process id.
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

/// A program that runs until this is dropped or the test process ends for any reason.
pub(super) trait Process: Debug + Send {
    fn has_ended(&mut self) -> Result<bool, ServerError>;

    /// Returns the end of the program's output.
    fn output(&self) -> String;

    /// Suspends the program: its connections stay open but silent.
    fn pause(&mut self) -> Result<(), ServerError>;

    /// Resumes the program.
    fn resume(&mut self) -> Result<(), ServerError>;
}

/// A child process.
#[derive(Debug)]
pub(super) struct ChildProcess {
    supervisor: Child,
    /// A line, or the end of input, kills the program.
    leash: Option<ChildStdin>,
    pid: Pid,
    log: PathBuf,
}

impl ChildProcess {
    /// Starts a program in a separate folder. Its output goes to the log.
    pub(super) fn start(
        program: &Path,
        arguments: &[OsString],
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
        let pid = pid.ok_or_else(|| io::Error::other("the shell did not print the process id"))?;
        Ok(Self {
            supervisor,
            leash,
            pid,
            log: log.to_owned(),
        })
    }

    /// Whether all threads are stopped, on systems that report it.
    fn is_stopped(&self) -> bool {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.pid.as_raw_nonzero())) else {
            return true;
        };
        threads.flatten().all(|thread| {
            let status = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            // The state follows the name, which is in parentheses and may contain anything. A
            // thread may have ended just now.
            status
                .rsplit_once(") ")
                .is_none_or(|(_, rest)| rest.starts_with('T'))
        })
    }

    fn signal(&mut self, signal: Signal) -> io::Result<()> {
        // The shell waits for the program, so the process id stays valid as long as the shell runs.
        if self.supervisor.try_wait()?.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the server has ended",
            ));
        }
        Ok(kill_process(self.pid, signal)?)
    }
}

impl Process for ChildProcess {
    fn has_ended(&mut self) -> Result<bool, ServerError> {
        Ok(self.supervisor.try_wait()?.is_some())
    }

    fn output(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        last_lines(&String::from_utf8_lossy(&log))
    }

    fn pause(&mut self) -> Result<(), ServerError> {
        self.signal(Signal::STOP)?;
        // The signal takes effect with a delay: running threads continue for a while.
        while !self.is_stopped() {
            thread::yield_now();
        }
        Ok(())
    }

    fn resume(&mut self) -> Result<(), ServerError> {
        Ok(self.signal(Signal::CONT)?)
    }
}

/// Returns the last lines of a log, in one line.
pub(super) fn last_lines(log: &str) -> String {
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(8)..].join(" | ")
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        if let Some(mut leash) = self.leash.take() {
            // Fails only if the program and its shell have ended already.
            let _ = leash.write_all(b"\n");
        }
        // The program is killed, not asked to exit, so the wait is short.
        let _ = self.supervisor.wait();
    }
}
