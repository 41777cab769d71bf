//! The daemon of a real mount, killed at every call that changes something or answers somebody: what was told is there, and
//! the tree is as before or as after.

use std::fmt::Write as _;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use projfs_testkit::model::Random;
use projfs_testkit::say;
use projfs_tests::Mounted;
use projfs_tests::Options;
use projfs_tests::Tree;
use projfs_tests::trace::Blow;
use projfs_tests::trace::Counted;
use projfs_tests::trace::Strike;
use projfs_tests::trace::Tracer;
use rustix::fs::CWD;
use rustix::fs::RenameFlags;
use rustix::fs::XattrFlags;
use rustix::process::Pid;
use rustix::process::Signal;

use crate::rig::is_long;

const PROGRAM: &str = env!("CARGO_BIN_EXE_projfs-test-mount");
/// At how many calls of one deed at most.
const MOST: usize = 60;

/// Something that a program does to a mount.
type Deed = (&'static str, fn(&Path) -> io::Result<()>);

const DEEDS: &[Deed] = &[
    ("create", |root| OpenOptions::new().write(true).create_new(true).open(root.join("l/new")).map(drop)),
    ("create-projected", |root| File::create_new(root.join("projected/new")).map(drop)),
    ("hydrate", |root| File::open(root.join("projected/hello"))?.read_to_end(&mut Vec::new()).map(drop)),
    ("convert", |root| OpenOptions::new().write(true).open(root.join("projected/hello")).map(drop)),
    ("truncate", |root| File::create(root.join("projected/script")).map(drop)),
    ("write", |root| OpenOptions::new().append(true).open(root.join("l/a"))?.write_all(b" and more")),
    ("unlink-placeholder", |root| fs::remove_file(root.join("projected/hello"))),
    ("unlink-hydrated", |root| fs::remove_file(root.join("projected/script"))),
    ("unlink-full", |root| fs::remove_file(root.join("l/a"))),
    ("mkdir", |root| fs::create_dir(root.join("l/new"))),
    ("rmdir", |root| fs::remove_dir(root.join("projected/bare"))),
    ("rename", |root| fs::rename(root.join("projected/hello"), root.join("l/new"))),
    ("rename-over", |root| fs::rename(root.join("projected/hello"), root.join("l/a"))),
    ("rename-directory", |root| fs::rename(root.join("projected/deep"), root.join("l/new"))),
    ("exchange", |root| {
        let (one, other) = (root.join("l/a"), root.join("projected/script"));
        Ok(rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
    }),
    ("link", |root| fs::hard_link(root.join("projected/script"), root.join("l/new"))),
    ("symlink", |root| symlink("a", root.join("l/new"))),
    ("chmod", |root| fs::set_permissions(root.join("projected/hello"), fs::Permissions::from_mode(0o640))),
    ("setxattr", |root| {
        let file = root.join("projected/script");
        Ok(rustix::fs::setxattr(file, "user.a", b"value", XattrFlags::empty())?)
    }),
    ("sync", |root| File::open(root.join("l/a"))?.sync_all()),
];

/// What is there before each deed.
fn prepare(root: &Path) {
    fs::create_dir(root.join("l")).unwrap();
    fs::write(root.join("l/a"), "local").unwrap();
    fs::read(root.join("projected/script")).unwrap();
    // Names on the way are no part of the deed.
    walk(root, &mut String::new(), false);
}

/// The tree as a program sees it.
fn look(root: &Path) -> String {
    let mut seen = String::new();
    walk(root, &mut seen, true);
    seen
}

fn walk(dir: &Path, seen: &mut String, read: bool) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let found = path.symlink_metadata().unwrap();
        let (mode, links, owner) = (found.mode(), found.nlink(), found.uid());
        let (links, size) = if found.is_dir() { (0, 0) } else { (links, found.len()) };
        let content = match found.file_type() {
            kind if kind.is_symlink() => fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
            kind if kind.is_file() && read => fs::read(&path).unwrap(),
            _ => Vec::new(),
        };
        let sum = content.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        let mut value = [0; 16];
        let length = rustix::fs::lgetxattr(&path, "user.a", &mut value[..]).unwrap_or(0);
        let value = &value[..length];
        let _ = writeln!(seen, "{} {mode:o} x{links} {owner} {size} {sum:x} {value:?}", path.display());
        if found.is_dir() {
            walk(&path, seen, read);
        }
    }
}

