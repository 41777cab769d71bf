//! `projfs-test-worker ROOT NUMBER SEED`: does random things to a tree until the daemon is gone.
//!
//! Each deed is printed before it is done, and behind it what came of it: 0, or the number of the error.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use projfs_testkit::model::Random;
use projfs_tests::Deed;
use rustix::io::Errno;

/// What happens whether or not there is a daemon.
const USUAL: [Errno; 11] = [
    Errno::NOENT,
    Errno::EXIST,
    Errno::NOTDIR,
    Errno::ISDIR,
    Errno::NOTEMPTY,
    Errno::INVAL,
    Errno::PERM,
    Errno::LOOP,
    Errno::NXIO,
    Errno::OPNOTSUPP,
    Errno::BADF,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, root, number, seed] = &arguments[..] else { return ExitCode::from(2) };
    let (Ok(number), Ok(seed)) = (number.parse(), seed.parse()) else { return ExitCode::from(2) };
    let mut random = Random::new(seed);
    let mut out = std::io::stdout().lock();
    loop {
        let deed = Deed::random(&mut random, number);
        if write!(out, "{deed}").and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
        let done = deed.carry_out(Path::new(root));
        let number = done.map_or_else(Errno::raw_os_error, |()| 0);
        if writeln!(out, " {number}").and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
        if done.is_err_and(|errno| !USUAL.contains(&errno)) {
            return ExitCode::SUCCESS;
        }
    }
}
