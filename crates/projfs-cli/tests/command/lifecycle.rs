//! From a mount to its end: states, fetching, changes, signals, a crash, a command in a projection.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Stdio;

use super::support::Work;
use super::support::mounted;

#[track_caller]
fn state(work: &Work, path: &str) -> String {
    work.does(&["state", path]).trim_end().to_owned()
}

/// A field of the only JSON object of `status`.
fn field(work: &Work, name: &str) -> serde_json::Value {
    let status = work.does(&["status", "tree", "--json"]);
    serde_json::from_str::<serde_json::Value>(&status).unwrap()[name].take()
}

fn kill(pid: u64, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn states_are_told_while_mounted_and_after() {
    mounted("states_are_told_while_mounted_and_after", |work| {
        work.does(&["mount", "source", "tree"]);
        assert_eq!(state(work, "tree/sub/b"), "virtual");
        // Asking about it has not changed it, nor the directory on the way.
        assert_eq!(state(work, "tree/sub"), "virtual");
        fs::metadata(work.path("tree/a")).unwrap();
        assert_eq!(state(work, "tree/a"), "placeholder");
        assert_eq!(fs::read_to_string(work.path("tree/a")).unwrap(), "alpha\n");
        assert_eq!(state(work, "tree/a"), "hydrated");
        fs::write(work.path("tree/new"), "mine").unwrap();
        fs::remove_dir_all(work.path("tree/sub")).unwrap();
        assert_eq!(state(work, "tree/new"), "full");
        let lines = work.does(&["state", "tree/a", "tree/new", "tree/sub"]);
        assert_eq!(lines, "hydrated\nfull\ntombstone\n");
        work.fails(&["state", "tree/none"], 1, &["tree/none", "no such file"]);
        work.does(&["unmount", "tree"]);
        let lines = work.does(&["state", "tree/a", "tree/new", "tree/sub"]);
        assert_eq!(lines, "hydrated\nfull\ntombstone\n");
        work.fails(&["state", "tree/none"], 1, &["only a mounted root can tell"]);
        assert!(work.does(&["fsck", "tree"]).starts_with("0 findings"));
    });
}

#[test]
fn files_are_fetched_and_given_back_but_for_changes() {
    mounted("files_are_fetched_and_given_back_but_for_changes", |work| {
        work.does(&["mount", "source", "tree"]);
        assert_eq!(work.does(&["hydrate", "tree"]), "2 files are here\n");
        assert_eq!(state(work, "tree/sub/b"), "hydrated");
        fs::write(work.path("tree/a"), "changed").unwrap();
        work.fails(&["dehydrate", "tree"], 1, &["a is kept"]);
        assert_eq!(state(work, "tree/sub/b"), "virtual");
        assert_eq!(state(work, "tree/a"), "full");
        let did = work.projfs(&["dehydrate", "tree/a", "tree/sub"]);
        assert!(
            did.code == 1 && did.err.contains("nothing of") && did.err.contains("tree/sub was here"),
            "{did:?}"
        );
        work.does(&["dehydrate", "--discard", "tree"]);
        assert_eq!(fs::read_to_string(work.path("tree/a")).unwrap(), "alpha\n");
        let json = work.does(&["hydrate", "--json", "tree/sub"]);
        assert_eq!(json, "{\"answer\":\"fetched\",\"path\":\"sub/b\"}\n");
        work.does(&["unmount", "tree"]);
    });
}

#[test]
fn status_and_list_tell_what_is_mounted() {
    mounted("status_and_list_tell_what_is_mounted", |work| {
        work.does(&["mount", "--transport", "classic", "--passthrough", "off", "source", "tree"]);
        let root = work.path("tree");
        assert_eq!(field(work, "root"), root.to_str().unwrap());
        assert_eq!(field(work, "transport"), "/dev/fuse");
        assert_eq!(field(work, "data_path"), "through the daemon");
        let pid = field(work, "pid").to_string();
        let text = work.does(&["status", "tree/sub"]);
        for words in [&format!("pid          {pid}"), "data path    through the daemon", "log ", "note: "] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let list = work.does(&["list"]);
        let line = list.lines().find(|line| line.contains(root.to_str().unwrap())).unwrap();
        assert!(line.starts_with("mounted") && line.contains(&pid), "{line}");
        work.does(&["unmount", "tree"]);
        assert!(!work.does(&["list"]).contains(root.to_str().unwrap()));
    });
}

#[test]
fn a_mount_in_use_is_unmounted_by_force_only() {
    mounted("a_mount_in_use_is_unmounted_by_force_only", |work| {
        work.does(&["mount", "source", "tree"]);
        let held = fs::File::open(work.path("tree/a")).unwrap();
        work.fails(&["unmount", "tree"], 1, &["programs have files open", "--force"]);
        work.does(&["unmount", "--force", "tree"]);
        drop(held);
        work.fails(&["unmount", "tree"], 1, &["not mounted"]);
    });
}

#[test]
fn a_crash_is_recovered_from_at_the_next_mount() {
    mounted("a_crash_is_recovered_from_at_the_next_mount", |work| {
        work.does(&["mount", "--keeper", "off", "source", "tree"]);
        fs::write(work.path("tree/new"), "mine").unwrap();
        fs::remove_file(work.path("tree/a")).unwrap();
        kill(field(work, "pid").as_u64().unwrap(), rustix::process::Signal::KILL);
        let dead = || fs::metadata(work.path("tree")).is_err();
        while !dead() {
            std::thread::yield_now();
        }
        assert!(work.does(&["list"]).contains("dead"));
        work.does(&["mount", "--keeper", "off", "source", "tree"]);
        assert_eq!(fs::read_to_string(work.path("tree/new")).unwrap(), "mine");
        assert_eq!(state(work, "tree/a"), "tombstone");
        kill(field(work, "pid").as_u64().unwrap(), rustix::process::Signal::KILL);
        while !dead() {
            std::thread::yield_now();
        }
        work.does(&["unmount", "tree"]);
        assert_eq!(fs::read_to_string(work.path("tree/new")).unwrap(), "mine");
    });
}

#[test]
fn a_signal_unmounts_a_mount_in_the_foreground() {
    mounted("a_signal_unmounts_a_mount_in_the_foreground", |work| {
        for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
            let mut command = work.command(&["mount", "-f", "source", "tree"]);
            let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
            assert!(line.contains("mounted at"), "{line}");
            assert_eq!(fs::read_to_string(work.path("tree/a")).unwrap(), "alpha\n");
            kill(child.id().into(), signal);
            assert_eq!(child.wait().unwrap().code(), Some(0));
            assert!(!work.does(&["list"]).contains(work.path("tree").to_str().unwrap()));
        }
    });
}

