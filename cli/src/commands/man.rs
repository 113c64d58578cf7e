//! `vexil man`: manual pages.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::exit::{Exit, Failure};
use crate::session::Session;

/// Write the manual pages of all commands into a folder.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  vexil man man1
  vexil man . && man ./vexil.1
  vexil man pages --quiet")]
pub(crate) struct ManArgs {
    /// The folder. It is created if it does not exist.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(args: &ManArgs, session: &mut Session<'_>) -> Result<Exit, Failure> {
    let directory = session.io.path(&args.directory);
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Incomplete,
            format_args!("cannot write to {}: {error}", args.directory.display()),
        )
        .help("name a folder that you may write to")
    };
    fs::create_dir_all(&directory).map_err(failed)?;
    let mut command = crate::args::Args::command();
    command.build();
    let mut pages = 1;
    write_page(&command, "vexil", &directory).map_err(failed)?;
    for subcommand in command.get_subcommands() {
        let name = format!("vexil-{}", subcommand.get_name());
        write_page(subcommand, &name, &directory).map_err(failed)?;
        pages += 1;
    }
    session.output.note(format_args!(
        "{pages} pages written to {}",
        args.directory.display()
    ));
    Ok(Exit::Done)
}

fn write_page(
    command: &clap::Command,
    name: &str,
    directory: &std::path::Path,
) -> std::io::Result<()> {
    let mut page = Vec::new();
    Man::new(command.clone()).title(name).render(&mut page)?;
    fs::write(directory.join(format!("{name}.1")), page)
}
