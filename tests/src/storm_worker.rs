//! `projfs-test-storm ROOT NUMBER SEED STRICT SEQUENCE OPERATIONS`: one process of a storm.
//!
//! It prints a dot now and then, and at its end what it did, or what must not have been.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use projfs_testkit::model::Random;
use projfs_tests::Strictness;
use projfs_tests::work;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, root, number, seed, strict, sequence, operations] = &arguments[..] else {
        return ExitCode::from(2);
    };
    let strictness = if strict == "strict" { Strictness::Counted } else { Strictness::Replacing };
    let (Ok(number), Ok(seed), Ok(sequence), Ok(operations)) =
        (number.parse(), seed.parse(), sequence.parse(), operations.parse())
    else {
        return ExitCode::from(2);
    };
    let progress = || {
        println!(".");
        let _ = std::io::stdout().flush();
    };
    let random = Random::new(seed);
    match work(Path::new(root), number, random, strictness, sequence, operations, progress) {
        Ok((tally, wrote)) => {
            for (file, sequence) in wrote {
                println!("wrote {file} {sequence}");
            }
            println!("{tally}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}
