//! Notifications of what real programs do on a mount.

use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::time::Duration;

use projectedfs::*;

use super::support::mounted;

/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(10);

const TEXT: &[u8] = b"some text\n";

/// Two files and a directory with one, and whatever is heard of them.
struct Listener {
    notes: Mutex<Sender<String>>,
    refused: &'static [&'static str],
}

impl Listener {
    fn hear(&self, request: &Request, what: &str) -> Result<(), ProviderError> {
        let note = format!("{what} {}", request.path());
        let refused = self.refused.contains(&note.as_str());
        let _ = self.notes.lock().unwrap().send(note);
        if refused { Err(ProviderErrorKind::NotPermitted.into()) } else { Ok(()) }
    }
}

fn item(path: &RelPath) -> Result<ProjectedItem, ProviderError> {
    let info = match path.as_bytes() {
        b"a" | b"b" | b"d/c" => PlaceholderInfo::file(TEXT.len() as u64),
        b"d" => PlaceholderInfo::directory(),
        _ => return Err(ProviderError::not_found()),
    };
    let name = path.split_last().map(|(_, name)| name.to_owned());
    Ok(ProjectedItem::new(name.ok_or_else(ProviderError::not_found)?, info))
}

impl Provider for Listener {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        item(request.path())
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        let paths: &[&str] = if request.path().is_root() { &["a", "b", "d"] } else { &["d/c"] };
        DirEntries::unsorted(
            paths.iter().map(|path| item(RelPath::new(path.as_bytes()).unwrap()).unwrap()).collect(),
        )
    }

    fn file_data(&self, _: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        sink.write_at(0, TEXT)
    }

    fn authorize(&self, request: &Request, operation: &PreOperation) -> Result<(), ProviderError> {
        let what = match operation {
            PreOperation::ConvertToFull => "pre-convert",
            PreOperation::Delete { .. } => "pre-delete",
            PreOperation::Rename { .. } => "pre-rename",
            PreOperation::SetHardlink { .. } => "pre-link",
            PreOperation::OpenForWrite | PreOperation::Truncate { .. } | PreOperation::SetMetadata { .. } => {
                "ours"
            }
        };
        self.hear(request, what)
    }

    fn opened(&self, request: &Request, _: ItemKind) -> Result<MaskChange, ProviderError> {
        self.hear(request, "opened").map(|()| MaskChange::Keep)
    }

    fn changed(&self, request: &Request, change: &NameChange) -> MaskChange {
        let _ = match change {
            NameChange::Created { .. } => self.hear(request, "created"),
            NameChange::Overwritten => self.hear(request, "overwritten"),
            NameChange::Renamed { to, .. } => self.hear(request, &format!("renamed to {to}")),
        };
        MaskChange::Keep
    }

    fn observe(&self, request: &Request, operation: &PostOperation) {
        let what = match operation {
            PostOperation::HardlinkCreated { .. } => "linked",
            PostOperation::Closed { how: Closed::Unmodified, .. } => "closed",
            PostOperation::Closed { how: Closed::Modified, .. } => "modified",
            PostOperation::Closed { how: Closed::Deleted { .. }, .. } => "deleted",
        };
        let _ = self.hear(request, what);
    }
}

struct Rig {
    instance: VirtualizationInstance,
    notes: Receiver<String>,
}

impl Rig {
    fn new(dir: &Path, passthrough: Passthrough, refused: &'static [&'static str]) -> Self {
        let (sender, notes) = std::sync::mpsc::channel();
        std::fs::create_dir(dir.join("root")).unwrap();
        let root = VirtualizationRoot::mark(dir.join("root")).unwrap();
        let everything = NotifyMask::PRJ.difference(NotifyMask::SUPPRESS_NOTIFICATIONS);
        let instance = VirtualizationInstance::builder(root)
            .notify(RelPath::root(), everything)
            .passthrough(passthrough)
            .control(Control::Off)
            .start(Listener { notes: Mutex::new(sender), refused })
            .unwrap();
        Self { instance, notes }
    }

    /// Runs a shell command in the root; whether it succeeded.
    fn sh(&self, command: &str) -> bool {
        let sh =
            Command::new("sh").arg("-ec").arg(command).current_dir(self.instance.path()).output().unwrap();
        sh.status.success()
    }

    /// These are heard next, of other items than the root: the order between a close and what follows it is nobody's.
    #[track_caller]
    fn hears(&self, notes: &[&str]) {
        let mut heard = Vec::new();
        while heard.len() < notes.len() {
            let note = self.notes.recv_timeout(SOON);
            heard.push(note.unwrap_or_else(|_| panic!("{notes:?}, but only {heard:?}")));
            heard.retain(|note| !note.ends_with(' '));
        }
        while let Ok(note) = self.notes.recv_timeout(Duration::from_millis(50)) {
            heard.extend((!note.ends_with(' ')).then_some(note));
        }
        assert_eq!(heard, notes);
    }
}

