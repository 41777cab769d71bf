//! What a mount refuses: the exit code, the words, and that nothing has changed.

use std::fs;

use projfs_testkit::skipped;

use super::support::Work;
use super::support::mounted;

#[test]
fn sources_that_are_not_there_are_4() {
    let work = Work::new("sources_that_are_not_there_are_4");
    for (source, words) in [
        ("missing", "missing"),
        ("dir:missing", "missing"),
        ("git:missing", "missing"),
        ("git:missing@v1", "missing"),
        ("dir:source/a", "source/a"),
        ("git:/@v1", "Git repository"),
        ("git:repo@nope", "nope"),
        ("repo@nope", "nope"),
        ("git:repo@HEAD^{tree}", "not a commit"),
    ] {
        work.fails(&["mount", source, "tree"], 4, &[words]);
        work.fails(&["run", source, "--", "true"], 4, &[words]);
        assert_eq!(fs::read_dir(work.path("tree")).unwrap().count(), 0, "{source} left something");
    }
}

#[test]
fn directories_that_cannot_be_roots_are_6() {
    mounted("directories_that_cannot_be_roots_are_6", |work| {
        fs::create_dir(work.path("full")).unwrap();
        fs::write(work.path("full/file"), "").unwrap();
        work.fails(&["mount", "source", "missing"], 6, &["missing", "no such file"]);
        work.fails(&["mount", "source", "full/file"], 6, &["full/file", "not a directory"]);
        work.fails(&["mount", "source", "full"], 6, &["full", "not empty", "never a root"]);
        assert_eq!(fs::read_dir(work.path("full")).unwrap().count(), 1);
        work.fails(&["mount", "source", "source"], 6, &["it is the source"]);
        work.fails(&["mount", "source", "source/sub"], 6, &["inside the source"]);
        work.fails(&["mount", "git:repo", "repo"], 6, &["holds the source"]);
    });
}

#[test]
fn a_root_inside_another_is_6_mounted_or_not() {
    mounted("a_root_inside_another_is_6_mounted_or_not", |work| {
        work.does(&["mount", "source", "tree"]);
        fs::create_dir(work.path("tree/inside")).unwrap();
        work.fails(&["mount", "source", "tree/inside"], 6, &["tree/inside", "nested"]);
        work.does(&["unmount", "tree"]);
        work.fails(&["mount", "source", "tree/inside"], 6, &["tree/inside", "nested"]);
    });
}

#[test]
fn a_root_of_another_source_is_6_and_names_both() {
    mounted("a_root_of_another_source_is_6_and_names_both", |work| {
        work.does(&["mount", "repo@v1", "tree"]);
        work.does(&["unmount", "tree"]);
        work.fails(&["mount", "source", "tree"], 6, &["made from git:", "not from dir:"]);
        work.fails(&["mount", "repo", "tree"], 6, &["made from git:", "not from git:"]);
        work.does(&["mount", "git:repo@v1", "tree"]);
        assert_eq!(fs::read_to_string(work.path("tree/README")).unwrap(), "one\n");
        work.does(&["unmount", "tree"]);
    });
}

#[test]
fn mounted_already_is_3_and_the_mount_goes_on() {
    mounted("mounted_already_is_3_and_the_mount_goes_on", |work| {
        work.does(&["mount", "source", "tree"]);
        work.fails(&["mount", "source", "tree"], 3, &["tree", "mounted there already"]);
        work.fails(&["run", "--at", "tree", "source", "--", "true"], 3, &["mounted there already"]);
        work.fails(&["fsck", "tree"], 3, &["mounted there already"]);
        assert_eq!(fs::read_to_string(work.path("tree/a")).unwrap(), "alpha\n");
        work.does(&["unmount", "tree"]);
    });
}

#[test]
fn a_file_system_without_what_a_root_needs_is_6() {
    mounted("a_file_system_without_what_a_root_needs_is_6", |work| {
        // It has neither whiteouts nor extended attributes of users.
        let (tree, none) = (work.path("tree"), rustix::mount::MountFlags::empty());
        if let Err(errno) = rustix::mount::mount("none", &tree, "ramfs", none, None) {
            return skipped(format_args!("no ramfs here: {errno}"));
        }
        let did = work.projfs(&["mount", "source", "tree"]);
        rustix::mount::unmount(&tree, rustix::mount::UnmountFlags::DETACH).unwrap();
        assert_eq!(did.code, 6, "{did:?}");
        assert!(did.err.contains("does not support"), "{did:?}");
    });
}
