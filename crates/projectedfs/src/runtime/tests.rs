//! Files of an instance are found again, and notes are read as they were written.

use super::*;

#[test]
fn files_depend_on_the_root_alone() {
    let dir = Path::new("/run/projfs");
    let one = RuntimeFiles::new(dir, Path::new("/home/me/tree"));
    assert_eq!(one, RuntimeFiles::new(dir, Path::new("/home/me/tree")));
    assert_ne!(one, RuntimeFiles::new(dir, Path::new("/home/me/tree2")));
    assert_eq!(one.socket().extension(), Some(OsStr::new("sock")));
    assert_eq!(one.socket().parent(), Some(dir));
}

#[test]
fn a_note_is_read_as_it_was_written_and_removed_with_its_socket() {
    let dir = tempfile::tempdir().unwrap();
    let files = RuntimeFiles::new(dir.path(), Path::new("/somewhere"));
    assert_eq!(files.read_note(), None);
    let note = Note {
        pid: 7,
        source: "dir:/source".into(),
        root: "/somewhere".into(),
        started: 1,
        instance: "0".into(),
        keeper: None,
    };
    files.write_note(&note).unwrap();
    assert_eq!(files.read_note(), Some(note));
    files.remove();
    assert_eq!(files.read_note(), None);
    files.remove();
}
