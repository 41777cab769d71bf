//! What a daemon that root started may do, and who may speak to it.

use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use projfs_testkit::skipped;

use super::support::Work;
use super::support::mounted;

/// Chown, both overrides of permissions, fowner, fsetid, sys_admin, mknod, setfcap.
const NEEDED: u64 = 0x0000_0000_8820_001f;

/// The same, and what it takes to look at other users' processes.
const WITH_PTRACE: u64 = NEEDED | 1 << 19;

/// A user without privilege.
const NOBODY: u32 = 65534;

/// The field of a thread's status, in hexadecimal.
fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}

fn assert_restricted(pid: u32, most: u64) {
    let mut threads = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let Ok(status) = std::fs::read_to_string(task.unwrap().path().join("status")) else { continue };
        for set in ["CapEff:", "CapPrm:", "CapBnd:"] {
            assert_eq!(field(&status, set) & !most, 0, "{set} {status}");
        }
        assert_eq!((field(&status, "CapInh:"), field(&status, "CapAmb:")), (0, 0));
        assert_eq!(field(&status, "NoNewPrivs:"), 1);
        threads += 1;
    }
    assert!(threads > 5, "it has {threads} threads");
}

fn note(work: &Work, name: &str) -> u64 {
    let notes = std::fs::read_dir(work.path("run")).unwrap().map(|entry| entry.unwrap().path());
    let note = notes.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let text = std::fs::read_to_string(note).unwrap();
    let (_, rest) = text.split_once(&format!("\"{name}\":")).unwrap();
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

fn shell(work: &Work, line: &str) {
    let output = work.program("/bin/sh").arg("-ec").arg(line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_daemon_of_root_keeps_what_it_needs_and_no_more() {
    mounted("a_daemon_of_root_keeps_what_it_needs_and_no_more", |work| {
        for keeper in ["off", "on"] {
            work.does(&["mount", "--allow-other", "--keeper", keeper, "source", "tree"]);
            let pid = note(work, "pid") as u32;
            assert_restricted(pid, NEEDED);
            if keeper == "on" {
                let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
                let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
                let status = std::fs::read_to_string(format!("/proc/{}/status", parent.trim())).unwrap();
                assert_eq!(field(&status, "CapEff:") & !NEEDED, 0, "the keeper");
            }
            // Everything that root, and others, do in a mount still works.
            shell(
                work,
                "cat tree/a tree/sub/b > /dev/null
                 echo more >> tree/a; chown 1234:4321 tree/a; chmod 6755 tree/a
                 mkdir tree/d; chmod 777 tree/d; mknod tree/d/null c 1 3; mkfifo tree/d/fifo
                 echo x > tree/d/f; setfattr -n trusted.a -v b tree/d/f; setfattr -n user.a -v b tree/d/f
                 setfattr -n security.capability -v 0x0100000201000000000000000000000000000000 tree/d/f
                 chmod 0 tree/d/f; cat tree/d/f > /dev/null; mv tree/d/f tree/d/g; rm -r tree/sub",
            );
            let stat = std::fs::metadata(work.path("tree/a")).unwrap();
            assert_eq!((stat.uid(), stat.gid(), stat.mode() & 0o7777), (1234, 4321, 0o6755));
            let open = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(work.path(""), open).unwrap();
            let mut theirs = work.program("/bin/sh");
            theirs.args(["-ec", "echo theirs > tree/d/theirs; cat tree/d/theirs"]).uid(NOBODY).gid(NOBODY);
            assert!(theirs.status().unwrap().success());
            assert_eq!(std::fs::metadata(work.path("tree/d/theirs")).unwrap().uid(), NOBODY);
            assert!(work.does(&["status", "tree"]).contains("passthrough"));
            work.does(&["unmount", "tree"]);
            shell(work, "rm -rf tree; mkdir tree");
        }
        work.does(&["mount", "--no-hydrate", "updatedb", "source", "tree"]);
        assert_restricted(note(work, "pid") as u32, WITH_PTRACE);
        work.does(&["unmount", "tree"]);
    });
}

#[test]
fn other_users_cannot_speak_to_the_daemon() {
    mounted("other_users_cannot_speak_to_the_daemon", |work| {
        work.does(&["mount", "--allow-other", "source", "tree"]);
        let socket = std::fs::read_dir(work.path("run")).unwrap().map(|entry| entry.unwrap().path());
        let socket =
            socket.into_iter().find(|path| path.extension().is_some_and(|end| end == "sock")).unwrap();
        assert_eq!(std::fs::metadata(&socket).unwrap().mode() & 0o777, 0o600);
        // Even where the way to it is open.
        for open in [work.path(""), work.path("run")] {
            std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let ask = |user: u32, socket: &Path| {
            let script = "use Socket; $SIG{PIPE} = 'IGNORE'; socket(S, AF_UNIX, SOCK_STREAM, 0) or die; \
                          connect(S, sockaddr_un($ARGV[0])) or exit 3; \
                          syswrite(S, qq({\"question\":\"status\"}\\n)); exit(defined(<S>) ? 0 : 4)";
            let mut perl = work.program("perl");
            perl.args(["-e", script]).arg(socket).uid(user).gid(user).status().unwrap().code()
        };
        assert_eq!(ask(0, &socket), Some(0), "root is answered");
        assert_eq!(ask(NOBODY, &socket), Some(3), "others cannot connect");
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(ask(NOBODY, &socket), Some(4), "who can connect all the same is not answered");
        work.does(&["unmount", "tree"]);
    });
}

#[test]
fn a_user_without_privilege_mounts_by_the_helper_and_keeps_others_out() {
    mounted("a_user_without_privilege_mounts_by_the_helper_and_keeps_others_out", |work| {
        let mut opens = work.program("test");
        opens.args(["-r", "/dev/fuse", "-a", "-w", "/dev/fuse"]).uid(NOBODY).gid(NOBODY);
        let helper = work.program("fusermount3").arg("-V").output();
        if !opens.status().is_ok_and(|status| status.success()) || helper.is_err() {
            return skipped(
                "ordinary users cannot mount here: /dev/fuse is not for them, or there is no fusermount3",
            );
        }
        // The build's directory need not be open to others.
        let program = work.path("projfs");
        std::fs::copy(env!("CARGO_BIN_EXE_projfs"), &program).unwrap();
        for dir in ["", "tree", "run"] {
            std::os::unix::fs::chown(work.path(dir), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let as_nobody = |arguments: &[&str]| {
            let output = work
                .program(program.to_str().unwrap())
                .args(arguments)
                .uid(NOBODY)
                .gid(NOBODY)
                .output()
                .unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        as_nobody(&["mount", "source", "tree"]);
        let status = std::fs::read_to_string(format!("/proc/{}/status", note(work, "pid"))).unwrap();
        assert_eq!((field(&status, "CapEff:"), field(&status, "CapPrm:")), (0, 0));
        let mut theirs = work.program("/bin/sh");
        theirs.args(["-ec", "cat tree/a; echo mine > tree/mine; chmod 4755 tree/mine; rm tree/sub/b"]);
        assert!(theirs.uid(NOBODY).gid(NOBODY).status().unwrap().success());
        // Not even root, as the kernel has it.
        assert_eq!(
            std::fs::read(work.path("tree/a")).unwrap_err().kind(),
            std::io::ErrorKind::PermissionDenied
        );
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let line = mounts.lines().find(|line| line.contains(work.path("tree").to_str().unwrap())).unwrap();
        assert!(line.contains("nosuid") && line.contains("nodev"), "{line}");
        as_nobody(&["unmount", "tree"]);
        assert_eq!(std::fs::read(work.path("tree/mine")).unwrap(), b"mine\n");
    });
}
