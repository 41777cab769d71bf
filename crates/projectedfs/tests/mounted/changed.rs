//! A root that somebody changed or damaged while it was stopped: it starts, or refuses by name; nobody's data is lost.

use std::fs;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use projectedfs::*;
use projfs_testkit::projection::Projection;
use rustix::fs::CWD;
use rustix::fs::FileType;
use rustix::fs::XattrFlags;

use super::support::mounted;
use super::support::say;

/// What is projected, path by path.
const PROJECTED: [(&str, &str); 8] = [
    ("h", "hydrated"),
    ("g", "hydrated too"),
    ("d/x", "in a directory"),
    ("d/y", "with another mode"),
    ("p", "only looked at"),
    ("v", "virtual"),
    ("stood", "moved away before it was read"),
    ("gone", "deleted"),
];

/// What was made here, path by path.
const OWN: [(&str, &str); 3] = [("mine", "mine"), ("own/f", "mine too"), ("d/local", "mine among theirs")];

/// Changes what is at the first path; the second is a directory of somebody else's.
type Act = fn(&Path, &Path);

/// One change: what it is called, what it is done to, and how.
type Change = (&'static str, &'static str, Act);

fn attribute(path: &Path) -> Vec<u8> {
    let mut value = vec![0; 1000];
    let length = rustix::fs::lgetxattr(path, "user.projfs", &mut value[..]).unwrap();
    value.truncate(length);
    value
}

fn set(path: &Path, value: &[u8]) {
    rustix::fs::lsetxattr(path, "user.projfs", value, XattrFlags::empty()).unwrap();
}

/// Takes away whatever is there.
fn clear(path: &Path) {
    match fs::symlink_metadata(path).unwrap().is_dir() {
        true => fs::remove_dir_all(path).unwrap(),
        false => fs::remove_file(path).unwrap(),
    }
}

fn sibling(path: &Path, name: &str) -> PathBuf {
    path.with_file_name(name)
}

/// Sets a length, and the write time back to what it was.
fn resize_unseen(path: &Path, length: u64) {
    let time = fs::metadata(path).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(length).unwrap();
    file.set_modified(time).unwrap();
}

fn node(path: &Path, kind: FileType, device: u64) {
    clear(path);
    rustix::fs::mknodat(CWD, path, kind, 0o666.into(), device).unwrap();
}

/// What is done to items.
const ITEMS: &[Change] = &[
    ("a link for a hydrated file", "h", |path, outside| {
        clear(path);
        symlink(outside.join("secret"), path).unwrap();
    }),
    ("a link for a stand-in", "moved", |path, outside| {
        clear(path);
        symlink(outside.join("secret"), path).unwrap();
    }),
    ("a link for a directory", "d", |path, outside| {
        clear(path);
        symlink(outside, path).unwrap();
    }),
    ("a link to itself", "h", |path, _| {
        clear(path);
        symlink(path, path).unwrap();
    }),
    ("a file for a directory", "d", |path, _| {
        clear(path);
        fs::write(path, "a file now").unwrap();
    }),
    ("a directory for a file", "h", |path, _| {
        clear(path);
        fs::create_dir(path).unwrap();
    }),
    ("a hydrated file is shorter", "h", |path, _| fs::write(path, "hyd").unwrap()),
    ("a hydrated file is shorter, unseen", "h", |path, _| resize_unseen(path, 3)),
    ("a hydrated file is empty, unseen", "h", |path, _| resize_unseen(path, 0)),
    ("a hydrated file is longer, unseen", "h", |path, _| resize_unseen(path, 5000)),
    ("a hydrated file is changed", "h", |path, _| fs::write(path, "HYDRATED").unwrap()),
    ("a hydrated file is gone", "h", |path, _| clear(path)),
    ("a record is scrambled", "h", |path, _| {
        let mut value = attribute(path);
        value.iter_mut().for_each(|byte| *byte ^= 0x5a);
        set(path, &value);
    }),
    ("one bit of a record is another", "h", |path, _| {
        let mut value = attribute(path);
        let middle = value.len() / 2;
        value[middle] ^= 1;
        set(path, &value);
    }),
    ("a record is half", "h", |path, _| {
        let value = attribute(path);
        set(path, &value[..value.len() / 2]);
    }),
    ("a record is empty", "h", |path, _| set(path, b"")),
    ("a record is too long", "h", |path, _| set(path, &[1; 500])),
    ("a record is gone", "h", |path, _| rustix::fs::lremovexattr(path, "user.projfs").unwrap()),
    ("a record of another file", "h", |path, _| set(path, &attribute(&sibling(path, "g")))),
    ("a record of a stand-in on a file", "h", |path, _| set(path, &attribute(&sibling(path, "moved")))),
    ("a record of a file on a stand-in", "moved", |path, _| set(path, &attribute(&sibling(path, "h")))),
    ("a record of a directory on a file", "h", |path, _| set(path, &attribute(&sibling(path, "d")))),
    ("a record of a file on a directory", "d", |path, _| set(path, &attribute(&sibling(path, "h")))),
    ("a record of a directory is scrambled", "d", |path, _| set(path, &[0x5a; 40])),
    ("a record of a directory is gone", "d", |path, _| {
        rustix::fs::lremovexattr(path, "user.projfs").unwrap();
    }),
    ("a record of a stand-in is scrambled", "moved", |path, _| set(path, &[0x5a; 40])),
    ("a record of a stand-in is gone", "moved", |path, _| {
        rustix::fs::lremovexattr(path, "user.projfs").unwrap();
    }),
    ("a record on a file of one's own", "mine", |path, _| set(path, &attribute(&sibling(path, "h")))),
    ("nonsense as the record of a file of one's own", "mine", |path, _| set(path, b"nonsense")),
    ("a FIFO for a file", "h", |path, _| node(path, FileType::Fifo, 0)),
    ("a socket for a file", "h", |path, _| node(path, FileType::Socket, 0)),
    ("a device for a file", "h", |path, _| {
        node(path, FileType::CharacterDevice, rustix::fs::makedev(1, 3));
    }),
    ("a file without permissions", "h", |path, _| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    }),
    ("a directory without permissions", "d", |path, _| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    }),
    ("a set-id file", "h", |path, _| fs::set_permissions(path, fs::Permissions::from_mode(0o6777)).unwrap()),
    ("a tombstone is gone", "gone", |path, _| clear(path)),
    ("a tombstone for a file of one's own", "own", |path, _| node(path, FileType::CharacterDevice, 0)),
    ("a second name of a hydrated file", "v", |path, _| fs::hard_link(sibling(path, "h"), path).unwrap()),
];

