//! Commits as files: what a checkout would write, and partial clones.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use super::support::Work;
use super::support::mounted;

/// How long the end of a process may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stands for `git-upload-pack`: notes each call, and waits for its client to go if that is wanted.
const UPLOAD_PACK: &str = "#!/bin/sh
echo x >> DIR/connections
if test -e DIR/hang; then echo $$ > DIR/pid.new; mv DIR/pid.new DIR/pid; exec cat 3>&1 > /dev/null; fi
exec git-upload-pack \"$@\"
";

/// A partial clone of a repository with three directories of twenty files each.
fn make_partial(work: &Work) {
    for directory in ["server", "clone"] {
        std::fs::create_dir(work.path(directory)).unwrap();
    }
    for name in ["a", "b", "c"] {
        let directory = work.path("server").join(name);
        std::fs::create_dir(&directory).unwrap();
        for n in 0..20 {
            std::fs::write(directory.join(n.to_string()), format!("{name} {n}\n")).unwrap();
        }
    }
    work.git_in("server", &["init", "-q"]);
    work.git_in("server", &["add", "."]);
    work.git_in("server", &["commit", "-qm", "one"]);
    work.git_in("server", &["config", "uploadpack.allowFilter", "true"]);
    work.git_in("server", &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let url = format!("file://{}", work.path("server").display());
    work.git_in("clone", &["clone", "-q", "--no-checkout", "--filter=blob:none", &url, "."]);
    let program = work.path("upload-pack");
    std::fs::write(&program, UPLOAD_PACK.replace("DIR", work.path("").to_str().unwrap())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    work.git_in("clone", &["config", "remote.origin.uploadpack", program.to_str().unwrap()]);
}

fn connections(work: &Work) -> usize {
    std::fs::read_to_string(work.path("connections")).map_or(0, |text| text.lines().count())
}

#[test]
fn files_are_what_git_would_check_out_or_what_is_stored() {
    mounted("files_are_what_git_would_check_out_or_what_is_stored", |work| {
        std::fs::write(work.path("repo/.gitattributes"), "*.txt eol=crlf ident\n").unwrap();
        std::fs::write(work.path("repo/a.txt"), "one\ntwo $Id$\n").unwrap();
        work.git_in("repo", &["add", "."]);
        work.git_in("repo", &["commit", "-qm", "three"]);
        work.git_in("repo", &["rm", "-q", "--cached", "a.txt"]);
        std::fs::remove_file(work.path("repo/a.txt")).unwrap();
        work.git_in("repo", &["reset", "-q", "--hard"]);
        let file = work.path("tree/a.txt");
        work.does(&["mount", "git:repo", "tree"]);
        let checked_out = std::fs::read(work.path("repo/a.txt")).unwrap();
        assert!(checked_out.windows(2).any(|pair| pair == b"\r\n"));
        assert_eq!(file.metadata().unwrap().len(), checked_out.len() as u64);
        assert_eq!(std::fs::read(&file).unwrap(), checked_out);
        work.does(&["unmount", "tree"]);
        std::fs::create_dir(work.path("raw")).unwrap();
        work.does(&["mount", "git-raw:repo", "raw"]);
        assert_eq!(std::fs::read(work.path("raw/a.txt")).unwrap(), b"one\ntwo $Id$\n");
        assert!(work.does(&["list"]).contains("git-raw:"));
    });
}

#[test]
fn hydrating_a_partial_clone_is_one_fetch_and_what_is_missing_is_an_error() {
    mounted("hydrating_a_partial_clone_is_one_fetch_and_what_is_missing_is_an_error", |work| {
        make_partial(work);
        work.does(&["mount", "git:clone", "tree"]);
        work.does(&["hydrate", "tree/a", "tree/b"]);
        assert_eq!(connections(work), 1);
        let read = |name: &str| std::fs::read_to_string(work.path("tree").join(name));
        std::fs::rename(work.path("server"), work.path("away")).unwrap();
        assert_eq!(read("b/7").unwrap(), "b 7\n");
        assert_eq!(read("c/7").unwrap_err().raw_os_error(), Some(5));
        work.fails(&["hydrate", "tree/c"], 1, &["c"]);
        std::fs::rename(work.path("away"), work.path("server")).unwrap();
        let end = Instant::now() + PATIENCE;
        while read("c/7").is_err() {
            assert!(Instant::now() < end, "it is not fetched again");
            std::thread::yield_now();
        }
        assert_eq!(read("c/8").unwrap(), "c 8\n");
    });
}

#[test]
fn no_git_outlives_a_daemon_that_is_killed() {
    mounted("no_git_outlives_a_daemon_that_is_killed", |work| {
        make_partial(work);
        let daemon = work.command(&["mount", "--foreground", "git:clone", "tree"]).spawn();
        let mut daemon = daemon.unwrap();
        let end = Instant::now() + PATIENCE;
        while !work.path("tree/a").exists() {
            assert!(Instant::now() < end, "nothing is mounted");
            std::thread::yield_now();
        }
        std::fs::write(work.path("hang"), "").unwrap();
        let mut reader =
            work.program("cat").arg("tree/a/1").stderr(std::process::Stdio::null()).spawn().unwrap();
        let process = loop {
            if let Ok(pid) = std::fs::read_to_string(work.path("pid")) {
                break PathBuf::from("/proc").join(pid.trim());
            }
            assert!(Instant::now() < end, "nothing is fetched");
            std::thread::yield_now();
        };
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        reader.wait().unwrap();
        while process.exists() {
            assert!(Instant::now() < end, "git runs on");
            std::thread::yield_now();
        }
    });
}
