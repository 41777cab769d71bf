//! The verbs themselves: what is registered, what is fetched, what is refused, and what is left.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use projfs_testkit::skipped;

use super::origin;
use super::pair::git;
use super::support::Did;
use super::support::Work;
use super::support::mounted;

/// When the commits were made, and when the tests are.
const THEN: i64 = 1_500_000_000;
const NOW: i64 = 1_600_000_000;

/// A user without privilege.
const NOBODY: u32 = 65534;

/// Has a bare repository at `origin`.
fn repository(work: &Work) {
    std::fs::create_dir_all(work.path("home")).unwrap();
    origin::make(&work.path("origin"), &|dir, arguments| git(work, dir, arguments, THEN));
}

/// Runs `git` in `dir`, which must succeed; what it prints.
#[track_caller]
fn said(work: &Work, dir: &str, arguments: &[&str]) -> String {
    let output = git(work, &work.path(dir), arguments, NOW).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `projfs` with the same environment as `git`.
fn projfs(work: &Work, arguments: &[&str]) -> Did {
    let mut command = work.command(arguments);
    let like = git(work, Path::new("."), &[], NOW);
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    Did {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[track_caller]
fn does(work: &Work, arguments: &[&str]) -> String {
    let did = projfs(work, arguments);
    assert_eq!(did.code, 0, "{arguments:?}: {did:?}");
    did.out
}

/// A number of `projfs status`.
fn count(work: &Work, dir: &str, name: &str) -> usize {
    let status = does(work, &["status", "--json", dir]);
    let (_, rest) = status.split_once(&format!("\"{name}\":")).unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// What `git status` did to find out, by the names of its own counters.
fn looked(work: &Work, dir: &str) -> Vec<(String, usize)> {
    let trace = work.path("trace");
    let mut status = git(work, &work.path(dir), &["status", "--porcelain"], NOW);
    let output = status.env("GIT_TRACE2_PERF", &trace).output().unwrap();
    assert_eq!(output.stdout, b"", "{output:?}");
    let text = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(&trace).unwrap();
    let counters = ["opendir:", "gitignore-invalidation:", "directory-invalidation:", "sum_lstat:"];
    let of = |counter: &str| {
        let found = text.lines().filter_map(|line| line.split_once(counter)).map(|(_, number)| number.trim());
        found.filter_map(|number| number.parse::<usize>().ok()).sum()
    };
    counters.iter().map(|counter| ((*counter).to_owned(), of(counter))).collect()
}

/// What it does if it looks at nothing.
fn nothing() -> Vec<(String, usize)> {
    let counters = ["opendir:", "gitignore-invalidation:", "directory-invalidation:", "sum_lstat:"];
    counters.iter().map(|counter| ((*counter).to_owned(), 0)).collect()
}

#[test]
fn a_fresh_tree_is_clean_and_nothing_is_looked_at() {
    mounted("a_fresh_tree_is_clean_and_nothing_is_looked_at", |work| {
        repository(work);
        // What is ignored is said in every place where it can be, and some of it is converted.
        std::fs::create_dir_all(work.path("home/.config/git")).unwrap();
        std::fs::write(work.path("home/.config/git/ignore"), "*.mine\n").unwrap();
        std::fs::write(work.path("origin/info/exclude"), "*.ours\n").unwrap();
        for (name, revision, settings) in [
            ("one", "base", ["core.autocrlf", "false"]),
            ("two", "ignores", ["status.showUntrackedFiles", "all"]),
        ] {
            said(work, "origin", &[&["config"][..], &settings].concat());
            does(work, &["worktree", "-q", "--repo", "origin", "-b", name, name, revision]);
            assert_eq!(looked(work, name), nothing(), "{name}");
            // Those that say what is ignored, and what attributes files have.
            assert!(count(work, name, "hydrated_files") <= 5);
            assert_eq!(said(work, name, &["diff", "HEAD"]), "");
            assert_eq!(said(work, name, &["fsck", "--connectivity-only"]), "");
            // With no help, the index agrees with what the mount reports.
            let fetched = count(work, name, "hydrated_files");
            let plain =
                ["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "status", "--porcelain"];
            assert_eq!(said(work, name, &plain), "");
            assert_eq!(count(work, name, "hydrated_files"), fetched);
            does(work, &["unmount", name]);
        }
    });
}

#[test]
fn patterns_that_are_converted_do_not_have_everything_looked_at() {
    mounted("patterns_that_are_converted_do_not_have_everything_looked_at", |work| {
        repository(work);
        said(work, "origin", &["config", "core.autocrlf", "input"]);
        does(work, &["worktree", "-q", "--repo", "origin", "tree", "base"]);
        assert_eq!(looked(work, "tree"), nothing());
    });
}

#[test]
fn without_hooks_only_attributes_are_compared() {
    mounted("without_hooks_only_attributes_are_compared", |work| {
        repository(work);
        does(work, &["worktree", "-q", "--no-hooks", "--repo", "origin", "tree", "base"]);
        assert_eq!(said(work, "tree", &["status", "--porcelain"]), "");
        assert!(count(work, "tree", "hydrated_files") <= 4);
        assert_eq!(
            said(work, "origin", &["config", "--get-regexp", "core.*"]).matches("fsmonitor").count(),
            0
        );
    });
}

#[test]
fn git_knows_the_tree_and_refuses_as_ever() {
    mounted("git_knows_the_tree_and_refuses_as_ever", |work| {
        repository(work);
        does(work, &["worktree", "-q", "--repo", "origin", "-b", "fix", "tree", "topic"]);
        let path = work.path("tree");
        let listed = said(work, "tree", &["worktree", "list", "--porcelain"]);
        assert!(listed.contains(&format!("worktree {}\n", path.display())), "{listed}");
        assert!(listed.contains("branch refs/heads/fix\n") && listed.contains("bare\n"), "{listed}");
        said(work, "origin", &["worktree", "prune"]);
        said(work, "origin", &["worktree", "lock", path.to_str().unwrap()]);
        said(work, "origin", &["worktree", "unlock", path.to_str().unwrap()]);
        said(work, "origin", &["worktree", "repair", path.to_str().unwrap()]);
        let did = projfs(work, &["worktree", "--repo", "origin", "other", "fix"]);
        assert_eq!(did.code, 128, "{did:?}");
        assert!(did.err.contains("'fix' is already") && !work.path("other").exists(), "{did:?}");
        let did = projfs(work, &["worktree", "--repo", "origin", "other", "nothing-of-that-name"]);
        assert_eq!(did.code, 128, "{did:?}");
        does(work, &["worktree", "-q", "--repo", "tree", "--detach", "other", "fix"]);
        assert_eq!(said(work, "other", &["rev-parse", "--abbrev-ref", "HEAD"]), "HEAD\n");
        // What is for these two is for nobody else.
        said(work, "origin", &["worktree", "add", "-q", "plain", "modes"]);
        let plain =
            git(work, &work.path("origin/plain"), &["config", "core.fsmonitor"], NOW).output().unwrap();
        assert_eq!(plain.stdout, b"");
        assert!(said(work, "other", &["config", "core.fsmonitor"]).ends_with(" git-fsmonitor\n"));
    });
}

#[test]
fn what_happened_while_it_was_not_mounted_is_seen() {
    mounted("what_happened_while_it_was_not_mounted_is_seen", |work| {
        repository(work);
        does(work, &["worktree", "-q", "--repo", "origin", "tree", "base"]);
        std::fs::write(work.path("tree/README"), "mine\n").unwrap();
        said(work, "tree", &["commit", "-qam", "mine"]);
        std::fs::write(work.path("tree/src/made"), "made\n").unwrap();
        assert_eq!(said(work, "tree", &["status", "--porcelain"]), "?? src/made\n");
        does(work, &["unmount", "tree"]);
        std::fs::write(work.path("tree/README"), "them\n").unwrap();
        std::fs::remove_file(work.path("tree/src/made")).unwrap();
        std::fs::write(work.path("tree/found"), "found\n").unwrap();
        does(work, &["worktree", "tree"]);
        assert_eq!(said(work, "tree", &["status", "--porcelain"]), " M README\n?? found\n");
        let did = projfs(work, &["worktree", "tree", "topic"]);
        assert_eq!(did.code, 3, "{did:?}");
    });
}

#[test]
fn a_dead_mount_is_replaced() {
    mounted("a_dead_mount_is_replaced", |work| {
        repository(work);
        does(work, &["worktree", "-q", "--repo", "origin", "tree", "base"]);
        std::fs::write(work.path("tree/README"), "mine\n").unwrap();
        let status = does(work, &["status", "--json", "tree"]);
        // The keeper first, if there is one: it would start the daemon again.
        let mut pids: Vec<&str> = status.split("\"pid\":").skip(1).collect();
        pids.reverse();
        for pid in pids {
            let pid: String = pid.chars().take_while(char::is_ascii_digit).collect();
            assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
        }
        does(work, &["worktree", "tree"]);
        assert_eq!(said(work, "tree", &["status", "--porcelain"]), " M README\n");
    });
}

#[test]
fn the_hook_answers_what_has_changed_since() {
    mounted("the_hook_answers_what_has_changed_since", |work| {
        repository(work);
        does(work, &["worktree", "-q", "--repo", "origin", "tree", "base"]);
        let ask = |token: &str| {
            let mut command = work.command(&["git-fsmonitor", "2", token]);
            let output = command.current_dir(work.path("tree")).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            let mut fields = text.split_terminator('\0').map(str::to_owned);
            (fields.next().unwrap(), fields.collect::<Vec<_>>())
        };
        let is_everything = |changed: &[String]| {
            let names = ["README", "src/", "src/deep/er/.projfs", ".projfs"];
            names.iter().all(|name| changed.iter().any(|changed| changed == name))
        };
        let (token, changed) = ask("none");
        assert!(is_everything(&changed), "{changed:?}");
        assert_eq!(ask(&token), (token.clone(), vec![]));
        std::fs::read(work.path("tree/src/f0")).unwrap();
        std::fs::write(work.path("tree/src/f1"), "x").unwrap();
        std::fs::remove_file(work.path("tree/lib/f0")).unwrap();
        std::fs::create_dir(work.path("tree/made")).unwrap();
        let (next, changed) = ask(&token);
        assert_eq!(changed, ["lib/f0", "made/", "made/.projfs", "src/f1"]);
        // Who writes on after the answer is told of again.
        let open = std::fs::OpenOptions::new().append(true).open(work.path("tree/doc/f0")).unwrap();
        let (while_open, changed) = ask(&next);
        assert_eq!(changed, ["doc/f0"]);
        assert_eq!(ask(&while_open).1, ["doc/f0"]);
        drop(open);
        let (moved, _) = ask(&while_open);
        std::fs::rename(work.path("tree/lib"), work.path("tree/moved")).unwrap();
        assert!(is_everything(&ask(&moved).1));
        let (linked, _) = ask(&moved);
        std::fs::hard_link(work.path("tree/doc/f0"), work.path("tree/doc/again")).unwrap();
        assert!(is_everything(&ask(&linked).1));
        // A token of another mount, and no mount.
        does(work, &["unmount", "tree"]);
        assert_eq!(ask(&linked).0, "none");
        does(work, &["worktree", "tree"]);
        assert!(is_everything(&ask(&linked).1));
        let mut old = work.command(&["git-fsmonitor", "1", "0"]);
        assert_eq!(old.current_dir(work.path("tree")).output().unwrap().status.code(), Some(2));
    });
}

#[test]
fn a_tree_is_removed_if_nothing_is_lost() {
    mounted("a_tree_is_removed_if_nothing_is_lost", |work| {
        repository(work);
        let settings = std::fs::read(work.path("origin/config")).unwrap();
        let before = said(work, "origin", &["for-each-ref"]);
        does(work, &["worktree", "-q", "--repo", "origin", "--detach", "tree", "base"]);
        assert!(does(work, &["list"]).contains("KiB"));
        std::fs::write(work.path("tree/README"), "mine\n").unwrap();
        let did = projfs(work, &["remove", "tree"]);
        assert!(did.code == 1 && did.err.contains("contains modified or untracked files"), "{did:?}");
        said(work, "origin", &["worktree", "lock", work.path("tree").to_str().unwrap()]);
        let did = projfs(work, &["remove", "--force", "tree"]);
        assert!(did.code == 1 && did.err.contains("is locked"), "{did:?}");
        does(work, &["remove", "-ff", "tree"]);
        assert!(!work.path("tree").exists());
        assert_eq!(said(work, "origin", &["worktree", "list"]).lines().count(), 1);
        assert_eq!(said(work, "origin", &["for-each-ref"]), before);
        assert_eq!(std::fs::read(work.path("origin/config")).unwrap(), settings);
        let did = projfs(work, &["remove", "origin"]);
        assert!(did.code == 1 && did.err.contains("no projected working tree"), "{did:?}");
    });
}

#[test]
fn a_clone_is_a_tree_and_a_repository_next_to_it() {
    mounted("a_clone_is_a_tree_and_a_repository_next_to_it", |work| {
        repository(work);
        does(work, &["clone", "-q", "--branch", "swap", "origin", "mine"]);
        assert_eq!(looked(work, "mine"), nothing());
        assert_eq!(said(work, "mine", &["branch", "--show-current"]), "swap\n");
        std::fs::write(work.path("mine/README"), "mine\n").unwrap();
        said(work, "mine", &["commit", "-qam", "mine"]);
        said(work, "mine", &["push", "-q", "origin", "swap"]);
        does(work, &["worktree", "-q", "--repo", "mine", "second", "origin/topic"]);
        assert_eq!(looked(work, "second"), nothing());
        does(work, &["remove", "second"]);
        does(work, &["remove", "mine"]);
        assert!(!work.path("mine").exists());
        assert_eq!(said(work, "mine.git", &["log", "-1", "--format=%s", "swap"]), "mine\n");
        work.fails(
            &["clone", "--separate-git-dir", "inside/x", "origin", "inside"],
            2,
            &["cannot be in its tree"],
        );
        assert!(!work.path("inside").exists());
        let did = projfs(work, &["clone", "-q", "no-such-repository", "other"]);
        assert!(did.code == 128 && !work.path("other").exists(), "{did:?}");
    });
}

#[test]
fn a_clone_from_elsewhere_fetches_what_is_read() {
    mounted("a_clone_from_elsewhere_fetches_what_is_read", |work| {
        repository(work);
        said(work, "origin", &["config", "uploadpack.allowFilter", "true"]);
        said(work, "origin", &["config", "uploadpack.allowAnySHA1InWant", "true"]);
        let url = format!("file://{}", work.path("origin").display());
        let missing = |dir: &str| {
            let all = ["rev-list", "--objects", "--missing=print", "HEAD"];
            said(work, dir, &all).lines().filter(|line| line.starts_with('?')).count()
        };
        does(work, &["clone", "-q", "--branch", "topic", &url, "mine"]);
        let before = missing("mine");
        assert!(before > 20, "{before} objects are missing");
        assert_eq!(looked(work, "mine"), nothing());
        assert_eq!(missing("mine"), before);
        assert_eq!(std::fs::read(work.path("mine/src/new")).unwrap(), b"made on topic\n");
        assert!(missing("mine") < before);
        std::fs::write(work.path("mine/src/new"), "made here\n").unwrap();
        assert_eq!(said(work, "mine", &["status", "--porcelain"]), " M src/new\n");
        said(work, "mine", &["commit", "-qam", "mine"]);
        // Sizes were not known when the index was written.
        let plain =
            ["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "status", "--porcelain"];
        assert_eq!(said(work, "mine", &plain), "");
        does(work, &["clone", "-q", "--no-filter", &url, "whole"]);
        assert_eq!(missing("whole"), 0);
    });
}

#[test]
fn files_that_a_checkout_converts_are_clean() {
    mounted("files_that_a_checkout_converts_are_clean", |work| {
        repository(work);
        said(work, "origin", &["config", "core.autocrlf", "true"]);
        std::fs::write(work.path("origin/info/attributes"), "f0 ident\nf1 working-tree-encoding=UTF-16LE\n")
            .unwrap();
        for hooks in [&[][..], &["--no-hooks"]] {
            does(
                work,
                &[&["worktree", "-q", "--repo", "origin", "--detach"], hooks, &["tree", "base"]].concat(),
            );
            let plain =
                ["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "status", "--porcelain"];
            assert_eq!(said(work, "tree", &["status", "--porcelain"]), "");
            assert_eq!(std::fs::read(work.path("tree/doc/note.txt")).unwrap(), b"a note\r\n");
            assert!(std::fs::read(work.path("tree/src/f1")).unwrap().starts_with(b"s\0r\0c\0"));
            assert_eq!(said(work, "tree", &plain), "");
            std::fs::write(work.path("tree/doc/note.txt"), "another\r\n").unwrap();
            assert_eq!(said(work, "tree", &["status", "--porcelain"]), " M doc/note.txt\n");
            said(work, "tree", &["checkout", "-q", "doc/note.txt"]);
            assert_eq!(said(work, "tree", &["status", "--porcelain"]), "");
            does(work, &["remove", "tree"]);
        }
    });
}

#[test]
fn ids_may_be_longer() {
    mounted("ids_may_be_longer", |work| {
        std::fs::create_dir_all(work.path("home")).unwrap();
        std::fs::create_dir_all(work.path("long/sub")).unwrap();
        said(work, "long", &["init", "-q", "--object-format=sha256", "."]);
        for name in ["long/a", "long/sub/b", "long/.gitignore"] {
            std::fs::write(work.path(name), "x\n").unwrap();
        }
        said(work, "long", &["add", "."]);
        assert!(git(work, &work.path("long"), &["commit", "-qm", "c"], THEN).status().unwrap().success());
        does(work, &["worktree", "-q", "--repo", "long", "tree"]);
        assert_eq!(looked(work, "tree"), nothing());
        std::fs::write(work.path("tree/sub/b"), "y\n").unwrap();
        assert_eq!(said(work, "tree", &["status", "--porcelain"]), " M sub/b\n");
    });
}

#[test]
fn an_ordinary_user_has_trees_too() {
    mounted("an_ordinary_user_has_trees_too", |work| {
        if Command::new("fusermount3").arg("-V").output().is_err() {
            return skipped("there is no fusermount3");
        }
        let device = std::fs::metadata("/dev/fuse").unwrap();
        if device.permissions().mode() & 0o006 != 0o006 {
            return skipped("/dev/fuse is for root only");
        }
        repository(work);
        let own = |path: &str| {
            std::fs::create_dir_all(work.path(path)).unwrap();
            let owned =
                Command::new("chown").args(["-R", "65534:65534"]).arg(work.path(path)).status().unwrap();
            assert!(owned.success());
        };
        own("home");
        own("origin");
        own("user");
        std::fs::create_dir_all(work.path("user/run")).unwrap();
        own("user");
        let open = |path: &Path| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        open(&work.path("."));
        let as_user = |mut command: Command| {
            let like = git(work, Path::new("."), &[], NOW);
            command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command.env("PROJFS_RUNTIME_DIR", work.path("user/run")).uid(NOBODY).gid(NOBODY);
            command.output().unwrap()
        };
        let done = as_user(work.command(&["worktree", "-q", "--repo", "origin", "user/tree", "base"]));
        assert!(done.status.success(), "{done:?}");
        let mut write = work.program("/bin/sh");
        write.args([
            "-c",
            "cd user/tree && git status --porcelain && echo x >> README && git status --porcelain",
        ]);
        let done = as_user(write);
        assert!(done.status.success(), "{done:?}");
        assert_eq!(String::from_utf8_lossy(&done.stdout), " M README\n", "{done:?}");
        let done = as_user(work.command(&["status", "--json", "user/tree"]));
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let (_, rest) = text.split_once("\"hydrated_files\":").unwrap();
        let fetched: usize =
            rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
        assert!(fetched <= 5, "{text}");
        let done = as_user(work.command(&["remove", "-f", "user/tree"]));
        assert!(done.status.success(), "{done:?}");
    });
}
