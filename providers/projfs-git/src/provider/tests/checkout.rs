//! Files are what `git` itself checks out.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use projfs_provider::Provider;
use projfs_provider::ProviderErrorKind;
use projfs_testkit::provider_contract;
use projfs_types::ItemName;
use projfs_types::PlaceholderKind;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use super::Repository;
use super::describe;
use super::path;
use super::read;
use crate::Content;
use crate::GitProvider;

/// An item of a work tree: a letter and the mode, and what is in it.
type Item = (String, Vec<u8>);

/// What `git` checks out of `HEAD`.
fn checked_out(repository: &Repository) -> BTreeMap<RelPathBuf, Item> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let place = tempfile::tempdir().unwrap();
    let place = place.path().join(COUNT.fetch_add(1, Ordering::Relaxed).to_string());
    repository.git(&["worktree", "add", "-q", "--detach", place.to_str().unwrap(), "HEAD"]);
    let mut items = BTreeMap::new();
    collect(&place, RelPath::root(), &mut items);
    items.remove(path(b".git"));
    items
}

fn collect(directory: &Path, below: &RelPath, items: &mut BTreeMap<RelPathBuf, Item>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let at = below.join(ItemName::new(name.as_bytes()).unwrap());
        let metadata = entry.path().symlink_metadata().unwrap();
        let item = if metadata.is_symlink() {
            ("l".into(), fs::read_link(entry.path()).unwrap().as_os_str().as_bytes().to_vec())
        } else if metadata.is_dir() {
            collect(&entry.path(), &at, items);
            ("d".into(), Vec::new())
        } else {
            let executable = metadata.permissions().mode() & 0o100 != 0;
            (if executable { "x" } else { "f" }.into(), fs::read(entry.path()).unwrap())
        };
        items.insert(at, item);
    }
}

/// What is projected of `HEAD`.
fn projected(repository: &Repository) -> BTreeMap<RelPathBuf, Item> {
    let provider = GitProvider::open(repository.path(), None).unwrap();
    let mut items = BTreeMap::new();
    let mut directories = vec![RelPathBuf::root()];
    while let Some(directory) = directories.pop() {
        let request = provider_contract::request(&directory, &VersionInfo::default());
        for listed in provider.enumerate(&request).unwrap().into_vec() {
            let at = directory.join(&listed.name);
            assert_eq!(describe(&provider, at.as_bytes()).unwrap(), listed);
            let item = match &listed.info.kind {
                PlaceholderKind::Symlink { target } => ("l".into(), target.to_vec()),
                PlaceholderKind::Directory => {
                    directories.push(at.clone());
                    ("d".into(), Vec::new())
                }
                PlaceholderKind::File { .. } => {
                    let kind = if listed.info.mode & 0o100 != 0 { "x" } else { "f" };
                    (kind.into(), read(&provider, at.as_bytes(), &listed.info).unwrap())
                }
            };
            items.insert(at, item);
        }
    }
    items
}

fn agrees(repository: &Repository, what: &str) -> BTreeMap<RelPathBuf, Item> {
    let (expected, found) = (checked_out(repository), projected(repository));
    assert!(expected.keys().eq(found.keys()), "{what}: {:?} {:?}", expected.keys(), found.keys());
    for (path, item) in &expected {
        let words = |(kind, content): &Item| format!("{kind} {:?}", String::from_utf8_lossy(content));
        assert_eq!(words(&found[path]), words(item), "{what}: {path:?}");
    }
    expected
}

const CONTENTS: [(&str, &[u8]); 14] = [
    ("lf", b"one\ntwo\n"),
    ("crlf", b"one\r\ntwo\r\n"),
    ("mixed", b"one\r\ntwo\n"),
    ("lone", b"one\rtwo\n"),
    ("nul", b"one\0two\n"),
    ("control", b"\x01\x02\x03\nx\n"),
    ("eof", b"one\n\x1a"),
    ("escape", b"\x1b[1mone\n\x1b[0m\n"),
    ("tail", b"one\ntwo"),
    ("empty", b""),
    ("id", b"/* $Id$ */\n$Id: old $\n$Id: file,v 1 2 $\n"),
    ("latin", "h\u{e9} \u{20ac}\n".as_bytes()),
    ("utf8", "h\u{e9}\n\u{1f600}\n".as_bytes()),
    ("bad", b"h\xe9\n"),
];

