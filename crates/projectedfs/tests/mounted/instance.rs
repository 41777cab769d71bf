//! Instances: what start refuses, what stop leaves, states, hydration, the journal.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use projectedfs::*;

use super::support::mounted;

pub(super) struct Files(pub(super) BTreeMap<&'static str, &'static str>);

pub(super) fn files() -> Files {
    Files([("a", "alpha"), ("b", "beta"), ("c", "gamma")].into())
}

impl Files {
    fn item(&self, name: &str) -> Result<ProjectedItem, ProviderError> {
        let text = self.0.get(name).ok_or_else(ProviderError::not_found)?;
        let name = ItemNameBuf::new(name).map_err(|_| ProviderError::not_found())?;
        Ok(ProjectedItem::new(name, PlaceholderInfo::file(text.len() as u64)))
    }
}

impl Provider for Files {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.item(&request.path().to_string())
    }

    fn enumerate(&self, _: &Request) -> Result<DirEntries, ProviderError> {
        DirEntries::unsorted(self.0.keys().map(|name| self.item(name)).collect::<Result<_, _>>()?)
    }

    fn file_data(
        &self,
        request: &Request,
        _: std::ops::Range<u64>,
        sink: &DataSink,
    ) -> Result<(), ProviderError> {
        sink.write_at(0, self.0[request.path().to_string().as_str()].as_bytes())
    }
}

pub(super) fn start(dir: &Path) -> VirtualizationInstance {
    let root = VirtualizationRoot::mark(dir).unwrap();
    VirtualizationInstance::builder(root).control(Control::Off).start(files()).unwrap()
}

fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text).unwrap()
}

#[track_caller]
fn word(instance: &VirtualizationInstance, name: &str) -> StateWord {
    instance.state(&path(name)).unwrap().word
}

#[test]
fn states_change_as_items_are_used_and_survive_a_restart() {
    mounted("states_change_as_items_are_used_and_survive_a_restart", |dir| {
        let instance = start(dir);
        assert_eq!(word(&instance, "a"), StateWord::Virtual);
        fs::metadata(dir.join("a")).unwrap();
        assert_eq!(word(&instance, "a"), StateWord::Placeholder);
        assert_eq!(fs::read_to_string(dir.join("a")).unwrap(), "alpha");
        assert_eq!(word(&instance, "a"), StateWord::Hydrated);
        fs::write(dir.join("b"), "mine").unwrap();
        fs::remove_file(dir.join("c")).unwrap();
        let id = instance.id();
        instance.stop();
        assert_eq!(instance.state(&path("a")).unwrap_err().kind(), ErrorKind::Stopped);

        let root = VirtualizationRoot::open(dir).unwrap();
        assert_eq!(root.id(), id);
        assert_eq!(root.state(&path("b")).unwrap().word, StateWord::Full);
        assert_eq!(root.state(&path("missing")).unwrap_err().kind(), ErrorKind::NotFound);
        drop(root);

        let instance = start(dir);
        assert_eq!(instance.id(), id);
        assert_eq!(word(&instance, "a"), StateWord::Hydrated);
        assert_eq!(word(&instance, "b"), StateWord::Full);
        assert_eq!(word(&instance, "c"), StateWord::Tombstone);
        assert_eq!(fs::read_to_string(dir.join("b")).unwrap(), "mine");
        assert!(!dir.join("c").exists());
    });
}

#[test]
fn all_is_hydrated_and_dehydrated_but_for_local_changes() {
    mounted("all_is_hydrated_and_dehydrated_but_for_local_changes", |dir| {
        let instance = start(dir);
        let mut done = Vec::new();
        instance.hydrate(RelPath::root(), |path| done.push(path.to_string())).unwrap();
        done.sort();
        assert_eq!(done, ["a", "b", "c"]);
        assert_eq!(instance.statistics().unwrap().hydrated_files, 3);
        fs::write(dir.join("b"), "mine").unwrap();
        let mut kept = Vec::new();
        let keep = LocalChanges::Keep;
        let report = |path: &RelPath, result: Result<()>| {
            if result.is_err() {
                kept.push(path.to_string());
            }
        };
        instance.dehydrate(RelPath::root(), keep, report).unwrap();
        assert_eq!(kept, ["b"]);
        assert_eq!(word(&instance, "a"), StateWord::Virtual);
        instance.dehydrate(RelPath::root(), LocalChanges::Discard, |_, result| result.unwrap()).unwrap();
        assert_eq!(fs::read_to_string(dir.join("b")).unwrap(), "beta");
    });
}

#[test]
fn a_root_is_for_one_instance_and_holds_no_other() {
    mounted("a_root_is_for_one_instance_and_holds_no_other", |dir| {
        let instance = start(dir);
        let refused = VirtualizationRoot::mark(dir).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyMounted, "{refused}");
        fs::create_dir(dir.join("inside")).unwrap();
        let nested = VirtualizationRoot::mark(dir.join("inside")).unwrap_err();
        assert_eq!(nested.kind(), ErrorKind::Nested, "{nested}");
        instance.stop();
        let nested = VirtualizationRoot::mark(dir.join("inside")).unwrap_err();
        assert_eq!(nested.kind(), ErrorKind::Nested, "{nested}");
        let root = VirtualizationRoot::open(dir).unwrap();
        let in_use = VirtualizationRoot::open(dir).unwrap_err();
        assert_eq!(in_use.kind(), ErrorKind::InUse, "{in_use}");
        drop(root);
    });
}

