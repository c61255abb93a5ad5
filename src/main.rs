//! The binary: runs the command that the arguments name, and exits with its status.

use std::process::ExitCode;

use tencent_desk_exporter::base::logging;
use tencent_desk_exporter::commands::{self, Failure};

/// The command line or the configuration is wrong (`EX_USAGE` of sysexits.h).
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let code = match commands::run(std::env::args_os().skip(1), std::env::vars_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(mistakes)) => {
            for mistake in mistakes {
                logging::fatal(&mistake);
            }
            ExitCode::from(EXIT_USAGE)
        }
        Err(Failure::Other(why)) => {
            logging::fatal(&format!("tencent-desk-exporter: {why}"));
            ExitCode::FAILURE
        }
    };
    logging::finish();
    code
}