/// Names of files, by which the attributes are given, and those.
const ATTRIBUTES: [(&str, &str); 30] = [
    ("plain", ""),
    ("text", "text"),
    ("notext", "-text"),
    ("auto", "text=auto"),
    ("crlf", "eol=crlf"),
    ("lf", "eol=lf"),
    ("textcrlf", "text eol=crlf"),
    ("autocrlf", "text=auto eol=crlf"),
    ("autolf", "text=auto eol=lf"),
    ("notextcrlf", "-text eol=crlf"),
    ("old", "crlf"),
    ("notold", "-crlf"),
    ("oldinput", "crlf=input"),
    ("binary", "binary"),
    ("notbinary", "eol=crlf binary"),
    ("ident", "ident"),
    ("identcrlf", "ident eol=crlf"),
    ("macro", "everything"),
    ("notmacro", "-everything"),
    ("inner", "useless"),
    ("utf16", "working-tree-encoding=UTF-16"),
    ("utf16bom", "working-tree-encoding=UTF-16LE-BOM eol=crlf"),
    ("utf16be", "text working-tree-encoding=utf-16be"),
    ("utf32", "working-tree-encoding=UTF-32"),
    ("latin", "working-tree-encoding=ISO-8859-1"),
    ("sjis", "working-tree-encoding=SHIFT-JIS"),
    ("upper", "filter=upper eol=crlf"),
    ("broken", "filter=broken"),
    ("nofilter", "filter=unknown"),
    ("noset", "filter"),
];

#[test]
fn content_is_what_git_checks_out() {
    for format in ["sha1", "sha256"] {
        let repository = Repository::init(&["--object-format", format]);
        let mut lines = "[attr]everything text eol=crlf ident\n".to_owned();
        for (name, attributes) in ATTRIBUTES {
            lines += &format!("{name}-* {attributes}\n");
        }
        let names: Vec<_> = ATTRIBUTES
            .iter()
            .flat_map(|(name, _)| {
                CONTENTS.iter().map(move |(kind, content)| (format!("{name}-{kind}"), *content))
            })
            .collect();
        let mut files: Vec<(&str, &[u8], &[u8])> = vec![("100644", b".gitattributes", lines.as_bytes())];
        files.extend(names.iter().map(|(name, content)| ("100755", name.as_bytes(), *content)));
        repository.commit(&files);
        repository.git(&["config", "filter.upper.smudge", "tr a-z A-Z"]);
        repository.git(&["config", "filter.broken.smudge", "echo half; false"]);
        let all = ["true", "false", "input"];
        // The other format differs in the ids only.
        for autocrlf in &all[..if format == "sha1" { 3 } else { 1 }] {
            for eol in ["native", "crlf", "lf"] {
                repository.git(&["config", "core.safecrlf", "false"]);
                repository.git(&["config", "core.autocrlf", autocrlf]);
                // These two contradict each other.
                if *autocrlf == "input" && eol == "crlf" {
                    continue;
                }
                repository.git(&["config", "core.eol", eol]);
                agrees(&repository, &format!("{format} autocrlf={autocrlf} eol={eol}"));
            }
        }
    }
}

#[test]
fn attributes_of_all_places_are_heard_in_order() {
    let repository = Repository::init(&[]);
    let user = repository.path().join("user");
    fs::write(&user, "[attr]own eol=crlf\n*.user own\n*.top eol=crlf\n*.info eol=crlf\n").unwrap();
    repository.git(&["config", "core.attributesFile", user.to_str().unwrap()]);
    fs::create_dir_all(repository.path().join(".git/info")).unwrap();
    fs::write(
        repository.path().join(".git/info/attributes"),
        "[attr]late eol=crlf\n*.info -text\n*.late late\n",
    )
    .unwrap();
    let long = format!("# {}\n*.long eol=crlf {}\n", "x".repeat(3000), "y ".repeat(1500));
    let text = b"one\ntwo\n";
    let mut files: Vec<(&str, &[u8], &[u8])> = vec![
        ("100644", b".gitattributes", b"*.top eol=lf\n*.deep eol=lf\n/anchored eol=crlf\na/b/*.path eol=crlf\n\"q\\\"*\" eol=crlf\nb/ eol=crlf\n*.info eol=lf\n"),
        ("100644", b"a/.gitattributes", b"[attr]inner eol=crlf\n*.inner inner\n*.deep eol=crlf\n*.info eol=crlf\n"),
        ("100644", b"a/b/.gitattributes", b"*.deep !eol\nc/*.sub eol=crlf\n**/far eol=crlf\n[!x]*.class eol=crlf\n"),
        ("120000", b"a/link/.gitattributes", b"../../a/.gitattributes"),
        ("100644", b"long/.gitattributes", long.as_bytes()),
        ("100644", b"q\"x", text),
        ("100644", b"A.TOP", text),
    ];
    let names: Vec<_> = ["", "a/", "a/b/", "a/b/c/", "a/link/", "long/", "x/"]
        .iter()
        .flat_map(|place| {
            let names = [
                "n.user", "n.top", "n.info", "n.late", "n.deep", "n.inner", "n.path", "n.sub", "far",
                "n.class", "anchored", "n.long",
            ];
            names.map(|name| format!("{place}{name}"))
        })
        .collect();
    files.extend(names.iter().map(|name| ("100644", name.as_bytes(), &text[..])));
    repository.commit(&files);
    let found = agrees(&repository, "case");
    let converted = found.values().filter(|(_, content)| content == b"one\r\ntwo\r\n").count();
    assert!(converted > 20 && converted + 20 < names.len(), "{converted} of {}", names.len());
    repository.git(&["config", "core.ignoreCase", "true"]);
    agrees(&repository, "no case");
}