fn programs_are_heard(dir: &Path, passthrough: Passthrough) {
    let rig = Rig::new(dir, passthrough, &[]);
    assert!(rig.sh("cat a"));
    rig.hears(&["opened a", "closed a"]);
    assert!(rig.sh("printf x >> a"));
    rig.hears(&["pre-convert a", "opened a", "modified a"]);
    assert!(rig.sh(": >> a"));
    rig.hears(&["opened a", "closed a"]);
    assert!(rig.sh("printf x > b"));
    rig.hears(&["pre-convert b", "overwritten b", "modified b"]);
    assert!(rig.sh("printf x > new"));
    rig.hears(&["created new", "modified new"]);
    assert!(rig.sh("mv new newer"));
    rig.hears(&["opened new", "pre-rename new", "renamed to newer new", "closed newer"]);
    assert!(rig.sh("ln newer link"));
    rig.hears(&["opened newer", "pre-link newer", "linked newer", "closed newer"]);
    assert!(rig.sh("rm link"));
    rig.hears(&["opened link", "pre-delete link", "deleted link"]);
    assert!(rig.sh("mkdir e"));
    rig.hears(&["created e", "closed e"]);
    assert!(rig.sh("ls -d d; ls d"));
    rig.hears(&["opened d", "closed d"]);
    assert!(rig.sh("chmod 600 d/c"));
    rig.hears(&["opened d/c", "closed d/c"]);
    rig.instance.stop();
}

#[test]
fn what_programs_do_is_heard() {
    mounted("what_programs_do_is_heard", |dir| programs_are_heard(dir, Passthrough::Auto));
}

#[test]
fn what_programs_do_is_heard_without_passthrough() {
    mounted("what_programs_do_is_heard_without_passthrough", |dir| {
        programs_are_heard(dir, Passthrough::Off);
    });
}

#[test]
fn a_store_into_a_mapping_of_a_passed_through_file_is_a_modification() {
    mounted("a_store_into_a_mapping_of_a_passed_through_file_is_a_modification", |dir| {
        let rig = Rig::new(dir, Passthrough::Auto, &[]);
        assert!(rig.sh(
            "python3 -c 'import mmap\nf = open(\"a\", \"r+b\")\nm = mmap.mmap(f.fileno(), 4)\nm[0:1] = b\"X\"\nm.close()'"
        ));
        rig.hears(&["pre-convert a", "opened a", "modified a"]);
        rig.instance.stop();
    });
}

#[test]
fn what_is_refused_fails_and_changes_nothing() {
    mounted("what_is_refused_fails_and_changes_nothing", |dir| {
        let refused = &["pre-convert a", "pre-delete b", "pre-rename b", "opened d/c"];
        let rig = Rig::new(dir, Passthrough::Auto, refused);
        assert!(!rig.sh("printf x >> a"));
        rig.hears(&["pre-convert a"]);
        assert!(!rig.sh("rm -f b"));
        rig.hears(&["opened b", "pre-delete b", "closed b"]);
        assert!(!rig.sh("mv b c"));
        rig.hears(&["opened b", "pre-rename b", "closed b"]);
        assert!(!rig.sh("cat d/c"));
        rig.hears(&["opened d/c"]);
        assert!(rig.sh("grep -q 'some text' a && grep -q 'some text' b && ! test -e c"));
        rig.instance.stop();
    });
}

#[test]
fn the_providers_own_process_is_not_told_of_itself() {
    mounted("the_providers_own_process_is_not_told_of_itself", |dir| {
        let rig = Rig::new(dir, Passthrough::Auto, &[]);
        std::fs::write(rig.instance.path().join("own"), TEXT).unwrap();
        std::fs::remove_file(rig.instance.path().join("a")).unwrap();
        rig.hears(&[]);
        assert!(rig.sh("cat own"));
        rig.hears(&["opened own", "closed own"]);
        rig.instance.stop();
    });
}

#[test]
fn a_program_that_may_not_hydrate_is_refused_what_is_not_there() {
    mounted("a_program_that_may_not_hydrate_is_refused_what_is_not_there", |dir| {
        std::fs::create_dir(dir.join("root")).unwrap();
        let root = VirtualizationRoot::mark(dir.join("root")).unwrap();
        let (sender, _notes) = std::sync::mpsc::channel();
        let indexer = std::fs::canonicalize("/bin/head").unwrap();
        let instance = VirtualizationInstance::builder(root)
            .hydration(executables_do_not_hydrate([indexer.file_name().unwrap()]))
            .control(Control::Off)
            .start(Listener { notes: Mutex::new(sender), refused: &[] })
            .unwrap();
        let reads = |program: &str, name: &str| {
            Command::new(program).arg(instance.path().join(name)).output().unwrap().status.success()
        };
        assert!(!reads("head", "a"));
        assert!(reads("cat", "a"), "others fetch it");
        assert!(reads("head", "a"), "and then it is there for everybody");
        instance.stop();
    });
}
