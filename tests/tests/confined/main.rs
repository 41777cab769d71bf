//! The daemon stays in its root, whatever is planted there: by its system calls, and by what becomes of others' files.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking, its helpers too")]

mod trace;

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;

use projfs_testkit::say;
use projfs_tests::Mounted;
use projfs_tests::Options;
use projfs_tests::Tree;
use rustix::fs::XattrFlags;
use rustix::mount::UnmountFlags;
use tempfile::TempDir;

use trace::Trace;
use trace::objection;

/// The daemon.
const PROGRAM: &str = env!("CARGO_BIN_EXE_projfs-test-mount");

/// A directory of somebody else's, as it was.
struct Outside {
    dir: TempDir,
    before: Vec<String>,
}

impl Outside {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("outside-").tempdir().unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        fs::create_dir(dir.path().join("x")).unwrap();
        fs::write(dir.path().join("x/f"), "secret").unwrap();
        let before = Self::look(dir.path());
        Self { dir, before }
    }

    fn look(dir: &Path) -> Vec<String> {
        ["", "secret", "x", "x/f"]
            .iter()
            .map(|name| {
                let stat = fs::symlink_metadata(dir.join(name)).unwrap();
                let times = (stat.mtime_nsec(), stat.ctime_nsec());
                format!("{name} {} {:o} {} {times:?}", stat.ino(), stat.mode(), stat.len())
            })
            .collect()
    }

    fn assert_untouched(&self) {
        assert_eq!(Self::look(self.dir.path()), self.before);
        assert_eq!(fs::read_dir(self.dir.path()).unwrap().count(), 2);
    }
}

/// What is below a mount, seen by another one of the file system that the root is on.
struct Below {
    dir: TempDir,
}

impl Below {
    fn new(root: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("below-").tempdir().unwrap();
        // Not with what is mounted in it.
        rustix::mount::mount_bind(root.parent().unwrap(), dir.path()).unwrap();
        let private = rustix::mount::MountPropagationFlags::PRIVATE;
        rustix::mount::mount_change(dir.path(), private).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("root").join(name)
    }

    /// Puts a symbolic link in the place of something.
    fn swap(&self, name: &str, target: &Path) {
        fs::rename(self.path(name), self.path(&format!("{name}.aside"))).unwrap();
        symlink(target, self.path(name)).unwrap();
    }
}

impl Drop for Below {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.dir.path(), UnmountFlags::DETACH);
    }
}

/// Ordinary work, with names and links that would lead out of the root if anybody followed them.
fn work(root: &Path, outside: &Path) {
    assert_eq!(fs::read(root.join("projected/hello")).unwrap(), b"Hello!\n");
    assert_eq!(fs::read(root.join("projected/deep/er/file")).unwrap(), b"deep\n");
    for dir in ["d", "d/e", "d/..e", "d/...", "d/.projfs"] {
        fs::create_dir(root.join(dir)).unwrap();
        fs::write(root.join(dir).join("f"), "mine").unwrap();
    }
    for (name, target) in
        [("up", Path::new("../../../../etc")), ("abs", outside), ("d/e/up", Path::new(".."))]
    {
        symlink(target, root.join(name)).unwrap();
        assert_eq!(fs::read_link(root.join(name)).unwrap(), target);
    }
    fs::rename(root.join("abs"), root.join("d/e/abs")).unwrap();
    fs::hard_link(root.join("d/e/f"), root.join("d/g")).unwrap();
    fs::rename(root.join("d/e"), root.join("projected/e")).unwrap();
    fs::rename(root.join("projected/deep"), root.join("deep")).unwrap();
    fs::File::options().append(true).open(root.join("deep/er/file")).unwrap().write_all(b"more\n").unwrap();
    rustix::fs::chmod(root.join("projected/script"), 0o700.into()).unwrap();
    rustix::fs::lsetxattr(root.join("d/g"), "user.a", b"b", XattrFlags::empty()).unwrap();
    fs::remove_file(root.join("projected/large")).unwrap();
    fs::remove_dir_all(root.join("d")).unwrap();
    fs::remove_dir_all(root.join("projected/e")).unwrap();
    let deep = (0..100).fold(root.join("deep"), |path, _| path.join("n"));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("f"), "deep").unwrap();
}