/// What came of a deed, and what there was to see after another daemon was started.
struct Run {
    struck: bool,
    told: io::Result<()>,
    seen: String,
}

/// Does it, and kills the daemon at a call, or when it is done. Nothing where tests cannot mount.
fn run(options: Options, deed: &Deed, at: usize) -> Option<Run> {
    let mut mounted = Mounted::new(PROGRAM, options)?;
    let root = mounted.root();
    prepare(&root);
    let daemon = mounted.daemon();
    let strike = Strike { counted: Counted::Changing, at, blow: Blow::Kill };
    let tracer = Tracer::seize(daemon, strike).unwrap();
    let (followed, told) = thread::scope(|scope| {
        let doing = scope.spawn(|| {
            let told = (deed.1)(&root);
            let daemon = Pid::from_raw(daemon.cast_signed()).unwrap();
            // It is dead already, or has answered.
            let _ = rustix::process::kill_process(daemon, Signal::KILL);
            told
        });
        let followed = tracer.follow().unwrap();
        (followed, doing.join().unwrap())
    });
    mounted.start(PROGRAM);
    let seen = look(&root).replace(&*root.to_string_lossy(), "");
    Some(Run { struck: followed.struck, told, seen })
}

/// How many kills, and after how many the tree was as before, and as after.
fn check(options: Options, deed: &Deed) -> Option<[usize; 3]> {
    let nothing: Deed = ("nothing", |_| Ok(()));
    let before = run(options, &nothing, 0)?.seen;
    let undisturbed = run(options, deed, 0)?;
    undisturbed.told.unwrap();
    let after = undisturbed.seen;
    let shows = !matches!(deed.0, "hydrate" | "convert" | "sync");
    assert_eq!(before != after, shows, "{}: {before}{after}", deed.0);
    let mut counts = [0; 3];
    for at in 1..=MOST {
        let run = run(options, deed, at)?;
        let what = format!("{options:?}, {}, killed at call {at}, told {:?}", deed.0, run.told);
        assert!(run.told.is_err() || run.seen == after, "{what}: lost\n{}", run.seen);
        assert!(run.seen == before || run.seen == after, "{what}: half\n{}{before}{after}", run.seen);
        if !run.struck {
            break;
        }
        counts[0] += 1;
        counts[if run.seen == after { 2 } else { 1 }] += 1;
    }
    Some(counts)
}

#[test]
fn a_daemon_killed_at_any_call_loses_nothing_it_told() {
    let mut every = Options::every(Tree::Small);
    let mut deeds: Vec<_> = DEEDS.iter().collect();
    if !is_long() {
        let asked = std::env::var("PROJFS_SEED").ok().and_then(|text| text.parse().ok());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = asked.unwrap_or(now);
        say(format!("2 of {} deeds, PROJFS_SEED={seed}", deeds.len()));
        let mut random = Random::new(seed);
        deeds = (0..2).map(|_| deeds.swap_remove(random.below(deeds.len()))).collect();
        every = vec![every.swap_remove(random.below(every.len()))];
    }
    let mut sum = [0; 3];
    for options in every {
        for deed in &deeds {
            let Some(counts) = check(options, deed) else { return };
            eprintln!("{options:?}: {}: {counts:?}", deed.0);
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
    say(format!("{} kills: {} before, {} after; 0 lost, 0 half", sum[0], sum[1], sum[2]));
}
