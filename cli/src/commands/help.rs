//! `vexil help`: topics that belong to no single command.

use clap::{Args, CommandFactory};

use crate::exit::{Exit, Failure};
use crate::session::Session;

/// Explain a command, or one of the topics "sources" and "exit-status".
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil help sources
  vexil help exit-status
  vexil help explain")]
pub(crate) struct HelpArgs {
    /// A command, "sources" or "exit-status".
    topic: Option<String>,
}

const EXIT_STATUS: &str = "\
Exit statuses

  0    done; for diff: no differences; for check: nothing to report
  1    done, and the answer is no: there are differences or findings,
       eval --strict met an error or a flag without a value, or the file of
       generate --check would change
  2    the command line or vexil.toml is wrong
  3    a source or target could not be reached, refused access, or timed out
  4    data could not be read: malformed, of the wrong type, too large, or
       without the item that the command line names
  5    refused for safety; nothing was changed
  6    a write failed part way; the message says what the target contains
  70   a defect of vexil
  130  interrupted by Ctrl-C
  143  terminated by SIGTERM
";

pub(super) fn run(args: &HelpArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let mut command = crate::args::Args::command();
    let text = match args.topic.as_deref() {
        None => command.render_long_help().to_string(),
        Some("exit-status") => EXIT_STATUS.to_owned(),
        Some("sources") => crate::source::HELP.to_owned(),
        Some(topic) => {
            command.build();
            let Some(command) = command.find_subcommand_mut(topic) else {
                return Err(Failure::usage(format_args!("there is no command and no topic {topic:?}"))
                    .help("\"vexil help\" lists the commands; the topics are \"sources\" and \"exit-status\""));
            };
            command.render_long_help().to_string()
        }
    };
    session.output.text(text)?;
    Ok(Exit::Done)
}
