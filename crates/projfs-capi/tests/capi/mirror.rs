//! `examples/mirror.c`: a provider written as for Windows, used through a mount.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::support::LANGUAGES;
use crate::support::Running;
use crate::support::Wide;
use crate::support::mounted;
use crate::support::package;

#[test]
fn a_provider_in_c_mirrors_a_directory() {
    mounted("a_provider_in_c_mirrors_a_directory", |dir| {
        let [program, source, root] = ["mirror", "source", "root"].map(|name| dir.join(name));
        LANGUAGES[0].program(Wide::Native, &package().join("examples/mirror.c"), &program);
        std::fs::create_dir_all(source.join("sub/deep")).unwrap();
        std::fs::create_dir(&root).unwrap();
        let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        for (name, content) in
            [("a_b", &b"one"[..]), ("aB", b"two"), ("sub/deep/\u{e4}\u{1f600}", &content), ("empty", b"")]
        {
            std::fs::write(source.join(name), content).unwrap();
        }
        std::fs::write(source.join("back\\slash"), "three").unwrap();
        std::os::unix::fs::symlink("sub\\deep", source.join("link")).unwrap();
        let many = source.join("many");
        std::fs::create_dir(&many).unwrap();
        // More than one callback can add.
        for number in 0..1750 {
            std::os::unix::fs::symlink("x", many.join(format!("{number:0255}"))).unwrap();
        }

        let provider = Running::start(&program, &[source.as_os_str(), root.as_os_str()]);
        assert_same(&source, &root);
        // What was listed is there under its own name, and nothing else is.
        assert!(!root.join("nothing").exists());
        std::fs::remove_file(root.join("a_b")).unwrap();
        std::fs::write(root.join("new"), "four").unwrap();
        assert!(!names(&root).contains(&b"a_b".to_vec()));
        assert!(names(&root).contains(&b"new".to_vec()));
        provider.stop();
        assert_eq!(std::fs::read(root.join("sub/deep/\u{e4}\u{1f600}")).unwrap(), content);
        let again = Running::start(&program, &[source.as_os_str(), root.as_os_str()]);
        assert!(!root.join("a_b").exists());
        again.stop();
    });
}

fn names(dir: &Path) -> Vec<Vec<u8>> {
    let mut names: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().as_bytes().to_vec()).collect();
    names.sort();
    names
}

fn assert_same(one: &Path, other: &Path) {
    assert_eq!(names(one), names(other), "in {}", other.display());
    for entry in std::fs::read_dir(one).unwrap() {
        let (one, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        let other = other.join(name);
        let [stat, shown] = [&one, &other].map(|path| path.symlink_metadata().unwrap());
        assert_eq!(stat.file_type(), shown.file_type(), "{}", other.display());
        // Windows counts in units of 100 ns.
        assert_eq!((stat.mtime(), stat.mtime_nsec() / 100), (shown.mtime(), shown.mtime_nsec() / 100));
        if stat.is_dir() {
            assert_same(&one, &other);
        } else if stat.is_symlink() {
            assert_eq!(std::fs::read_link(one).unwrap(), std::fs::read_link(other).unwrap());
        } else {
            assert_eq!(stat.len(), shown.len());
            assert_eq!(std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
        }
    }
}
