//! Roots are found above a path, mounted or not, and nothing below them is looked at.

use super::*;

fn entry(path: &Path) -> MountEntry {
    MountEntry { path: path.to_owned(), source: "dir:/x".into(), owner: 0 }
}

#[test]
fn the_mount_above_a_path_is_found_through_links() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    let tree = real.join("tree");
    std::fs::create_dir(&tree).unwrap();
    std::os::unix::fs::symlink(&tree, real.join("link")).unwrap();
    let mounts = [entry(&tree)];
    let located = Located::find_in(&real.join("link/not/there/../here"), &mounts).unwrap();
    assert_eq!(located.root, tree);
    assert_eq!(located.path.as_bytes(), b"not/here");
    assert_eq!(located.mount, Some(entry(&tree)));
    assert!(Located::find_in(&tree, &mounts).unwrap().path.is_root());
}

#[test]
fn a_root_that_is_not_mounted_is_known_by_its_mark() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(real.join("tree/.projfs")).unwrap();
    std::fs::write(real.join("tree/.projfs/instance"), "").unwrap();
    let located = Located::find_in(&real.join("tree/a/b"), &[]).unwrap();
    assert_eq!((located.root, located.path.as_bytes()), (real.join("tree"), &b"a/b"[..]));
    assert_eq!(located.mount, None);
    let nowhere = Located::find_in(&real, &[]).unwrap_err();
    assert!(nowhere.message.contains("is in no root"), "{nowhere}");
}
