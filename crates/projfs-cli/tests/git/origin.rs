//! The repository of which there are two clones.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Makes a bare repository at `dir` with branches that differ in every way branches differ.
pub(super) fn make(dir: &Path, git: &dyn Fn(&Path, &[&str]) -> Command) {
    let work = dir.with_extension("work");
    std::fs::create_dir_all(&work).unwrap();
    let run = |arguments: &[&str]| {
        let output = git(&work, arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    let write = |path: &str, text: &str| {
        let path = work.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let mode = |path: &str, mode| {
        std::fs::set_permissions(work.join(path), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let commit = |words: &str| {
        run(&["add", "-A"]);
        run(&["commit", "-qm", words]);
    };
    run(&["init", "-q", "-b", "main"]);
    for dir in ["src", "src/deep/er", "lib", "lib/sub", "doc", "tools"] {
        for n in 0..4 {
            let text: String = (0..30).map(|line| format!("{dir} file {n} line {line}\n")).collect();
            write(&format!("{dir}/f{n}"), &text);
        }
    }
    write("README", "read me\nread me twice\n");
    write("empty", "");
    write("name with spaces/a file", "spaces\n");
    write("name with spaces/\u{e4}\u{f6}", "letters\n");
    write("dir.x/a", "sorts before\n");
    write("dir/a", "sorts after\n");
    write("dir0", "sorts last\n");
    write(".gitignore", "*.o\n/build/\n");
    write("src/.gitignore", "*.tmp\n!keep.tmp\n");
    write("doc/.gitignore", "");
    write(".gitattributes", "*.txt text=auto\n");
    write("doc/note.txt", "a note\n");
    write("tools/run", "#!/bin/sh\n");
    mode("tools/run", 0o755);
    std::os::unix::fs::symlink("README", work.join("link")).unwrap();
    std::os::unix::fs::symlink("../lib", work.join("src/lib")).unwrap();
    commit("base");
    run(&["tag", "base"]);
    write("README", "read me\nread me thrice\n");
    write("src/f0", "rewritten\n");
    commit("second on main");

    let branch = |name: &str| run(&["checkout", "-q", "-b", name, "base"]);
    branch("topic");
    write("src/f1", "of topic\n");
    write("README", "read me on topic\nread me twice\n");
    commit("topic: one");
    write("src/new", "made on topic\n");
    std::fs::remove_file(work.join("lib/f2")).unwrap();
    commit("topic: two");
    branch("swap");
    std::fs::remove_dir_all(work.join("lib/sub")).unwrap();
    write("lib/sub", "a file where a directory was\n");
    std::fs::remove_file(work.join("dir0")).unwrap();
    write("dir0/in/side", "a directory where a file was\n");
    std::fs::remove_file(work.join("link")).unwrap();
    write("link/now", "a directory where a link was\n");
    std::fs::remove_file(work.join("doc/f0")).unwrap();
    std::os::unix::fs::symlink("f1", work.join("doc/f0")).unwrap();
    commit("swap");
    branch("moved");
    std::fs::rename(work.join("src/deep"), work.join("deep")).unwrap();
    std::fs::rename(work.join("tools/f1"), work.join("tools/g1")).unwrap();
    commit("moved");
    branch("modes");
    mode("tools/run", 0o644);
    mode("src/f2", 0o755);
    mode("README", 0o755);
    commit("modes");
    branch("ignores");
    write(".gitignore", "*.o\n*.log\nout/\n");
    write("src/.gitignore", "*.tmp\n");
    write("lib/.gitignore", "gen*\n");
    write(".gitattributes", "*.txt text eol=lf\n*.bin -text\n");
    commit("ignores");
    branch("conflict");
    write("README", "read me in conflict\nread me twice\n");
    write("src/f0", "in conflict\n");
    std::fs::remove_file(work.join("src/f1")).unwrap();
    commit("conflict");
    let bare = git(&work, &["clone", "-q", "--bare", "."]).arg(dir).output().unwrap();
    assert!(bare.status.success(), "{bare:?}");
}