#[test]
fn a_watch_prints_changes_and_ends_with_the_mount() {
    mounted("a_watch_prints_changes_and_ends_with_the_mount", |work| {
        work.does(&["mount", "source", "tree"]);
        let mut watch = work.command(&["watch", "tree"]).stdout(Stdio::piped()).spawn().unwrap();
        let (seen, told) = std::sync::mpsc::channel();
        let output = watch.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let _ = seen.send(line.unwrap());
            }
        });
        // The watch begins at some moment; until then changes go unseen.
        let mut number = 0;
        let line = loop {
            fs::write(work.path(&format!("tree/new-{number}")), "").unwrap();
            number += 1;
            if let Ok(line) = told.recv_timeout(std::time::Duration::from_millis(20)) {
                break line;
            }
        };
        assert!(line.starts_with("created   new-") || line.starts_with("modified  new-"), "{line}");
        work.does(&["unmount", "tree"]);
        assert_eq!(watch.wait().unwrap().code(), Some(0));
        reader.join().unwrap();
    });
}

/// What a watch printed, and the cursor at its end.
fn since(printed: &str) -> (Vec<&str>, &str) {
    let (told, cursor) = printed.trim_end().rsplit_once('\n').unwrap_or(("", printed.trim_end()));
    (told.lines().collect(), cursor.strip_prefix("cursor    ").unwrap())
}

