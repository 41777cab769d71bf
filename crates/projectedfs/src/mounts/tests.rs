//! The mount table is read as the kernel writes it.

use super::*;

const TABLE: &[u8] = b"\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
90 22 0:50 / /home/me/a\\040tree rw,nosuid - fuse.projfs git:/repo\\134x@v1 rw,user_id=1000,group_id=1000,default_permissions
91 22 0:51 / /srv/other rw shared:3 master:1 - fuse.sshfs host:/ rw,user_id=0
92 22 0:52 / /srv/hidden rw - fuse.projfs dir:/a rw,user_id=0
93 92 0:53 / /srv/hidden rw - tmpfs tmpfs rw
94 22 0:54 / /srv/twice rw - fuse.projfs dir:/a rw
95 94 0:55 / /srv/twice rw - fuse.projfs dir:/b rw
";

#[test]
fn finds_ours_and_what_they_show() {
    let expected = [
        MountEntry { path: "/home/me/a tree".into(), source: "git:/repo\\x@v1".into(), owner: 1000 },
        MountEntry { path: "/srv/twice".into(), source: "dir:/b".into(), owner: 0 },
    ];
    assert_eq!(parse(TABLE), expected);
}

#[test]
fn takes_nothing_from_lines_of_another_shape() {
    assert_eq!(parse(b""), []);
    assert_eq!(parse(b"\n- - -\n22 1 - fuse.projfs\n"), []);
    assert_eq!(unescape(b"\\04"), PathBuf::from("\\04"));
    assert_eq!(unescape(b"\\999"), PathBuf::from("\\999"));
}

#[test]
fn a_plain_directory_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    assert_eq!(free_directory(dir.path()).unwrap(), real);
    let missing = free_directory(&dir.path().join("missing")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("missing"), "{missing}");
}
