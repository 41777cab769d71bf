//! Partial clones: what is missing is fetched, together.

mod http;
mod remote;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::Barrier;
use std::time::Duration;
use std::time::Instant;

use projfs_provider::CancelToken;
use projfs_provider::Provider;
use projfs_provider::ProviderErrorKind;
use projfs_testkit::provider_contract;
use projfs_types::PlaceholderKind;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use self::remote::Remote;
use super::describe;
use super::path;
use super::read;
use crate::GitProvider;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// `count` files in each of these directories, each with a content of its own.
fn files(directories: &[&str], count: usize) -> BTreeMap<String, String> {
    let names =
        directories.iter().flat_map(|directory| (0..count).map(move |n| format!("{directory}/file{n:04}")));
    names.map(|name| (name.clone(), format!("content of {name}\n"))).collect()
}

/// Lists `directory` and all below it, and reads every file; gives how many.
fn read_all(provider: &GitProvider, directory: &RelPath, expected: &BTreeMap<String, String>) -> usize {
    let mut directories = vec![directory.to_owned()];
    let mut count = 0;
    while let Some(directory) = directories.pop() {
        let request = provider_contract::request(&directory, &VersionInfo::default());
        for item in provider.enumerate(&request).unwrap().into_vec() {
            let at = directory.join(&item.name);
            match item.info.kind {
                PlaceholderKind::Directory => directories.push(at),
                PlaceholderKind::Symlink { .. } => {}
                PlaceholderKind::File { .. } => {
                    let content = read(provider, at.as_bytes(), &item.info).unwrap();
                    assert_eq!(String::from_utf8(content).unwrap(), expected[&at.to_string()]);
                    count += 1;
                }
            }
        }
    }
    count
}

#[test]
fn a_directory_of_missing_files_is_one_fetch() {
    let files = files(&["a/b"], 700);
    let remote = Remote::new(&files);
    let clone = remote.clone_by(&remote.file_url(), "blob:none");
    let provider = GitProvider::open(clone.path(), None).unwrap();
    assert_eq!(remote.connections(), 0);
    assert_eq!(read_all(&provider, path(b"a"), &files), 700);
    assert!(remote.connections() <= 2, "{} fetches", remote.connections());
    // As good as a whole clone from here on, also for a new daemon.
    remote.disappear();
    let provider = GitProvider::open(clone.path(), None).unwrap();
    assert_eq!(read_all(&provider, path(b"a"), &files), 700);
}

#[test]
fn a_file_that_is_looked_up_brings_its_directory() {
    let files = files(&["a", "b"], 50);
    let remote = Remote::new(&files);
    let clone = remote.clone_by(&remote.file_url(), "blob:none");
    let provider = GitProvider::open(clone.path(), None).unwrap();
    for name in files.keys().filter(|name| name.starts_with("a/")) {
        let info = describe(&provider, name.as_bytes()).unwrap().info;
        assert_eq!(read(&provider, name.as_bytes(), &info).unwrap(), files[name].as_bytes());
    }
    assert_eq!(remote.connections(), 1);
    // Nobody walks yet: what is beside it is not fetched.
    remote.disappear();
    assert!(describe(&provider, b"b/file0000").is_err());
}

#[test]
fn a_walk_through_thousands_of_files_is_a_few_fetches() {
    let directories: Vec<_> = (0..250).map(|n| format!("d{}/e{n}", n % 10)).collect();
    let directories: Vec<_> = directories.iter().map(String::as_str).collect();
    let files = files(&directories, 20);
    let remote = Remote::new(&files);
    let clone = remote.clone_by(&remote.file_url(), "blob:none");
    let packs = clone.packs();
    let provider = GitProvider::open(clone.path(), None).unwrap();
    let count: usize = std::thread::scope(|scope| {
        let (provider, files) = (&provider, &files);
        let readers: Vec<_> = (0..10)
            .map(|n| scope.spawn(move || read_all(provider, path(format!("d{n}").as_bytes()), files)))
            .collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).sum()
    });
    assert_eq!(count, 5000);
    let (fetches, packs) = (remote.connections(), clone.packs() - packs);
    assert!(fetches <= 20 && packs <= 20, "{fetches} fetches, {packs} packs");
}

#[test]
fn those_who_want_the_same_share_a_fetch() {
    let files = files(&["a"], 10);
    let remote = Remote::new(&files);
    let clone = remote.clone_by(&remote.file_url(), "blob:none");
    let provider = GitProvider::open(clone.path(), None).unwrap();
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (provider, start) = (&provider, &start);
            scope.spawn(move || {
                start.wait();
                describe(provider, format!("a/file000{n}").as_bytes()).unwrap();
            });
        }
    });
    assert_eq!(remote.connections(), 1);
}

#[test]
fn prefetching_is_one_fetch() {
    let files = files(&["a/b", "a/c/d", "e", "f"], 30);
    let remote = Remote::new(&files);
    let clone = remote.clone_by(&remote.file_url(), "blob:none");
    let provider = GitProvider::open(clone.path(), None).unwrap();
    let wanted: Vec<RelPathBuf> =
        [&b"a"[..], b"e/file0001"].iter().map(|name| path(name).to_owned()).collect();
    provider.prefetch(&wanted, &CancelToken::new()).unwrap();
    assert_eq!((remote.connections(), clone.packs()), (1, 2));
    remote.disappear();
    assert_eq!(read_all(&provider, path(b"a"), &files), 60);
    assert!(describe(&provider, b"e/file0001").is_ok());
    assert!(describe(&provider, b"e/file0002").is_err());
    let nothing = [&b"no/such"[..], b"nothing"].map(|name| path(name).to_owned());
    assert!(provider.prefetch(&nothing, &CancelToken::new()).is_ok(), "they are passed over");
    let error = provider.prefetch(&[RelPathBuf::root()], &CancelToken::new()).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Io);
}