/// What is done to everything in the store's own directory.
const STATE: &[(&str, Act)] = &[
    ("is half", |path, _| {
        let length = fs::metadata(path).unwrap().len();
        fs::File::options().write(true).open(path).unwrap().set_len(length / 2).unwrap();
    }),
    ("is empty", |path, _| fs::write(path, "").unwrap()),
    ("is nonsense", |path, _| fs::write(path, [0x5a; 3000]).unwrap()),
    ("is all zeros", |path, _| {
        let length = fs::metadata(path).unwrap().len();
        fs::write(path, vec![0; length as usize]).unwrap();
    }),
    ("is gone", |path, _| clear(path)),
    ("is a directory", |path, _| {
        clear(path);
        fs::create_dir(path).unwrap();
    }),
    ("is a file", |path, _| {
        clear(path);
        fs::write(path, "a file").unwrap();
    }),
    ("is a link", |path, outside| {
        clear(path);
        symlink(outside, path).unwrap();
    }),
    ("is a link to a file", |path, outside| {
        clear(path);
        symlink(outside.join("secret"), path).unwrap();
    }),
    ("is a FIFO", |path, _| node(path, FileType::Fifo, 0)),
];

fn projection() -> Projection {
    let all = Projection::default().directory("d");
    PROJECTED.iter().fold(all, |all, (path, text)| all.file(path, *text))
}

fn start(dir: &Path) -> Result<VirtualizationInstance> {
    let root = VirtualizationRoot::open(dir)?;
    VirtualizationInstance::builder(root).control(Control::Off).start(projection())
}

/// A root in which there is an item in every state.
fn prepare(dir: &Path) {
    fs::create_dir(dir).unwrap();
    drop(VirtualizationRoot::mark(dir).unwrap());
    let instance = start(dir).unwrap();
    for path in ["h", "g", "d/x"] {
        fs::read(dir.join(path)).unwrap();
    }
    fs::metadata(dir.join("p")).unwrap();
    fs::create_dir(dir.join("own")).unwrap();
    for (path, text) in OWN {
        fs::write(dir.join(path), text).unwrap();
    }
    fs::rename(dir.join("stood"), dir.join("moved")).unwrap();
    fs::set_permissions(dir.join("d/y"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(dir.join("gone")).unwrap();
    instance.stop();
}

/// Reads a file, not waiting for the other end of a FIFO.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::options().read(true).custom_flags(libc_nonblock()).open(path)?;
    let mut bytes = Vec::new();
    match file.metadata()?.file_type() {
        kind if kind.is_fifo() || kind.is_char_device() => {}
        _ => drop(file.read_to_end(&mut bytes)?),
    }
    Ok(bytes)
}

fn libc_nonblock() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits() as i32
}

/// Whether `path` is what was changed, or in it.
fn is_changed(path: &str, changed: &str) -> bool {
    path == changed || path.strip_prefix(changed).is_some_and(|rest| rest.starts_with('/'))
}

