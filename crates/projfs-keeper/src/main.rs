//! `projfs-keeper PROGRAM [ARGUMENT]...`: keeps a program that mounts.

use std::process::ExitCode;

use projfs_keeper::Limits;
use projfs_keeper::keep;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: projfs-keeper PROGRAM [ARGUMENT]...");
        return ExitCode::from(2);
    };
    match keep(program.as_ref(), arguments, Limits::default()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("projfs-keeper: {error}");
            ExitCode::FAILURE
        }
    }
}
