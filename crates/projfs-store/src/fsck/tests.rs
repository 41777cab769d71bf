//! Each trouble is found, named, mended once, and no content is lost.

use std::fs;
use std::path::PathBuf;

use projfs_types::FileState;
use projfs_types::ItemNameBuf;
use projfs_types::ItemState;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::VersionInfo;
use rustix::fs::XattrFlags;
use tempfile::TempDir;

use super::*;
use crate::Existing;
use crate::Store;
use crate::TreeStore;
use crate::record::ATTRIBUTE;

fn root() -> (TempDir, TreeStore) {
    let temporary = tempfile::tempdir().unwrap();
    TreeStore::mark(temporary.path(), Existing::Refuse).unwrap();
    let store = TreeStore::open(temporary.path()).unwrap();
    (temporary, store)
}

fn name(text: &str) -> ItemNameBuf {
    ItemNameBuf::new(text).unwrap()
}

fn projected() -> Projected {
    let origin = Origin::At(RelPathBuf::new(*b"elsewhere").unwrap().into());
    Projected { origin, ..Projected::clean(VersionInfo::default()) }
}

fn hydrate(store: &TreeStore, at: &str) {
    hydrate_as(store, at, projected());
}

fn hydrate_as(store: &TreeStore, at: &str, projected: Projected) {
    let content = store.begin_content(4).unwrap();
    content.write_at(0, b"text").unwrap();
    let info = PlaceholderInfo::file(4);
    let state = FileState::Hydrated(projected);
    store.publish(RelPath::root(), &name(at), &content, &info, &state, Number(1 << 63)).unwrap();
}

fn put_stand_in(store: &TreeStore, at: &str) {
    store.put_stand_in(RelPath::root(), &name(at), &PlaceholderInfo::file(9), &projected()).unwrap();
}

fn scramble(file: PathBuf) {
    rustix::fs::setxattr(file, ATTRIBUTE, b"nonsense", XattrFlags::empty()).unwrap();
}

fn found(dir: &TempDir, mode: Mode) -> Vec<(String, Trouble)> {
    let mut findings: Vec<_> = run(dir.path(), mode)
        .unwrap()
        .into_iter()
        .inspect(|finding| assert_eq!(finding.mended, mode == Mode::Mend))
        .map(|finding| (finding.path.to_string(), finding.trouble))
        .collect();
    findings.sort_by(|one, other| one.0.cmp(&other.0));
    findings
}

#[test]
fn a_sound_root_has_nothing_to_find_and_one_in_use_is_refused() {
    let (dir, store) = root();
    hydrate(&store, "file");
    put_stand_in(&store, "stand-in");
    store.note(&OriginBuf::root(), &PlaceholderInfo::directory()).unwrap();
    assert_eq!(run(dir.path(), Mode::Check).unwrap_err().kind, StoreErrorKind::InUse);
    drop(store);
    assert_eq!(found(&dir, Mode::Mend), []);
}

/// Ten bytes of which three are there; what is on disk of them, the content first.
fn leave_parts(store: &TreeStore, dir: &TempDir, number: u64) -> [PathBuf; 2] {
    let partial = store.partial(Number(number), &PlaceholderInfo::file(10)).unwrap();
    partial.file().write_at(3, b"345").unwrap();
    partial.mark(3..6).unwrap();
    ["", ".map"].map(|end| dir.path().join(format!(".projfs/partial/{number:016x}{end}")))
}