/// Everything that can be done to an item without following a link here; whether it succeeds is not the question.
fn assail(root: &Path, name: &str) {
    let path = root.join(name);
    let open =
        |options: &mut fs::OpenOptions| options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(&path);
    if let Ok(mut file) = open(fs::File::options().read(true)) {
        let mut bytes = Vec::new();
        let _ = std::io::Read::read_to_end(&mut file, &mut bytes);
        assert!(!bytes.starts_with(b"secret"), "{name} shows what is not in the root");
    }
    if let Ok(mut file) = open(fs::File::options().append(true)) {
        let _ = file.write_all(b"assailed");
        let _ = file.set_len(1);
        let _ = file.sync_all();
    }
    let _ = open(fs::File::options().write(true).truncate(true));
    let _ = rustix::fs::lsetxattr(&path, "user.a", b"b", XattrFlags::empty());
    let _ = std::os::unix::fs::lchown(&path, Some(1), Some(1));
    let _ = rustix::fs::chmodat(rustix::fs::CWD, &path, 0o777.into(), rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    let moved = root.join("moved-away");
    if fs::rename(&path, &moved).is_ok() {
        let _ = fs::rename(&moved, &path);
    }
    let _ = fs::remove_file(&path);
}

/// The same to a directory of which the kernel knows that it is one, and what is in it.
fn assail_directory(dir: &fs::File) {
    let at = |name: &str| {
        PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(dir))).join(name)
    };
    let held = at("");
    for name in ["x/f", "secret", "x"] {
        assail(&held, name);
    }
    let _ = fs::write(at("new"), "new");
    let _ = fs::create_dir(at("sub"));
    let _ = fs::read_dir(&held).map(Iterator::count);
    let _ = fs::remove_dir_all(at("x"));
}

fn judge(mounted: &Mounted, trace: Trace, outside: &Outside, what: &str) {
    let open = fs::read_dir(format!("/proc/{}/fd", mounted.daemon())).unwrap();
    let open = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let left: Vec<_> = open.filter(|path| path.starts_with(outside.dir.path())).collect();
    assert_eq!(left, Vec::<PathBuf>::new(), "it has files open that are not in the root");
    let lines = trace.end();
    let objections: Vec<_> =
        lines.iter().filter_map(|line| Some(format!("{}: {line}", objection(line)?))).collect();
    say(format!("{what}: {} calls by name, {} that could leave the root", lines.len(), objections.len()));
    assert_eq!(objections, Vec::<String>::new());
    assert!(lines.len() > 20, "the trace has almost nothing");
}

#[test]
fn no_call_of_the_daemon_can_leave_its_root() {
    if !Path::new("/usr/bin/strace").exists() {
        projfs_testkit::skipped("there is no strace");
        return;
    }
    for passthrough in [true, false] {
        let options = Options { tree: Tree::Small, passthrough, ..Options::default() };
        let Some(mut mounted) = Mounted::new(PROGRAM, options) else { return };
        let (outside, below, root) = (Outside::new(), Below::new(&mounted.root()), mounted.root());
        let logs = tempfile::tempdir().unwrap();

        let trace = Trace::of(mounted.daemon(), &logs.path().join("work"));
        work(&root, outside.dir.path());
        judge(&mounted, trace, &outside, "ordinary work");

        for dir in ["m", "m/x", "s", "s/x"] {
            fs::create_dir(root.join(dir)).unwrap();
            fs::write(root.join(dir).join("f"), "mine").unwrap();
        }
        for file in ["one", "two", "projected/local"] {
            fs::write(root.join(file), "mine").unwrap();
        }
        assert_eq!(fs::read(root.join("projected/hello")).unwrap(), b"Hello!\n");
        let held = fs::File::open(root.join("m")).unwrap();

        // Under the daemon that runs, and whose kernel remembers what was there.
        let trace = Trace::of(mounted.daemon(), &logs.path().join("running"));
        below.swap("m", outside.dir.path());
        below.swap("one", &outside.dir.path().join("secret"));
        below.swap("projected/hello", &outside.dir.path().join("secret"));
        for name in ["one", "projected/hello"] {
            assail(&root, name);
        }
        assail_directory(&held);
        drop(held);
        judge(&mounted, trace, &outside, "links planted under a running daemon");
        outside.assert_untouched();

        // While it is stopped.
        mounted.stop();
        below.swap("s", outside.dir.path());
        below.swap("two", &outside.dir.path().join("secret"));
        below.swap("projected/local", &outside.dir.path().join("secret"));
        below.swap("projected", outside.dir.path());
        mounted.start(PROGRAM);
        let trace = Trace::of(mounted.daemon(), &logs.path().join("stopped"));
        for name in ["s", "two", "projected", "m", "one"] {
            let _ = fs::symlink_metadata(root.join(name));
            assail(&root, name);
        }
        for entry in fs::read_dir(&root).unwrap() {
            let _ = entry.unwrap().metadata();
        }
        for name in ["deep/er/file", "script"] {
            assail(&root, name);
        }
        judge(&mounted, trace, &outside, "links planted while it was stopped");
        outside.assert_untouched();
    }
}
