//! What is said, and done, when nobody comes forward.

use std::fs;

use projfs_testkit::say;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

/// Where each thread of these processes is in the kernel.
pub(crate) fn say_where(processes: &[u32]) {
    for process in processes {
        let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
        for task in tasks.flatten().map(|task| task.path()) {
            let read = |name| fs::read_to_string(task.join(name)).unwrap_or_default();
            let (name, stack) = (read("comm"), read("stack"));
            let stack: Vec<_> = stack.lines().take(6).filter_map(|line| line.split(' ').nth(1)).collect();
            say(format!("{} {}: {}", task.display(), name.trim(), stack.join(" < ")));
        }
    }
}

/// Frees those who wait for the daemon, and ends all of them.
pub(crate) fn end(connection: Option<u32>, processes: &[u32]) {
    if let Some(minor) = connection {
        let _ = fs::write(format!("/sys/fs/fuse/connections/{minor}/abort"), "1");
    }
    for &process in processes {
        if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
