//! The one binary: all it does is in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wardwatch::cli::main()
}