#[test]
fn a_root_remembers_its_source() {
    mounted("a_root_remembers_its_source", |dir| {
        let root = VirtualizationRoot::mark(dir).unwrap();
        assert_eq!(root.source().unwrap(), None);
        root.bind("dir:/one").unwrap();
        root.bind("dir:/one").unwrap();
        drop(root);
        let root = VirtualizationRoot::open(dir).unwrap();
        assert_eq!(root.source().unwrap().as_deref(), Some("dir:/one"));
        let refused = root.bind("dir:/two").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::OtherSource);
        assert!(refused.to_string().contains("dir:/one") && refused.to_string().contains("dir:/two"));
    });
}

#[test]
fn what_is_not_a_root_is_refused_and_left_as_it_was() {
    mounted("what_is_not_a_root_is_refused_and_left_as_it_was", |dir| {
        fs::write(dir.join("file"), "").unwrap();
        let kind = |path: &Path| VirtualizationRoot::mark(path).unwrap_err().kind();
        assert_eq!(kind(dir), ErrorKind::NotARoot);
        assert_eq!(kind(&dir.join("file")), ErrorKind::NotADirectory);
        assert_eq!(kind(&dir.join("missing")), ErrorKind::NotFound);
        assert_eq!(VirtualizationRoot::open(dir).unwrap_err().kind(), ErrorKind::NotARoot);
        assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
    });
}

#[test]
fn a_watch_tells_what_happens_and_that_it_ended() {
    mounted("a_watch_tells_what_happens_and_that_it_ended", |dir| {
        let instance = start(dir);
        let mut watch = instance.watch().unwrap();
        assert_eq!(watch.next(Duration::ZERO).unwrap(), News::Nothing);
        fs::write(dir.join("new"), "text").unwrap();
        let entries = match watch.next(Duration::from_secs(10)).unwrap() {
            News::Changes(Changes { since: Since::Entries { entries, .. }, .. }) => entries,
            news => panic!("{news:?}"),
        };
        assert_eq!(entries[0].path, path("new"));
        assert_eq!(entries[0].what, What::Created);
        instance.stop();
        while watch.next(Duration::from_secs(10)).unwrap() != News::Stopped {}
    });
}

#[test]
fn the_journal_is_closed_though_someone_still_watches() {
    mounted("the_journal_is_closed_though_someone_still_watches", |dir| {
        let instance = start(dir);
        let watch = instance.watch().unwrap();
        instance.stop();
        const CLOSED: u8 = 1;
        assert_eq!(fs::read(dir.join(".projfs/journal/epoch")).unwrap()[16], CLOSED);
        let instance = start(dir);
        drop(watch);
        fs::write(dir.join("new"), "text").unwrap();
        instance.stop();
    });
}

#[test]
fn unmounting_from_outside_ends_the_instance() {
    mounted("unmounting_from_outside_ends_the_instance", |dir| {
        let instance = start(dir);
        rustix::mount::unmount(dir, rustix::mount::UnmountFlags::empty()).unwrap();
        instance.wait();
        assert_eq!(instance.statistics().unwrap_err().kind(), ErrorKind::Stopped);
        drop(VirtualizationRoot::open(dir).unwrap());
    });
}

#[test]
fn a_mount_in_use_is_unmounted_by_force_only() {
    mounted("a_mount_in_use_is_unmounted_by_force_only", |dir| {
        let instance = start(dir);
        let held = fs::File::open(dir.join("a")).unwrap();
        assert_eq!(instance.unmount().unwrap_err().kind(), ErrorKind::Busy);
        assert_eq!(fs::read_to_string(dir.join("b")).unwrap(), "beta");
        let begin = Instant::now();
        instance.stop();
        assert!(begin.elapsed() < Duration::from_secs(8));
        drop(held);
        assert!(projectedfs::mounts().unwrap().iter().all(|mount| mount.path != dir));
    });
}

/// Never answers a question about data, and does not look whether anyone still waits.
struct Stuck;

impl Provider for Stuck {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        files().placeholder_info(request)
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        files().enumerate(request)
    }

    fn file_data(&self, _: &Request, _: std::ops::Range<u64>, _: &DataSink) -> Result<(), ProviderError> {
        loop {
            std::thread::park();
        }
    }
}

#[test]
fn stop_ends_in_time_with_a_provider_that_never_answers() {
    mounted("stop_ends_in_time_with_a_provider_that_never_answers", |dir| {
        let root = VirtualizationRoot::mark(dir).unwrap();
        let builder = VirtualizationInstance::builder(root).control(Control::Off);
        let instance = builder.start(Stuck).unwrap();
        let file = dir.join("a");
        let reader = std::thread::spawn(move || fs::read(file).is_err());
        while instance.statistics().unwrap().provider_calls.iter().all(|(name, _)| *name != "file-data") {
            std::thread::yield_now();
        }
        let begin = Instant::now();
        instance.stop();
        assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
        assert!(reader.join().unwrap());
    });
}

#[test]
fn what_is_in_force_is_told() {
    mounted("what_is_in_force_is_told", |dir| {
        let root = VirtualizationRoot::mark(dir).unwrap();
        let builder = VirtualizationInstance::builder(root).control(Control::Off);
        let instance =
            builder.transport(Transport::Classic).passthrough(Passthrough::Off).start(files()).unwrap();
        let features = instance.features().unwrap();
        assert!(features.contains(&("transport", "/dev/fuse".to_owned())), "{features:?}");
        assert!(features.contains(&("data path", "through the daemon".to_owned())), "{features:?}");
        assert_eq!(fs::read_to_string(dir.join("a")).unwrap(), "alpha");
    });
}
