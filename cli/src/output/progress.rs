//! [`Progress`]: a bar on standard error.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::io::Stream;

/// Nothing is shown before, because most commands are done by then.
const QUIET_TIME: Duration = Duration::from_millis(500);
const REDRAWS_PER_SECOND: u8 = 10;

/// Shows how far a command is.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Where the bar is shown once the quiet time is over.
    pending: Option<(Stream, Instant)>,
}

impl Progress {
    pub(super) fn new(stderr: Option<Stream>, unit: &'static str, total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let template = match total {
            Some(_) => format!(
                "{{bar:30}} {{percent}} %  {{human_pos}} of {{human_len}} {unit}  {{elapsed}}"
            ),
            None => format!("{{spinner}} {{human_pos}} {unit}  {{elapsed}}"),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Self {
            bar,
            pending: stderr.map(|stderr| (stderr, Instant::now())),
        }
    }

    /// Counts more units of work.
    pub(crate) fn add(&mut self, units: u64) {
        if let Some((stderr, begun)) = self.pending.take() {
            if begun.elapsed() >= QUIET_TIME {
                let terminal = Box::new(Terminal(stderr));
                self.bar
                    .set_draw_target(ProgressDrawTarget::term_like_with_hz(
                        terminal,
                        REDRAWS_PER_SECOND,
                    ));
            } else {
                self.pending = Some((stderr, begun));
            }
        }
        self.bar.inc(units);
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// Standard error as a terminal that a bar is drawn on.
#[derive(Debug)]
struct Terminal(Stream);

impl Terminal {
    fn send(&self, text: &str) -> std::io::Result<()> {
        use std::io::Write;
        self.0.clone().write_all(text.as_bytes())
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| width.0)
    }

    fn move_cursor_up(&self, lines: usize) -> std::io::Result<()> {
        if lines == 0 {
            Ok(())
        } else {
            self.send(&format!("\u{1b}[{lines}A"))
        }
    }

    fn move_cursor_down(&self, lines: usize) -> std::io::Result<()> {
        if lines == 0 {
            Ok(())
        } else {
            self.send(&format!("\u{1b}[{lines}B"))
        }
    }

    fn move_cursor_right(&self, columns: usize) -> std::io::Result<()> {
        if columns == 0 {
            Ok(())
        } else {
            self.send(&format!("\u{1b}[{columns}C"))
        }
    }

    fn move_cursor_left(&self, columns: usize) -> std::io::Result<()> {
        if columns == 0 {
            Ok(())
        } else {
            self.send(&format!("\u{1b}[{columns}D"))
        }
    }

    fn write_line(&self, line: &str) -> std::io::Result<()> {
        self.send(&format!("{line}\n"))
    }

    fn write_str(&self, text: &str) -> std::io::Result<()> {
        self.send(text)
    }

    fn clear_line(&self) -> std::io::Result<()> {
        self.send("\r\u{1b}[2K")
    }

    fn flush(&self) -> std::io::Result<()> {
        use std::io::Write;
        self.0.clone().flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_is_shown_before_the_quiet_time_is_over() {
        let buffer = Buffer::default();
        let mut progress = Progress::new(
            Some(Stream::new(buffer.clone(), true)),
            "contexts",
            Some(10),
        );
        progress.pending = Some((
            Stream::new(buffer.clone(), true),
            Instant::now() + QUIET_TIME,
        ));
        progress.add(4);
        assert_eq!(buffer.0.lock().unwrap().len(), 0);

        let (stderr, _) = progress.pending.take().unwrap();
        progress.pending = Instant::now()
            .checked_sub(QUIET_TIME)
            .map(|begun| (stderr, begun));
        progress.add(2);
        let shown = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        assert!(shown.contains("6 of 10 contexts"), "{shown}");
    }
}
