//! Objects that are damaged never become content.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use projfs_provider::Provider;
use projfs_provider::ProviderErrorKind;
use projfs_testkit::provider_contract;
use projfs_types::VersionInfo;

use super::Repository;
use super::describe;
use super::path;
use super::read;
use crate::GitProvider;

/// Three files that do not compress, so that they are deltas of each other, and one beside them.
fn packed() -> Repository {
    let repository = Repository::init(&[]);
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let base: Vec<u8> = (0..5000).map(|_| noise()).collect();
    let more = |count| [&base[..], &vec![b'x'; count]].concat();
    repository.commit(&[
        ("100644", b"a", &more(300)),
        ("100644", b"b", &more(200)),
        ("100644", b"c", &more(100)),
        ("100644", b"d", &base),
    ]);
    repository.git(&["repack", "-adfq"]);
    repository
}

fn pack(repository: &Repository, extension: &str) -> PathBuf {
    let files = fs::read_dir(repository.path().join(".git/objects/pack")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let found = files.find(|file| file.extension().is_some_and(|end| end == extension)).unwrap();
    fs::set_permissions(&found, fs::Permissions::from_mode(0o644)).unwrap();
    found
}

#[test]
fn a_bit_that_flips_in_a_pack_is_an_error_or_changes_nothing() {
    let repository = packed();
    let good = GitProvider::open(repository.path(), None).unwrap();
    let names = [&b"a"[..], b"b", b"c", b"d"];
    let expected = names.map(|name| {
        let listed = describe(&good, name).unwrap().info;
        let content = read(&good, name, &listed).unwrap();
        (listed, content)
    });
    for extension in ["pack", "idx"] {
        let file = pack(&repository, extension);
        let whole = fs::read(&file).unwrap();
        let mut errors = 0;
        for at in (0..whole.len()).step_by(whole.len() / 150 + 1) {
            let mut bad = whole.clone();
            bad[at] ^= 1 << (at % 8);
            fs::write(&file, &bad).unwrap();
            let Ok(provider) = GitProvider::open(repository.path(), None) else {
                errors += 1;
                continue;
            };
            for (name, (listed, content)) in names.iter().zip(&expected) {
                match read(&provider, name, listed) {
                    Ok(found) => assert!(found == *content, "{extension} at {at}: wrong content"),
                    Err(error) => {
                        assert_eq!(error.kind, ProviderErrorKind::Io, "{error}");
                        errors += 1;
                    }
                }
            }
        }
        assert!(errors > 20, "{errors} errors in {extension}: nothing was damaged");
        fs::write(&file, &whole).unwrap();
    }
    // Nothing of it is remembered.
    for (name, (listed, content)) in names.iter().zip(&expected) {
        assert!(read(&good, name, listed).unwrap() == *content);
    }
}

#[test]
fn an_object_that_is_another_one_is_an_error() {
    let repository = Repository::init(&[]);
    repository.commit(&[("100644", b"file", b"right\n"), ("100644", b"sub/file", b"right too\n")]);
    repository.git(&["repack", "-adq"]);
    repository.git(&["config", "core.compression", "0"]);
    let id = |name: &str| repository.git(&["rev-parse", &format!("HEAD:{name}")]);
    let (file, sub) = (id("file"), id("sub"));
    let wrong = repository.git(&["rev-parse", "HEAD^{tree}"]);
    let packed = pack(&repository, "pack");
    let elsewhere = tempfile::tempdir().unwrap();
    let aside = elsewhere.path().join("aside.pack");
    fs::rename(&packed, &aside).unwrap();
    fs::remove_file(pack(&repository, "idx")).unwrap();
    repository.run(&["unpack-objects", "-q"], &fs::read(&aside).unwrap());
    let replace = |id: &str, kind: &str, content: &[u8]| {
        fs::remove_file(repository.object(id)).unwrap();
        repository.store_loose(id, &[format!("{kind} {}\0", content.len()).as_bytes(), content].concat());
    };
    replace(&file, "blob", b"wrong\n");
    replace(&sub, "tree", &repository.git_bytes(&["cat-file", "tree", &wrong]));
    let provider = GitProvider::open(repository.path(), None).unwrap();
    let listed = describe(&provider, b"file").unwrap().info;
    let error = read(&provider, b"file", &listed).unwrap_err();
    assert!(error.message.contains(&file) && error.message.contains("damaged"), "{error}");
    let request = provider_contract::request(path(b"sub"), &VersionInfo::default());
    let error = provider.enumerate(&request).unwrap_err();
    assert!(error.message.contains(&sub) && error.message.contains("damaged"), "{error}");
    replace(&file, "blob", b"right\n");
    assert_eq!(read(&provider, b"file", &listed).unwrap(), b"right\n", "it is read again once it is mended");
}
