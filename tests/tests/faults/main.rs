//! A provider that goes wrong in every way: each is an error in bounded time, disturbs nobody else, and leaves no wrong byte.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking, its helpers too")]

use std::ffi::OsStr;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use projfs_testkit::faulty::Aim;
use projfs_testkit::faulty::End;
use projfs_testkit::faulty::FAULTS;
use projfs_testkit::faulty::Fault;
use projfs_testkit::faulty::GOOD;
use projfs_testkit::faulty::LARGE;
use projfs_testkit::faulty::NAMES;
use projfs_testkit::faulty::Over;
use projfs_testkit::faulty::RESERVED;
use projfs_testkit::faulty::STRANGE;
use projfs_testkit::faulty::WHOLE;
use projfs_testkit::faulty::content;
use projfs_testkit::say;
use projfs_tests::Mounted;
use projfs_tests::Options;
use projfs_tests::PATIENCE;
use projfs_tests::Tree;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// The daemon.
const PROGRAM: &str = env!("CARGO_BIN_EXE_projfs-test-mount");

/// How much longer than the provider may take a call may take, on a busy machine.
const SLACK: Duration = Duration::from_secs(3);

/// How many items are looked at at a time.
const AT_ONCE: usize = 100;

/// What came of looking at an item.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Fails(Errno),
    Bytes(Vec<u8>),
    Names(Vec<String>),
    LeadsTo(PathBuf),
}

/// Reads a file by the system calls alone: the library would begin again for ever after `EINTR`.
fn read(path: &Path) -> Result<Vec<u8>, Errno> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    read_all(&file)
}

fn read_all(file: &OwnedFd) -> Result<Vec<u8>, Errno> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 1 << 17]);
    loop {
        match rustix::io::read(file, &mut buffer[..])? {
            0 => return Ok(bytes),
            length => bytes.extend_from_slice(&buffer[..length]),
        }
    }
}

fn list(path: &Path) -> Result<Vec<String>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::new(rustix::fs::open(path, flags, Mode::empty())?)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Looks at an item, and how long that takes.
fn look(aim: Aim, path: &Path) -> (Seen, Duration) {
    let begin = Instant::now();
    let seen = match aim {
        Aim::Data | Aim::Info => read(path).map(Seen::Bytes),
        Aim::List => list(path).map(Seen::Names),
        Aim::Link => rustix::fs::readlink(path, Vec::new())
            .map(|target| Seen::LeadsTo(PathBuf::from(target.to_str().unwrap()))),
    };
    (seen.unwrap_or_else(Seen::Fails), begin.elapsed())
}

fn names(names: &[&str]) -> Seen {
    Seen::Names(names.iter().map(ToString::to_string).collect())
}

/// What is seen when nothing is wrong.
fn right(fault: &Fault, item: &str) -> Seen {
    match fault.aim {
        Aim::Data | Aim::Info => {
            Seen::Bytes(content(fault.name, if item.starts_with("large") { LARGE } else { WHOLE }))
        }
        Aim::List => names(&NAMES),
        Aim::Link => Seen::LeadsTo("../good/file".into()),
    }
}

/// What must be seen while the provider goes wrong.
fn wrong(fault: &Fault, item: &str) -> Seen {
    match fault.end {
        End::Fails(errno) => Seen::Fails(errno),
        End::Right => right(fault, item),
        End::Lists(listed) => names(listed),
        End::LeadsTo(target) => Seen::LeadsTo(target.into()),
    }
}

/// What many threads found out.
#[derive(Default)]
struct Findings {
    said: Mutex<Vec<String>>,
    longest: Mutex<Duration>,
}

impl Findings {
    fn took(&self, what: &str, time: Duration) {
        let mut longest = self.longest.lock().unwrap();
        *longest = time.max(*longest);
        if time > PATIENCE + SLACK {
            self.say(format!("{what}: took {time:?}"));
        }
    }

    fn say(&self, what: String) {
        self.said.lock().unwrap().push(what);
    }

    /// Looks at an item, which must be so, in time.
    fn check(&self, root: &Path, fault: &Fault, item: &str, expected: &Seen) {
        let (seen, time) = look(fault.aim, &root.join(fault.name).join(item));
        self.took(&format!("{}/{item}", fault.name), time);
        if seen != *expected {
            self.say(format!("{}/{item}: {}, not {}", fault.name, short(&seen), short(expected)));
        }
    }
}

fn short(seen: &Seen) -> String {
    match seen {
        Seen::Bytes(bytes) => {
            format!("{} bytes, {} of them 0", bytes.len(), bytes.iter().filter(|byte| **byte == 0).count())
        }
        Seen::Fails(_) | Seen::Names(_) | Seen::LeadsTo(_) => format!("{seen:?}"),
    }
}

