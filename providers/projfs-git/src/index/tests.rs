//! The judge of an index is `git`.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use projfs_types::Number;
use projfs_types::RelPath;

use super::*;

const OWNER: Owner = Owner { uid: 1234, gid: 4321 };

fn git(dir: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(dir).args(["-c", "user.name=n", "-c", "user.email=e@e"]).args(arguments);
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", "/nowhere")
        .env("GIT_COMMITTER_DATE", "1234567890 +0000");
    if dir.join("index.ours").exists() {
        command.env("GIT_INDEX_FILE", dir.join("index.ours"));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A commit whose names sort in every odd way, in a repository with such ids.
fn repository(format: &str) -> tempfile::TempDir {
    let made = tempfile::tempdir().unwrap();
    let dir = made.path();
    git(dir, &["init", "-q", &format!("--object-format={format}")]);
    for name in [
        "a/b/c",
        "a-b",
        "a.b/x",
        "a0",
        "dir/.gitignore",
        ".gitignore",
        ".gitattributes",
        "deep/er/still/f",
        "run",
    ] {
        fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
        fs::write(dir.join(name), "five\n").unwrap();
    }
    let long = format!("long/{}/{}", "x".repeat(200), "y".repeat(250));
    fs::create_dir_all(dir.join(&long).parent().unwrap()).unwrap();
    fs::write(dir.join(long), "").unwrap();
    fs::set_permissions(dir.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("a0", dir.join("link")).unwrap();
    git(dir, &["add", "-A"]);
    let id = "1".repeat(if format == "sha1" { 40 } else { 64 });
    git(dir, &["update-index", "--add", "--cacheinfo", &format!("160000,{id},sub")]);
    git(dir, &["commit", "-qm", "c"]);
    made
}

fn monitor(work_tree: &Path) -> Monitor {
    Monitor {
        token: b"1:2/3".to_vec(),
        untracked: Untracked {
            work_tree: work_tree.to_owned(),
            exclude: Some(b"*.o\n".to_vec()),
            excludes_file: None,
            shows_all: false,
            converted: HashSet::from([b"dir/.gitignore".to_vec()]),
        },
    }
}

#[test]
fn git_finds_what_it_has_committed() {
    for format in ["sha1", "sha256"] {
        let made = repository(format);
        let dir = made.path();
        let (listed, tree) = (git(dir, &["ls-files", "-s"]), git(dir, &["rev-parse", "HEAD^{tree}"]));
        let provider = GitProvider::open(dir, None).unwrap();
        let index = provider.index().unwrap();
        for monitor in [None, Some(&monitor(dir))] {
            fs::write(dir.join("index.ours"), index.encode(OWNER, monitor).unwrap()).unwrap();
            assert_eq!(git(dir, &["ls-files", "-s"]), listed);
            assert_eq!(git(dir, &["diff-index", "--cached", "HEAD"]), "");
            assert_eq!(git(dir, &["write-tree"]), tree);
            fs::remove_file(dir.join("index.ours")).unwrap();
        }
    }
}

#[test]
fn the_attributes_are_those_of_the_projection() {
    let made = repository("sha1");
    let dir = made.path();
    let provider = GitProvider::open(dir, None).unwrap();
    fs::write(dir.join("index.ours"), provider.index().unwrap().encode(OWNER, None).unwrap()).unwrap();
    let said = git(dir, &["ls-files", "--debug", "a/b/c"]);
    let number = Number::of_origin(&RelPath::new(b"a/b/c").unwrap().into()).0 as u32;
    for words in [
        "ctime: 1234567890:0\n".to_owned(),
        "mtime: 1234567890:0\n".to_owned(),
        format!("ino: {number}\n"),
        "uid: 1234\tgid: 4321\n".to_owned(),
        "size: 5\t".to_owned(),
    ] {
        assert!(said.contains(&words), "{words:?} is not in {said}");
    }
}

#[test]
fn an_index_of_attribute_files_has_nothing_else() {
    let made = repository("sha1");
    let dir = made.path();
    let provider = GitProvider::open(dir, None).unwrap();
    let index = provider.index().unwrap();
    assert_eq!(index.attribute_files().collect::<Vec<_>>(), [b".gitattributes"]);
    assert_eq!(index.ignore_files().collect::<Vec<_>>(), [&b".gitignore"[..], b"dir/.gitignore"]);
    fs::write(dir.join("index.ours"), index.encode_attribute_files(OWNER).unwrap()).unwrap();
    assert_eq!(git(dir, &["ls-files"]), ".gitattributes\n");
}

#[test]
fn a_commit_that_git_would_not_check_out_has_no_index() {
    let made = repository("sha1");
    let dir = made.path();
    let blob = git(dir, &["rev-parse", "HEAD:run"]);
    let entry = |name: &str| [b"100644 ", name.as_bytes(), &[0], &decoded(blob.trim())].concat();
    for name in [".git", ".GIT", ".."] {
        fs::write(dir.join("tree"), entry(name)).unwrap();
        let tree = git(dir, &["hash-object", "-t", "tree", "-w", "--literally", "tree"]);
        let commit = git(dir, &["commit-tree", "-m", "hostile", tree.trim()]);
        let provider = GitProvider::open(dir, Some(commit.trim())).unwrap();
        let error = provider.index().err().unwrap();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(error.kind() == crate::ErrorKind::Unreadable && cause.contains("invalid path"), "{cause}");
    }
}

fn decoded(id: &str) -> Vec<u8> {
    let digits = id.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
