use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use projfs_provider::ProviderErrorKind;
use projfs_testkit::provider_contract;
use projfs_types::PlaceholderKind;
use projfs_types::RelPath;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;

use super::*;

fn path(path: &[u8]) -> &RelPath {
    RelPath::new(path).unwrap()
}

fn describe(provider: &DirProvider, item: &[u8]) -> Result<ProjectedItem, ProviderErrorKind> {
    let request = provider_contract::request(path(item), &VersionInfo::default());
    provider.placeholder_info(&request).map_err(|error| error.kind)
}

fn read(provider: &DirProvider, item: &[u8], listed: &ProjectedItem) -> Result<Vec<u8>, ProviderError> {
    provider_contract::fetch(provider, path(item), &listed.info, 0..listed.info.size())
}

fn make_source(root: &Path) {
    fs::create_dir_all(root.join("a/b/c")).unwrap();
    fs::write(root.join("a/b/file"), "content\n").unwrap();
    fs::write(root.join("empty"), "").unwrap();
    let large: Vec<u8> = (0..700_000_u32).map(|n| (n % 251) as u8).collect();
    fs::write(root.join("large"), large).unwrap();
    fs::write(root.join(OsStr::from_bytes(b"not \xff UTF-8")), "bytes").unwrap();
    fs::write(root.join("n".repeat(255)), "long").unwrap();
    symlink("../elsewhere", root.join("a/link")).unwrap();
    symlink("a", root.join("to a")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
}

#[test]
fn it_keeps_the_contract() {
    let source = tempfile::tempdir().unwrap();
    make_source(source.path());
    let snapshot = provider_contract::check(&DirProvider::open(source.path()).unwrap());
    assert_eq!(snapshot.len(), 10);
    assert_eq!(snapshot[path(b"a/b/file")].content, b"content\n");
    assert_eq!(snapshot[path(b"not \xff UTF-8")].content, b"bytes");
    assert_eq!(snapshot[path(b"large")].content, fs::read(source.path().join("large")).unwrap());
    let target = b"../elsewhere".as_slice().into();
    assert_eq!(snapshot[path(b"a/link")].info.kind, PlaceholderKind::Symlink { target });
}

#[test]
fn metadata_is_the_sources_without_the_right_to_become_another_user() {
    let source = tempfile::tempdir().unwrap();
    let file = source.path().join("file");
    fs::write(&file, "x").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o6751)).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 123_456_789);
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    let item = describe(&DirProvider::open(source.path()).unwrap(), b"file").unwrap();
    assert_eq!(item.info.mode, 0o751);
    assert_eq!(item.info.times.write, Timestamp { seconds: 1_000_000_000, nanoseconds: 123_456_789 });
}

#[test]
fn links_are_never_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let source = tempfile::tempdir().unwrap();
    symlink(outside.path(), source.path().join("out")).unwrap();
    symlink(outside.path().join("secret"), source.path().join("file")).unwrap();
    let provider = DirProvider::open(source.path()).unwrap();
    assert_eq!(describe(&provider, b"out/secret"), Err(ProviderErrorKind::NotFound));
    let link = describe(&provider, b"file").unwrap();
    assert!(read(&provider, b"file", &link).is_err());
}

#[test]
fn a_directory_that_became_a_link_out_is_not_followed() {
    let source = tempfile::tempdir().unwrap();
    fs::create_dir(source.path().join("dir")).unwrap();
    fs::write(source.path().join("dir/passwd"), "mine").unwrap();
    let provider = DirProvider::open(source.path()).unwrap();
    let listed = describe(&provider, b"dir/passwd").unwrap();
    fs::remove_dir_all(source.path().join("dir")).unwrap();
    symlink("/etc", source.path().join("dir")).unwrap();
    let error = read(&provider, b"dir/passwd", &listed).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::NotFound);
}

#[test]
fn a_file_that_changed_since_it_was_listed_is_not_delivered() {
    let source = tempfile::tempdir().unwrap();
    let file = source.path().join("file");
    fs::write(&file, "one").unwrap();
    let provider = DirProvider::open(source.path()).unwrap();
    let listed = describe(&provider, b"file").unwrap();
    assert_eq!(read(&provider, b"file", &listed).unwrap(), b"one");

    // Replaced by another file of the same size and time.
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(source.path().join("new"), "two").unwrap();
    fs::rename(source.path().join("new"), &file).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    let error = read(&provider, b"file", &listed).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Io);
    assert!(error.message.contains("changed since it was listed"), "{error}");

    let listed = describe(&provider, b"file").unwrap();
    assert_eq!(read(&provider, b"file", &listed).unwrap(), b"two");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_delivered() {
    struct Changes(std::path::PathBuf);
    impl projfs_provider::DataTarget for Changes {
        fn write_at(&self, _: u64, _: &[u8]) -> std::io::Result<()> {
            fs::OpenOptions::new().append(true).open(&self.0)?.set_len(1_000_000)
        }
    }
    let source = tempfile::tempdir().unwrap();
    let file = source.path().join("file");
    fs::write(&file, vec![7; 600_000]).unwrap();
    let provider = DirProvider::open(source.path()).unwrap();
    let listed = describe(&provider, b"file").unwrap();
    let sink = DataSink::new(std::sync::Arc::new(Changes(file)), 600_000, Default::default());
    let request = provider_contract::request(path(b"file"), &listed.info.version);
    let error = provider.file_data(&request, 0..600_000, &sink).unwrap_err();
    assert!(error.message.contains("changed since it was listed"), "{error}");
}

#[test]
fn what_cannot_be_opened_is_named() {
    let source = tempfile::tempdir().unwrap();
    let missing = source.path().join("missing");
    let error = DirProvider::open(&missing).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(error.to_string().contains(missing.to_str().unwrap()), "{error}");
    fs::write(&missing, "").unwrap();
    assert_eq!(DirProvider::open(&missing).unwrap_err().kind(), std::io::ErrorKind::NotADirectory);
}