#[test]
fn links_modes_and_submodules_are_what_git_checks_out() {
    let repository = Repository::init(&[]);
    repository.git(&["config", "core.autocrlf", "true"]);
    repository.commit(&[
        ("100644", b"file", b"one\n"),
        ("100755", b"run", b"#!/bin/sh\n"),
        ("120000", b"link", b"file"),
        ("120000", b"absolute", b"/etc/passwd"),
        ("120000", b"lines", b"one\ntwo\n"),
    ]);
    let commit = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},module")]);
    repository.git(&["commit", "-qm", "a submodule"]);
    let found = agrees(&repository, "links");
    assert_eq!(found[path(b"absolute")], ("l".into(), b"/etc/passwd".to_vec()));
    repository.git(&["config", "core.symlinks", "false"]);
    let found = agrees(&repository, "no links");
    assert_eq!(found[path(b"lines")], ("f".into(), b"one\ntwo\n".to_vec()));
    assert_eq!(found[path(b"module")].0, "d");
}

#[test]
fn what_a_filter_that_is_required_cannot_do_is_an_error() {
    let repository = Repository::init(&[]);
    repository.commit(&[
        ("100644", b".gitattributes", b"bad/* filter=bad\nnone/* filter=none\n"),
        ("100644", b"bad/file", b"content"),
        ("100644", b"none/file", b"content"),
        ("100644", b"good", b"content"),
    ]);
    for name in ["bad", "none"] {
        repository.git(&["config", &format!("filter.{name}.required"), "true"]);
    }
    repository.git(&["config", "filter.bad.smudge", "echo half; exit 3"]);
    let provider = GitProvider::open(repository.path(), None).unwrap();
    for name in [&b"bad/file"[..], b"none/file"] {
        let error = describe(&provider, name).unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Io);
        assert!(error.message.contains("filter") && error.message.contains("file"), "{error}");
    }
    assert_eq!(describe(&provider, b"good").unwrap().info.size(), 7);
}

#[test]
fn a_placeholder_stays_what_it_was_when_attributes_change() {
    let repository = Repository::init(&[]);
    repository
        .commit(&[("100644", b".gitattributes", b"* eol=crlf ident\n"), ("100644", b"file", b"one\n$Id$\n")]);
    let before = GitProvider::open(repository.path(), None).unwrap();
    let listed = describe(&before, b"file").unwrap().info;
    let content = read(&before, b"file", &listed).unwrap();
    repository.commit(&[("100644", b"file", b"one\n$Id$\n")]);
    let after = GitProvider::open(repository.path(), None).unwrap();
    let now = describe(&after, b"file").unwrap().info;
    assert_ne!(now.version, listed.version);
    assert_eq!(read(&after, b"file", &listed).unwrap(), content);
    assert_eq!(read(&after, b"file", &now).unwrap(), b"one\n$Id$\n");
}

#[test]
fn content_is_as_it_is_stored_if_that_is_asked_for() {
    let repository = Repository::init(&[]);
    repository.commit(&[("100644", b".gitattributes", b"* eol=crlf\n"), ("100644", b"file", b"one\n")]);
    let provider = GitProvider::open_as(repository.path(), None, Content::Stored).unwrap();
    let listed = describe(&provider, b"file").unwrap().info;
    assert_eq!(read(&provider, b"file", &listed).unwrap(), b"one\n");
    assert!(matches!(listed.kind, PlaceholderKind::File { size: 4 }));
}

/// Stands for Git LFS: it has one file, says when it was asked for it, and fails while there is no such file.
const LFS: &str = "#!/bin/sh\nset -e\necho \"$2\" >> ASKED\ncat > /dev/null\ncat STORE\n";

