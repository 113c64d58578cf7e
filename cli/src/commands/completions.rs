//! `vexil completions`: completions for a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::exit::{Exit, Failure};
use crate::session::Session;

/// Print completions for a shell.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil completions bash > ~/.local/share/bash-completion/completions/vexil
  vexil completions zsh > ~/.zfunc/_vexil
  vexil completions fish > ~/.config/fish/completions/vexil.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut crate::args::Args::command(),
        "vexil",
        &mut script,
    );
    session.output.bytes(&script)?;
    Ok(Exit::Done)
}
