//! Repositories are made by the `git` program, which so is the judge of what is in them.

mod checkout;
mod damaged;
mod hostile;
mod open;
mod partial;
mod repository;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;

use projfs_provider::ProviderErrorKind;
use projfs_testkit::provider_contract;
use projfs_testkit::provider_contract::Snapshot;
use projfs_types::FileTimes;
use projfs_types::ItemKind;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;

use self::repository::Repository;
use super::*;

fn path(path: &[u8]) -> &RelPath {
    RelPath::new(path).unwrap()
}

fn describe(provider: &GitProvider, item: &[u8]) -> Result<ProjectedItem, ProviderError> {
    provider.placeholder_info(&provider_contract::request(path(item), &VersionInfo::default()))
}

fn read(provider: &GitProvider, item: &[u8], info: &PlaceholderInfo) -> Result<Vec<u8>, ProviderError> {
    provider_contract::fetch(provider, path(item), info, 0..info.size())
}

/// A work tree with a bit of everything, committed.
fn make(format: &str) -> Repository {
    let repository = Repository::init(&["--object-format", format]);
    let root = repository.path();
    fs::create_dir_all(root.join("a/b/c")).unwrap();
    for (name, content) in [
        ("README", &b"hello\n"[..]),
        ("empty", b""),
        ("a/b/c/deep", b"deep\0bytes\xff"),
        ("a.b", b"between a and a/"),
        ("a/Makefile", b"all:\n\techo\n"),
    ] {
        fs::write(root.join(name), content).unwrap();
    }
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    fs::write(root.join("large"), &large).unwrap();
    fs::write(root.join("large with a tail"), [&large[..], b"tail"].concat()).unwrap();
    fs::write(root.join("run"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(root.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"not \xff\x01 UTF-8")), "bytes").unwrap();
    fs::write(root.join("n".repeat(255)), "long name").unwrap();
    symlink("../b/c/deep", root.join("a/link")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink("t".repeat(4095), root.join("long target")).unwrap();
    let commit = "1".repeat(if format == "sha1" { 40 } else { 64 });
    repository.git(&["add", "-A"]);
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},a/module")]);
    repository.git(&["commit", "-qm", "first"]);
    repository
}

/// What `git` says is in the commit, against what was projected.
fn compare(repository: &Repository, snapshot: &Snapshot) {
    let mut expected = Vec::new();
    for line in repository.git_bytes(&["ls-tree", "-rtz", "HEAD"]).split(|&byte| byte == 0) {
        let Some(tab) = line.iter().position(|&byte| byte == b'\t') else { continue };
        let (fields, name) = (std::str::from_utf8(&line[..tab]).unwrap(), &line[tab + 1..]);
        let fields: Vec<_> = fields.split(' ').collect();
        let seen = &snapshot[path(name)];
        let content = || repository.git_bytes(&["cat-file", "blob", fields[2]]);
        match fields[0] {
            "100644" | "100755" => {
                assert!(seen.content == content(), "{:?}", path(name));
                assert_eq!(format!("100{:o}", seen.info.mode), fields[0]);
            }
            "120000" => {
                let target = content().into();
                assert_eq!(seen.info.kind, PlaceholderKind::Symlink { target });
            }
            "040000" | "160000" => assert_eq!(seen.info.kind, PlaceholderKind::Directory),
            mode => panic!("what is {mode}?"),
        }
        expected.push(RelPathBuf::new(name).unwrap());
    }
    expected.sort();
    assert!(snapshot.keys().eq(&expected), "other names are projected");
}

#[test]
fn it_keeps_the_contract_and_agrees_with_git() {
    for format in ["sha1", "sha256"] {
        let repository = make(format);
        let provider = GitProvider::open(repository.path(), None).unwrap();
        let loose = provider_contract::check(&provider);
        compare(&repository, &loose);

        repository.git(&["gc", "-q"]);
        let packed = provider_contract::check(&GitProvider::open(repository.path(), None).unwrap());
        assert!(packed == loose);
        assert!(provider_contract::check(&provider) == loose, "packed while it was projected");
        repository.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
        repository.git(&["repack", "-adfq"]);
        assert!(provider_contract::check(&provider) == loose, "packed again while it was projected");
    }
}