/// Calls `act` with each fault and each item that it is about, and the other one for after the restart; many at a time.
fn with_each(act: impl Fn(&Fault, &str, &str) + Sync) {
    let items = |fault: &'static Fault| fault.aim.items().iter().map(move |(one, other)| (fault, one, other));
    let all: Vec<_> = FAULTS.iter().flat_map(items).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((fault, one, other)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    act(fault, one, other);
                }
            });
        }
    });
}

/// What others do meanwhile, until it is over: how long each round takes.
fn others(root: &Path, over: &AtomicBool) -> Vec<Duration> {
    let (mut count, mut rounds) = (0, Vec::new());
    let own = root.join("good/own");
    while !over.load(Ordering::Relaxed) {
        let begin = Instant::now();
        let number = count % GOOD;
        assert_eq!(fs::read(root.join(format!("good/{number}"))).unwrap(), number.to_string().as_bytes());
        fs::write(&own, b"mine").unwrap();
        fs::rename(&own, own.with_extension("moved")).unwrap();
        assert_eq!(fs::read(own.with_extension("moved")).unwrap(), b"mine");
        fs::remove_file(own.with_extension("moved")).unwrap();
        assert_eq!(fs::read_dir(root.join("good")).unwrap().count(), GOOD + 1);
        rounds.push(begin.elapsed());
        count += 1;
    }
    rounds
}

#[test]
fn every_fault_is_an_error_in_time_and_leaves_no_wrong_byte() {
    let options = Options { tree: Tree::Faults, passthrough: true, ..Options::default() };
    let Some(mut mounted) = Mounted::new(PROGRAM, options) else { return };
    let (root, findings, over) = (mounted.root(), Findings::default(), AtomicBool::new(false));
    let mut rounds = std::thread::scope(|scope| {
        let others = scope.spawn(|| others(&root, &over));
        with_each(|fault, one, other| {
            // What went wrong is asked for again.
            for item in [one, one, other] {
                findings.check(&root, fault, item, &wrong(fault, item));
            }
        });
        over.store(true, Ordering::Relaxed);
        others.join().unwrap()
    });
    let alive = fs::read(root.join("good/file")).unwrap() == content("good", WHOLE);
    fs::write(root.with_file_name("mended"), "").unwrap();
    with_each(|fault, item, _| {
        let expected = match fault.over {
            Over::AtOnce => right(fault, item),
            // What was believed stays as it is; content that does not agree with it is still none.
            Over::AfterARestart | Over::WhenUpdated => wrong(fault, item),
        };
        findings.check(&root, fault, item, &expected);
    });
    mounted.restart(PROGRAM);
    with_each(|fault, one, other| {
        for item in [one, other] {
            let expected = match fault.over {
                Over::AtOnce | Over::AfterARestart => right(fault, item),
                Over::WhenUpdated => wrong(fault, item),
            };
            findings.check(&root, fault, item, &expected);
        }
    });
    rounds.sort();
    let (count, disturbed) = (rounds.len(), rounds[rounds.len() - 1]);
    let said = findings.said.into_inner().unwrap();
    let longest = findings.longest.into_inner().unwrap();
    say(format!(
        "{} faults: {} findings; the longest call took {longest:?}; others did {count} rounds meanwhile, the longest in {disturbed:?}",
        FAULTS.len(),
        said.len(),
    ));
    assert_eq!(said, Vec::<String>::new());
    assert!(alive);
    assert!(FAULTS.len() >= 40);
    // Who has to wait for a provider that goes wrong waits for all of its time; a busy machine alone is no fault.
    assert!(rounds[count * 19 / 20] < PATIENCE && disturbed < PATIENCE + SLACK, "others were disturbed");
}

#[test]
fn strange_names_come_back_byte_for_byte_and_the_reserved_one_is_hidden() {
    let options = Options { tree: Tree::Faults, passthrough: true, ..Options::default() };
    let Some(mut mounted) = Mounted::new(PROGRAM, options) else { return };
    for _ in 0..2 {
        let dir = mounted.path("strange");
        let mut listed: Vec<_> =
            fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_vec()).collect();
        listed.sort();
        let mut expected: Vec<_> = STRANGE.iter().map(|name| name.to_vec()).collect();
        expected.sort();
        assert_eq!(listed, expected);
        for name in STRANGE {
            assert_eq!(fs::read(dir.join(OsStr::from_bytes(name))).unwrap(), *name);
        }
        assert!(!mounted.path(RESERVED).exists());
        let shown = fs::read_dir(mounted.root()).unwrap();
        assert!(shown.into_iter().all(|entry| entry.unwrap().file_name() != RESERVED));
        mounted.restart(PROGRAM);
    }
}
