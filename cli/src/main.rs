//! The command `vexil`.

use std::process::ExitCode;

use vexil_cli::{Io, run};

fn main() -> ExitCode {
    run(std::env::args_os(), &mut Io::of_process()).into()
}
