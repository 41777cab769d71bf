//! What a daemon asks the kernel for by name, from a trace of its system calls, and what of it could leave the root.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;

/// A trace that is being taken.
pub(crate) struct Trace {
    strace: Child,
    log: PathBuf,
}

impl Trace {
    /// Begins to trace a process, which is every thread of it when this returns.
    pub(crate) fn of(process: u32, log: &Path) -> Self {
        let strace = Command::new("strace")
            // Not with the paths of descriptors: strace would look whether they are still there, in the mount.
            .args(["-f", "-qq", "-s", "8192", "-e", "trace=%file", "-o"])
            .arg(log)
            .arg("-p")
            .arg(process.to_string())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let traced = || {
            fs::read_dir(format!("/proc/{process}/task")).unwrap().all(|task| {
                let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap_or_default();
                !status.contains("\nTracerPid:\t0\n")
            })
        };
        let end = Instant::now() + Duration::from_secs(10);
        while !traced() {
            assert!(Instant::now() < end, "strace does not begin");
            std::thread::yield_now();
        }
        Self { strace, log: log.to_owned() }
    }

    /// Ends it: the lines.
    pub(crate) fn end(mut self) -> Vec<String> {
        // It has ended by itself if the process has.
        let _ = rustix::process::kill_process(Pid::from_child(&self.strace), Signal::INT);
        self.strace.wait().unwrap();
        fs::read_to_string(&self.log).unwrap().lines().map(str::to_owned).collect()
    }
}

/// Why a call could leave the directory that it begins in; nothing if it cannot.
pub(crate) fn objection(line: &str) -> Option<&'static str> {
    let (_, call) = line.split_once(' ')?;
    let (name, arguments) = call.trim_start().split_once('(')?;
    if name.starts_with('<') || name.starts_with('-') || name.starts_with('+') {
        return None;
    }
    let has = |flag: &str| arguments.contains(flag);
    for path in paths(name, arguments) {
        if path.starts_with('/') {
            if !is_own(name, path) {
                return Some("an absolute path");
            }
            continue;
        }
        let beneath = ["RESOLVE_BENEATH", "RESOLVE_NO_SYMLINKS"].iter().all(|flag| has(flag));
        let kept = match name {
            "openat2" => beneath,
            "openat" => path == "." || has("O_NOFOLLOW"),
            "statx" | "newfstatat" | "fchownat" | "utimensat" => {
                path.is_empty() || path == "." || has("AT_SYMLINK_NOFOLLOW")
            }
            // Where the flag is, the first path must be the link in `/proc` to a file that is open.
            "linkat" => !has("AT_SYMLINK_FOLLOW") || arguments.contains("\"/proc/self/fd/"),
            "unlinkat" | "mkdirat" | "mknodat" | "renameat2" | "renameat" | "symlinkat" | "readlinkat" => {
                true
            }
            _ => false,
        };
        match path {
            ".." => return Some("the directory above"),
            path if path.contains('/') && !beneath => return Some("a path of several names"),
            _ if !kept => return Some("a link could be followed"),
            _ => {}
        }
    }
    None
}

/// The paths among the arguments of a call.
fn paths<'a>(name: &str, arguments: &'a str) -> Vec<&'a str> {
    let strings: Vec<&str> = arguments.split('"').skip(1).step_by(2).collect();
    let [start, end] = match name {
        // What the link is to say.
        "symlinkat" => [1, 2],
        "renameat" | "renameat2" => [0, 2],
        "linkat" => [0, 2],
        _ => [0, 1],
    };
    strings.into_iter().skip(start).take(end - start).collect()
}

/// Whether an absolute path leads to nothing but what the daemon has open, or what the kernel says of processes.
fn is_own(name: &str, path: &str) -> bool {
    // The C library's allocator counts the processors.
    if path == "/sys/devices/system/cpu/online" {
        return true;
    }
    let Some(below) = path.strip_prefix("/proc/self/fd/") else {
        return path.starts_with("/proc/")
            && !path.contains("/fd/")
            && !path.contains("/root")
            && !path.contains("..");
    };
    match below.split_once('/') {
        // The very thing that is open.
        None => true,
        Some((_, item)) => {
            matches!(name, "lgetxattr" | "lsetxattr" | "llistxattr" | "lremovexattr")
                && !item.contains('/')
                && item != ".."
        }
    }
}

#[test]
fn what_could_leave_is_objected_to() {
    for harmless in [
        r#"12 openat2(5</r>, "a/b", {flags=O_PATH, resolve=RESOLVE_NO_XDEV|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24) = 7</r/a/b>"#,
        r#"12 openat(5</r>, "a", O_RDONLY|O_NOFOLLOW|O_CLOEXEC) = 7</r/a>"#,
        r#"12 statx(5</r>, "a", AT_STATX_SYNC_AS_STAT|AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, {stx_mask=1}) = 0"#,
        r#"12 symlinkat("/etc/passwd", 5</r>, "a") = 0"#,
        r#"12 linkat(AT_FDCWD</>, "/proc/self/fd/9", 5</r>, "a", AT_SYMLINK_FOLLOW) = 0"#,
        r#"12 lgetxattr("/proc/self/fd/5/a", "user.projfs", "", 128) = -1 ENODATA"#,
        r#"12 <... openat resumed>) = 7"#,
    ] {
        assert_eq!(objection(harmless), None, "{harmless}");
    }
    for harmful in [
        r#"12 openat2(5</r>, "a/b", {flags=O_PATH, resolve=RESOLVE_NO_XDEV}, 24) = 7</r/a/b>"#,
        r#"12 openat(5</r>, "a", O_RDONLY|O_CLOEXEC) = 7</r/a>"#,
        r#"12 openat(5</r>, "a/b", O_RDONLY|O_NOFOLLOW) = 7</r/a/b>"#,
        r#"12 openat(5</r>, "..", O_RDONLY|O_NOFOLLOW) = 7</>"#,
        r#"12 openat(AT_FDCWD</>, "/etc/passwd", O_RDONLY|O_NOFOLLOW) = 7</etc/passwd>"#,
        r#"12 renameat2(5</r>, "a", 5</r>, "b/c", RENAME_NOREPLACE) = 0"#,
        r#"12 linkat(5</r>, "a", 5</r>, "b", AT_SYMLINK_FOLLOW) = 0"#,
        r#"12 lgetxattr("/proc/self/fd/5/a/b", "user.projfs", "", 128) = -1 ENODATA"#,
        r#"12 getxattr("/proc/self/fd/5/a", "user.projfs", "", 128) = -1 ENODATA"#,
        r#"12 statx(5</r>, "a", AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS, {stx_mask=1}) = 0"#,
    ] {
        assert!(objection(harmful).is_some(), "{harmful}");
    }
}