#[test]
fn other_filters_and_other_ways_to_the_remote() {
    let mut files = files(&["a", "b/c"], 30);
    files.insert("a/large".into(), "large\n".repeat(1000));
    files.insert("b/.gitattributes".into(), "* eol=crlf\n".into());
    let remote = Remote::new(&files);
    let http = http::Server::start(remote.path());
    let mut converted = files.clone();
    for (_, content) in converted.iter_mut().filter(|(name, _)| name.starts_with("b/")) {
        *content = content.replace('\n', "\r\n");
    }
    for (url, filter) in [
        (remote.file_url(), "tree:0"),
        (remote.file_url(), "blob:limit=100"),
        (remote.ssh_url(), "blob:none"),
        (http.url(), "blob:none"),
    ] {
        let clone = remote.clone_by(&url, filter);
        let packs = clone.packs();
        let provider = GitProvider::open(clone.path(), None).unwrap();
        assert_eq!(read_all(&provider, RelPath::root(), &converted), files.len(), "{url} {filter}");
        let packs = clone.packs() - packs;
        assert!((1..=5).contains(&packs), "{url} {filter}: {packs} fetches");
    }
}

#[test]
fn what_cannot_be_fetched_is_named_and_fetched_once_it_can_be() {
    let files = files(&["a", "b"], 5);
    let remote = Remote::new(&files);
    let clone = remote.clone_by(&remote.file_url(), "blob:none");
    let provider = GitProvider::open(clone.path(), None).unwrap();
    assert_eq!(read_all(&provider, path(b"a"), &files), 5);
    remote.disappear();
    let id = clone.git(&["rev-parse", "HEAD:b/file0003"]);
    let error = describe(&provider, b"b/file0003").unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Io);
    for words in [id.as_str(), "b/file0003", "does not appear to be a git repository", "origin"] {
        assert!(error.message.contains(words), "{words}: {error}");
    }
    assert!(!error.message.contains('\n'));
    // Nobody waits for a remote that is away: the next one is told at once.
    let start = Instant::now();
    for _ in 0..1000 {
        assert!(describe(&provider, b"b/file0004").is_err());
        if start.elapsed() > Duration::from_millis(500) {
            break;
        }
    }
    assert_eq!(read_all(&provider, path(b"a"), &files), 5);
    remote.come_back();
    let end = Instant::now() + PATIENCE;
    while describe(&provider, b"b/file0003").is_err() {
        assert!(Instant::now() < end, "it is not fetched again");
        std::thread::yield_now();
    }
    assert_eq!(read_all(&provider, path(b"b"), &files), 5);
}

#[test]
fn what_the_remote_has_lost_does_not_keep_the_rest() {
    let files = files(&["a"], 20);
    let remote = Remote::new(&files);
    let clone = remote.clone_by(&remote.file_url(), "blob:none");
    let lost = clone.git(&["rev-parse", "HEAD:a/file0007"]);
    remote.lose(&lost);
    let provider = GitProvider::open(clone.path(), None).unwrap();
    let info = describe(&provider, b"a/file0001").unwrap().info;
    assert_eq!(read(&provider, b"a/file0001", &info).unwrap(), files["a/file0001"].as_bytes());
    let error = describe(&provider, b"a/file0007").unwrap_err();
    assert!(error.message.contains(&lost) && error.message.contains("a/file0007"), "{error}");
    assert!(describe(&provider, b"a/file0008").is_ok());
}

#[test]
fn nothing_runs_on_when_the_projection_ends() {
    let files = files(&["a"], 3);
    let remote = Remote::new(&files);
    let clone = remote.clone_by(&remote.file_url(), "blob:none");
    remote.hang();
    let provider = Arc::new(GitProvider::open(clone.path(), None).unwrap());
    let cancel = CancelToken::new();
    let waiting = std::thread::spawn({
        let (provider, cancel) = (Arc::clone(&provider), cancel.clone());
        move || {
            let at = path(b"a/file0001").to_owned();
            let request = provider_contract::request_until(&at, &VersionInfo::default(), cancel);
            provider.placeholder_info(&request).unwrap_err().kind
        }
    });
    let process = remote.wait_until_it_hangs(PATIENCE);
    cancel.cancel();
    assert_eq!(waiting.join().unwrap(), ProviderErrorKind::Cancelled);
    assert!(process.exists(), "a fetch outlives one who gave up");
    drop(provider);
    let end = Instant::now() + PATIENCE;
    while process.exists() {
        assert!(Instant::now() < end, "the process runs on");
        std::thread::yield_now();
    }
}

#[test]
fn nothing_is_fetched_for_the_repository_of_somebody_else() {
    let files = files(&["a"], 3);
    let remote = Remote::new(&files);
    let clone = remote.clone_by(&remote.file_url(), "blob:none");
    if std::os::unix::fs::chown(clone.path().join(".git"), Some(65534), None).is_err() {
        projfs_testkit::skipped("only root can give a directory away");
        return;
    }
    let provider = GitProvider::open(clone.path(), None).unwrap();
    let error = describe(&provider, b"a/file0001").unwrap_err();
    assert!(error.message.contains("safe.directory") && error.message.contains("a/file0001"), "{error}");
    assert_eq!(remote.connections(), 0);
    assert!(fs::exists(clone.path()).unwrap());
}