#[test]
fn a_file_of_lfs_has_its_size_at_once_and_its_content_when_it_is_read() {
    let repository = Repository::init(&[]);
    let place = |name: &str| repository.path().join(".git").join(name);
    let script = LFS.replace("ASKED", place("asked").to_str().unwrap());
    let program = place("git-lfs");
    fs::write(&program, script.replace("STORE", place("store").to_str().unwrap())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 3000000\n");
    repository.commit(&[
        ("100644", b".gitattributes", b"*.bin filter=lfs diff=lfs merge=lfs -text\n"),
        ("100644", b"big file.bin", pointer.as_bytes()),
    ]);
    // Not installed: the pointer is the file.
    agrees(&repository, "no driver");
    repository.git(&["config", "filter.lfs.smudge", &format!("{} smudge %f", program.display())]);
    repository.git(&["config", "filter.lfs.required", "true"]);

    let provider = GitProvider::open(repository.path(), None).unwrap();
    let listed = describe(&provider, b"big file.bin").unwrap().info;
    assert_eq!(listed.size(), 3_000_000);
    assert!(!place("asked").exists(), "the size is in the pointer");
    let error = read(&provider, b"big file.bin", &listed).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Io);
    assert!(error.message.contains("big file.bin") && error.message.contains("lfs"), "{error}");
    fs::write(place("store"), vec![b'x'; 3_000_000]).unwrap();
    assert_eq!(read(&provider, b"big file.bin", &listed).unwrap(), vec![b'x'; 3_000_000]);
    assert_eq!(fs::read_to_string(place("asked")).unwrap(), "big file.bin\n".repeat(2));
    // Of another size than was announced.
    fs::write(place("store"), vec![b'x'; 3_000_001]).unwrap();
    assert!(read(&provider, b"big file.bin", &listed).is_err());
    // What may leave a pointer as it is is asked, and its word holds.
    repository.git(&["config", "lfs.fetchExclude", "*"]);
    fs::write(place("store"), &pointer).unwrap();
    agrees(&repository, "excluded");
    repository.git(&["config", "--unset", "lfs.fetchExclude"]);
    repository.commit(&[
        ("100644", b".gitattributes", b"*.bin filter=lfs diff=lfs merge=lfs -text\n"),
        ("100644", b".lfsconfig", b"[lfs]\n\tfetchexclude = *\n"),
        ("100644", b"big file.bin", pointer.as_bytes()),
    ]);
    agrees(&repository, "excluded by the commit");
    // Those who want pointers get them.
    repository.git(&["config", "filter.lfs.smudge", "cat # git-lfs smudge --skip"]);
    agrees(&repository, "skipped");
}

/// A filter that runs on, in the protocol of `filter.<driver>.process`: it turns content around, and notes that it started.
const PROCESS: &str = r#"
import sys
open(sys.argv[1], "a").write("started\n")
i, o = sys.stdin.buffer, sys.stdout.buffer
def get():
    n = i.read(4)
    if not n: sys.exit(0)
    n = int(n, 16)
    return i.read(n - 4) if n else None
def all():
    r = []
    while (p := get()) is not None: r.append(p)
    return r
def put(*ps):
    for p in ps: o.write(b"%04x" % (len(p) + 4) + p)
    o.write(b"0000"); o.flush()
all(); put(b"git-filter-server\n", b"version=2\n")
all(); put(b"capability=smudge\n")
while True:
    head = all(); body = b"".join(all())
    put(b"status=success\n")
    put(*[body[::-1][n:n + 60000] for n in range(0, len(body), 60000)])
    put()
"#;

#[test]
fn a_filter_process_serves_many_files() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        projfs_testkit::skipped("there is no python3");
        return;
    }
    let repository = Repository::init(&[]);
    let script = repository.path().join(".git/filter.py");
    let log = repository.path().join(".git/log");
    fs::write(&script, PROCESS).unwrap();
    let command = format!("python3 {} {}", script.display(), log.display());
    repository.git(&["config", "filter.around.process", &command]);
    let large: Vec<u8> = (0..150_000_u32).map(|n| n as u8).collect();
    let names: Vec<_> = (0..20).map(|n| format!("file{n}")).collect();
    let mut files: Vec<(&str, &[u8], &[u8])> =
        vec![("100644", b".gitattributes", b"file* filter=around eol=crlf\n")];
    files.extend(names.iter().map(|name| ("100644", name.as_bytes(), name.as_bytes())));
    files.push(("100644", b"file large", &large));
    repository.commit(&files);
    agrees(&repository, "process");
    fs::remove_file(&log).unwrap();
    let provider = GitProvider::open(repository.path(), None).unwrap();
    for name in &names {
        let listed = describe(&provider, name.as_bytes()).unwrap().info;
        let content: Vec<_> = name.bytes().rev().collect();
        assert_eq!(read(&provider, name.as_bytes(), &listed).unwrap(), content);
    }
    assert_eq!(fs::read_to_string(&log).unwrap(), "started\n");
    assert_eq!(provider.traits(), provider.traits());
}