#[test]
fn all_times_are_the_committers() {
    let repository = make("sha1");
    let provider = GitProvider::open(repository.path(), None).unwrap();
    for item in [&b"README"[..], b"a", b"a/link", b"a/module"] {
        let times = describe(&provider, item).unwrap().info.times;
        assert_eq!(times, FileTimes::all(Timestamp::from_seconds(repository::TIME)));
    }
}

#[test]
fn a_mode_is_part_of_the_version() {
    let repository = make("sha1");
    let before = GitProvider::open(repository.path(), None).unwrap();
    repository.git(&["update-index", "--chmod=+x", "README"]);
    repository.git(&["commit", "-qm", "second"]);
    let after = GitProvider::open(repository.path(), None).unwrap();
    let version = |provider: &GitProvider, item: &[u8]| describe(provider, item).unwrap().info.version;
    assert_ne!(version(&before, b"README"), version(&after, b"README"));
    assert_eq!(version(&before, b"empty"), version(&after, b"empty"));
    assert_eq!(version(&before, b"a"), version(&after, b"a"));
}

#[test]
fn content_follows_the_version_of_the_placeholder() {
    let repository = make("sha1");
    let before = GitProvider::open(repository.path(), None).unwrap();
    let listed = describe(&before, b"README").unwrap();
    fs::write(repository.path().join("README"), "another length\n").unwrap();
    repository.git(&["commit", "-qam", "second"]);
    let after = GitProvider::open(repository.path(), None).unwrap();
    assert_eq!(read(&after, b"README", &listed.info).unwrap(), b"hello\n");
    let listed = describe(&after, b"README").unwrap();
    assert_eq!(read(&after, b"README", &listed.info).unwrap(), b"another length\n");
}

#[test]
fn a_submodule_is_an_empty_directory() {
    let repository = make("sha1");
    let provider = GitProvider::open(repository.path(), None).unwrap();
    assert_eq!(describe(&provider, b"a/module").unwrap().info.item_kind(), ItemKind::Directory);
    let request = provider_contract::request(path(b"a/module"), &VersionInfo::default());
    assert_eq!(provider.enumerate(&request).unwrap().into_vec(), []);
    assert_eq!(describe(&provider, b"a/module/x").unwrap_err().kind, ProviderErrorKind::NotFound);
}

#[test]
fn a_missing_object_is_named_and_the_rest_stays_usable() {
    let repository = make("sha1");
    let id = repository.git(&["rev-parse", "HEAD:a/Makefile"]);
    fs::remove_file(repository.object(&id)).unwrap();
    let provider = GitProvider::open(repository.path(), None).unwrap();
    let list = provider.enumerate(&provider_contract::request(path(b"a"), &VersionInfo::default()));
    for error in [list.unwrap_err(), describe(&provider, b"a/Makefile").unwrap_err()] {
        assert_eq!(error.kind, ProviderErrorKind::Io);
        assert!(error.message.contains(&id), "{error}");
        assert!(error.message.contains("a/Makefile"), "{error}");
        assert!(!error.message.contains('\n'), "{error}");
    }
    let deep = describe(&provider, b"a/b/c/deep").unwrap();
    assert_eq!(read(&provider, b"a/b/c/deep", &deep.info).unwrap(), b"deep\0bytes\xff");

    let tree = repository.git(&["rev-parse", "HEAD:a/b"]);
    fs::remove_file(repository.object(&tree)).unwrap();
    let provider = GitProvider::open(repository.path(), None).unwrap();
    let error = describe(&provider, b"a/b/c").unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Io);
    assert!(error.message.contains(&tree) && error.message.contains("a/b"), "{error}");
}

#[test]
fn a_corrupt_object_is_an_error_and_no_panic() {
    let repository = make("sha1");
    let file = repository.object(&repository.git(&["rev-parse", "HEAD:large"]));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let good = fs::read(&file).unwrap();
    let provider = GitProvider::open(repository.path(), None).unwrap();
    let listed = describe(&provider, b"large").unwrap();
    let half = good.len() / 2;
    for bad in [&good[..half], b"", b"not zlib", &[&good[..half], &[0; 9], &good[half + 9..]].concat()] {
        fs::write(&file, bad).unwrap();
        let error = read(&provider, b"large", &listed.info).unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Io);
        assert!(error.message.contains("large"), "{error}");
    }
}
