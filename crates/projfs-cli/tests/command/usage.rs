//! Arguments, without a mount.

use super::support::Work;

#[test]
fn help_has_every_verb_and_every_exit_code() {
    let help = Work::new("help").does(&["--help"]);
    for verb in [
        "mount",
        "unmount",
        "run",
        "list",
        "status",
        "state",
        "hydrate",
        "dehydrate",
        "watch",
        "fsck",
        "upgrade",
    ] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(verb)), "{verb}: {help}");
    }
    for words in ["git:PATH[@REV]", "tombstone", "0  done", "6  the directory cannot be a root"] {
        assert!(help.contains(words), "{words}: {help}");
    }
}

#[test]
fn wrong_arguments_are_2() {
    let work = Work::new("wrong_arguments_are_2");
    work.fails(&[], 2, &["Usage"]);
    work.fails(&["dance"], 2, &["dance"]);
    work.fails(&["mount", "source"], 2, &["DIR"]);
    work.fails(&["run", "source"], 2, &["CMD"]);
    work.fails(&["state"], 2, &["PATH"]);
    work.fails(&["mount", "zip:x", "tree"], 2, &["zip:", "git:", "dir:"]);
    work.fails(&["mount", "", "tree"], 2, &["names no path"]);
    work.fails(&["mount", "git:repo@", "tree"], 2, &["no revision"]);
    work.fails(&["--log", "a=b=c", "list"], 2, &["--log"]);
}

#[test]
fn what_is_in_no_root_is_said() {
    let work = Work::new("what_is_in_no_root_is_said");
    for verb in ["status", "state", "hydrate", "dehydrate", "watch"] {
        work.fails(&[verb, "tree"], 1, &["tree", "is in no root"]);
    }
    work.fails(&["unmount", "tree"], 1, &["tree is not mounted"]);
    work.fails(&["fsck", "tree"], 6, &["tree", "not a root"]);
    work.fails(&["fsck", "missing"], 6, &["missing"]);
}