#[test]
fn changes_since_a_cursor_are_printed_mounted_or_not() {
    mounted("changes_since_a_cursor_are_printed_mounted_or_not", |work| {
        work.does(&["mount", "source", "tree"]);
        let now = work.does(&["watch", "--once", "tree"]);
        let (told, cursor) = since(&now);
        assert!(told.is_empty(), "{now}");
        fs::create_dir(work.path("tree/new")).unwrap();
        fs::rename(work.path("tree/sub"), work.path("tree/old")).unwrap();
        let held = fs::File::options().append(true).open(work.path("tree/a")).unwrap();
        let watch = ["watch", "--once", "--since", cursor];
        let expected = ["created   new", "renamed   sub -> old", "converted a", "modified  a"];
        let mounted = work.does(&[&watch[..], &["tree"]].concat());
        let (told, next) = since(&mounted);
        assert_eq!(told, [&expected[..], &["writing   a"]].concat());
        let below = work.does(&[&watch[..], &["tree/old/b"]].concat());
        assert_eq!(since(&below).0, ["renamed   sub -> old"], "which took it along");
        let json = work.does(&[&watch[..], &["--json", "tree/new"]].concat());
        let objects: Vec<serde_json::Value> =
            json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&objects[0]["what"], &objects[0]["path"]), (&"created".into(), &"new".into()));
        assert_eq!(objects[1]["cursor"], *next);
        assert_eq!(objects.len(), 2);
        drop(held);
        work.does(&["unmount", "--force", "tree"]);

        let unmounted = work.does(&[&watch[..], &["tree"]].concat());
        let (told, last) = since(&unmounted);
        assert_eq!(told[..expected.len()], expected);
        assert!(told[expected.len()..].iter().all(|line| *line == "modified  a"), "the close: {told:?}");
        let all = work.does(&["watch", "--since", "start", "tree"]);
        assert_eq!(since(&all), (told, last));
        assert_eq!(since(&work.does(&["watch", "--once", "tree"])), (vec![], last));
        work.fails(&["watch", "tree"], 1, &["not mounted"]);
        for wrong in ["1", "now", "1:x"] {
            work.fails(&["watch", "--since", wrong, "tree"], 2, &[wrong, "two decimal numbers"]);
        }
        work.does(&["mount", "source", "tree"]);
        work.fails(&["watch", "--since", "now", "tree"], 2, &["two decimal numbers"]);
        for gone in ["1:1", &format!("{last}0")] {
            let did = work.projfs(&["watch", "--once", "--since", gone, "tree"]);
            assert_eq!(did.code, 7, "{did:?}");
            assert_eq!(since(&did.out), (vec!["gone      changes were lost: look at everything"], last));
            assert!(did.err.contains("go on from the cursor"), "{did:?}");
        }
        work.does(&["unmount", "tree"]);
    });
}

#[test]
fn run_exits_as_its_command_does_and_leaves_nothing() {
    mounted("run_exits_as_its_command_does_and_leaves_nothing", |work| {
        let before = fs::read_dir(work.path("")).unwrap().count();
        let did =
            work.projfs(&["run", "repo@v1", "--", "sh", "-c", "cat README; rm README; echo x > new; exit 7"]);
        assert_eq!((did.code, did.out.as_str()), (7, "one\n"), "{did:?}");
        assert!(did.err.contains("fetched 1 file, 4 B") && did.err.contains("provider call"), "{did:?}");
        let did = work.projfs(&["run", "-q", "source", "--", "sh", "-c", "kill -TERM $$"]);
        assert_eq!((did.code, did.err.as_str()), (143, ""));
        work.fails(&["run", "-q", "source", "--", "no-such-command"], 127, &["no-such-command"]);
        assert_eq!(fs::read_dir(work.path("")).unwrap().count(), before);
        work.does(&["run", "--at", "tree", "source", "--", "sh", "-c", "echo mine > new; cat a"]);
        assert_eq!(fs::read_to_string(work.path("tree/new")).unwrap(), "mine\n");
        assert_eq!(fs::read_to_string(work.path("tree/a")).unwrap(), "alpha\n");
    });
}
