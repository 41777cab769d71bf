//! `faults.c`: providers that end in the middle of a callback, or never end one.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use crate::support::LANGUAGES;
use crate::support::Running;
use crate::support::Wide;
use crate::support::mounted;
use crate::support::package;

/// How soon whoever waits must hear that nobody answers.
const SOON: Duration = Duration::from_secs(3);

fn content() -> Vec<u8> {
    (0..300_000_u32).map(|at| (at % 251 + 1) as u8).collect()
}

/// Uses what is projected; says what went wrong.
fn look(root: &Path) -> std::io::Result<()> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join("dir"))? {
        names.push(entry?.file_name());
    }
    names.sort();
    assert_eq!(names, ["a", "b"]);
    assert!(std::fs::read(root.join("file"))? == content(), "wrong bytes");
    Ok(())
}

#[test]
fn a_provider_that_ends_is_an_error_and_the_next_one_gives_right_data() {
    mounted("a_provider_that_ends_is_an_error_and_the_next_one_gives_right_data", |dir| {
        let program = dir.join("faults");
        LANGUAGES[0].program(Wide::Native, &package().join("tests/capi/faults.c"), &program);
        for fault in [
            "exits-while-it-describes",
            "exits-before-the-data",
            "exits-mid-data",
            "crashes-mid-data",
            "exits-while-it-lists",
            "crashes-while-it-lists",
        ] {
            let root = dir.join(fault);
            std::fs::create_dir(&root).unwrap();
            let gone = Running::start(&program, &[root.as_os_str(), fault.as_ref()]);
            let begin = Instant::now();
            let error = look(&root).expect_err(fault);
            assert!(begin.elapsed() < SOON, "{fault}: {:?}", begin.elapsed());
            assert!(
                matches!(error.raw_os_error(), Some(libc::ENOTCONN | libc::ECONNABORTED)),
                "{fault}: {error}"
            );
            drop(gone);
            // Its mount is taken away by the next one.
            let next = Running::start(&program, &[root.as_os_str(), "none".as_ref()]);
            look(&root).expect(fault);
            next.stop();
        }
    });
}

#[test]
fn who_waits_for_a_listing_without_end_can_be_killed_and_the_callback_ends() {
    mounted("who_waits_for_a_listing_without_end_can_be_killed_and_the_callback_ends", |dir| {
        let (program, root) = (dir.join("faults"), dir.join("root"));
        LANGUAGES[0].program(Wide::Native, &package().join("tests/capi/faults.c"), &program);
        std::fs::create_dir(&root).unwrap();
        let mut provider = Running::start(&program, &[root.as_os_str(), "lists-for-ever".as_ref()]);
        let mut ls = Command::new("ls").arg(root.join("dir")).stdout(Stdio::null()).spawn().unwrap();
        assert_eq!(provider.line(), "listing");
        ls.kill().unwrap();
        let begin = Instant::now();
        while ls.try_wait().unwrap().is_none() {
            assert!(begin.elapsed() < SOON, "ls is still there");
            std::thread::yield_now();
        }
        assert_eq!(provider.line(), "ended");
        assert!(std::fs::read(root.join("file")).unwrap() == content(), "wrong bytes");
        let begin = Instant::now();
        provider.stop();
        assert!(begin.elapsed() < SOON, "it took {:?}", begin.elapsed());
    });
}