/// Changes a root, and uses it as before. Says what is wrong then, and whether it started.
fn try_out(
    dir: &Path,
    changed: &str,
    change: impl FnOnce(&Path, &Path),
) -> std::result::Result<bool, String> {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    prepare(dir);
    change(&dir.join(changed), outside.path());
    // What of it is on disk is somebody's, whatever it is.
    let on_disk = read(&dir.join(changed)).ok();
    let own = |root: &Path| {
        for (path, text) in OWN {
            let found = read(&root.join(path));
            if !is_changed(path, changed) && !found.as_ref().is_ok_and(|found| found == text.as_bytes()) {
                return Err(format!("{path} of our own: {found:?}"));
            }
        }
        Ok(())
    };
    for time in ["first", "second"] {
        let instance = match start(dir) {
            Ok(instance) => instance,
            Err(error) => {
                own(dir)?;
                let named = error.to_string().contains(dir.to_str().unwrap());
                return if named { Ok(false) } else { Err(format!("refused without a name: {error}")) };
            }
        };
        own(dir).map_err(|wrong| format!("at the {time} start: {wrong}"))?;
        for (path, text) in PROJECTED {
            let at = if path == "stood" { "moved" } else { path };
            let found = read(&dir.join(at));
            let right = match (path, &found) {
                ("gone", found) => found.is_err() || changed == "gone" || changed.starts_with(".projfs"),
                (_, Ok(bytes)) => {
                    let theirs = bytes == text.as_bytes();
                    theirs || is_changed(at, changed) && Some(bytes) == on_disk.as_ref()
                }
                (_, Err(_)) => is_changed(at, changed),
            };
            if !right {
                return Err(format!("at the {time} start {at} is {found:?}, on disk {on_disk:?}"));
            }
        }
        for entry in fs::read_dir(dir).map_err(|error| format!("at the {time} start: {error}"))? {
            let entry = entry.map_err(|error| format!("at the {time} start a listing ends: {error}"))?;
            // A record that cannot be read is an error for what has it alone.
            if let Err(error) = entry.metadata()
                && entry.file_name() != changed
            {
                return Err(format!("at the {time} start {:?}: {error}", entry.file_name()));
            }
        }
        instance.stop();
    }
    let untouched = fs::read(outside.path().join("secret")).unwrap() == b"secret"
        && fs::read_dir(outside.path()).unwrap().count() == 1;
    if untouched { Ok(true) } else { Err("what is outside was touched".to_owned()) }
}

/// What is in the store's own directory.
fn state(dir: &Path) -> Vec<String> {
    let own = dir.join(".projfs");
    let mut all = vec![".projfs".to_owned()];
    for entry in fs::read_dir(own).unwrap() {
        let entry = entry.unwrap();
        let name = format!(".projfs/{}", entry.file_name().to_str().unwrap());
        if entry.metadata().unwrap().is_dir() {
            let below = fs::read_dir(entry.path()).unwrap();
            all.extend(below.map(|below| format!("{name}/{}", below.unwrap().file_name().to_str().unwrap())));
        }
        all.push(name);
    }
    all
}

#[test]
fn a_root_that_was_changed_while_it_was_stopped_starts_or_is_refused_by_name() {
    mounted("a_root_that_was_changed_while_it_was_stopped_starts_or_is_refused_by_name", |dir| {
        let sample = dir.join("sample");
        prepare(&sample);
        let mut all: Vec<(String, String, Act)> = Vec::new();
        for (what, target, change) in ITEMS {
            all.push((what.to_string(), target.to_string(), *change));
        }
        for target in state(&sample) {
            let directory = sample.join(&target).is_dir();
            for (what, change) in STATE {
                let of_files = ["is half", "is empty", "is nonsense", "is all zeros"].contains(what);
                if !directory || *what != "is a directory" && !of_files {
                    all.push((format!("{target} {what}"), target.clone(), *change));
                }
            }
        }
        let (next, started) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (refused, wrong) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some((what, target, change)) = all.get(number) else { return };
                        match try_out(&dir.join(number.to_string()), target, change) {
                            Ok(true) => drop(started.fetch_add(1, Ordering::Relaxed)),
                            Ok(false) => refused.lock().unwrap().push(what.as_str()),
                            Err(why) => wrong.lock().unwrap().push(format!("{what}: {why}")),
                        }
                    }
                });
            }
        });
        let started = started.into_inner();
        let (refused, wrong) = (refused.into_inner().unwrap(), wrong.into_inner().unwrap());
        say(&format!(
            "{} changes: {started} roots started, {} were refused by name, {} findings",
            all.len(),
            refused.len(),
            wrong.len()
        ));
        eprintln!("refused: {refused:#?}");
        assert_eq!(wrong, Vec::<String>::new());
    });
}