#[test]
fn parts_that_belong_to_nothing_are_found_and_sound_ones_stay() {
    let (dir, store) = root();
    let [sound, mapless, contentless, copied, cut] =
        [1, 2, 3, 4, 5].map(|number| leave_parts(&store, &dir, number));
    drop(store);
    fs::remove_file(&mapless[1]).unwrap();
    fs::remove_file(&contentless[0]).unwrap();
    fs::copy(&copied[0], dir.path().join("copy")).unwrap();
    fs::rename(dir.path().join("copy"), &copied[0]).unwrap();
    let whole = fs::metadata(&cut[1]).unwrap().len();
    let bytes = fs::read(&cut[1]).unwrap();
    fs::write(&cut[1], [&bytes[..], b"nonsense"].concat()).unwrap();
    fs::write(dir.path().join(".projfs/partial/0000000000000006"), "").unwrap();
    fs::write(dir.path().join(".projfs/partial/0000000000000006.map"), "").unwrap();

    let at = |path: &PathBuf| path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned();
    let expected = [
        (at(&mapless[0]), Trouble::DamagedParts("nothing says which parts there are")),
        (at(&contentless[1]), Trouble::DamagedParts("there are no parts")),
        (at(&copied[1]), Trouble::DamagedParts("it is of another file")),
        (at(&cut[1]), Trouble::DamagedLog(whole)),
        (".projfs/partial/0000000000000006.map".to_owned(), Trouble::DamagedParts("it does not say of what")),
    ];
    assert_eq!(found(&dir, Mode::Check), expected);
    assert_eq!(found(&dir, Mode::Mend), expected);
    assert_eq!(found(&dir, Mode::Check), []);
    let left: std::collections::BTreeSet<_> = fs::read_dir(dir.path().join(".projfs/partial"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, sound.iter().chain(&cut).cloned().collect());
    let store = TreeStore::open(dir.path()).unwrap();
    for number in [1, 5] {
        let partial = store.partial(Number(number), &PlaceholderInfo::file(10)).unwrap();
        assert_eq!(partial.missing(0..10), [0..3, 6..10], "{number}");
    }
}

#[test]
fn every_trouble_is_found_and_mended() {
    let (dir, store) = root();
    for at in ["damaged", "cut"] {
        hydrate(&store, at);
    }
    hydrate_as(&store, "at-home", Projected::clean(VersionInfo::default()));
    for at in ["damaged-stand-in", "filled", "open"] {
        put_stand_in(&store, at);
    }
    store.put_directory(RelPath::root(), &name("dir"), &PlaceholderInfo::directory(), &projected()).unwrap();
    drop(store);
    let on_disk = |at: &str| dir.path().join(at);
    for at in ["damaged", "damaged-stand-in", "dir"] {
        scramble(on_disk(at));
    }
    fs::write(on_disk("dir/inside"), "mine").unwrap();
    for at in ["cut", "at-home"] {
        let cut = fs::OpenOptions::new().write(true).open(on_disk(at)).unwrap();
        cut.set_len(1).unwrap();
        cut.set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    rustix::fs::chmod(on_disk("filled"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    fs::write(on_disk("filled"), "mine").unwrap();
    rustix::fs::chmod(on_disk("open"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    fs::create_dir_all(on_disk(".projfs/new/5/6")).unwrap();
    fs::write(on_disk(".projfs/trash/7"), "").unwrap();
    fs::write(on_disk(".projfs/placeholders"), "nonsense").unwrap();

    let why = "the checksum is wrong".to_owned();
    let expected: Vec<_> = [
        (".projfs/new/5", Trouble::Leftover),
        (".projfs/placeholders", Trouble::DamagedLog(0)),
        (".projfs/trash/7", Trouble::Leftover),
        ("at-home", Trouble::CutOff),
        ("cut", Trouble::CutOff),
        ("damaged", Trouble::DamagedRecord(why.clone())),
        ("damaged-stand-in", Trouble::DamagedStandIn(why.clone())),
        ("dir", Trouble::DamagedRecord(why)),
        ("filled", Trouble::StandInWithContent),
        ("open", Trouble::OpenStandIn),
    ]
    .map(|(path, trouble)| (path.to_owned(), trouble))
    .into();
    assert_eq!(found(&dir, Mode::Check), expected);
    assert_eq!(found(&dir, Mode::Mend), expected);
    assert_eq!(found(&dir, Mode::Check), []);
    for (at, text) in [("damaged", "text"), ("dir/inside", "mine"), ("filled", "mine")] {
        assert_eq!(fs::read_to_string(on_disk(at)).unwrap(), text);
    }
    let store = TreeStore::open(dir.path()).unwrap();
    let look = |at| store.look(RelPath::root(), &name(at)).unwrap().map(|item| item.state);
    // It came from elsewhere, and what says so stays.
    assert_eq!(look("cut"), Some(ItemState::File(FileState::Placeholder(projected()))));
    assert_eq!(look("at-home"), None);
    assert_eq!(look("damaged-stand-in"), None);
}
