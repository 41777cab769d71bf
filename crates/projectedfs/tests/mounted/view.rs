//! Changes of the view by the provider, as programs on the mount see them.

use std::fs;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::Weak;
use std::time::Duration;
use std::time::Instant;

use projectedfs::*;
use projfs_testkit::model::version_info;
use projfs_testkit::projection::Given;
use projfs_testkit::projection::Projection;

use super::support::mounted;

fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text).unwrap()
}

fn start(dir: &Path, projection: &Projection) -> VirtualizationInstance {
    let root = VirtualizationRoot::mark(dir).unwrap();
    VirtualizationInstance::builder(root).control(Control::Off).start(projection.clone()).unwrap()
}

fn next(projection: &Projection, text: &str, version: u64, content: &str) -> PlaceholderInfo {
    let info = version_info(version, 0o644, content.as_bytes());
    projection.set(path(text), Given { info: info.clone(), content: content.into() });
    info
}

fn small() -> Projection {
    Projection::default().file("a", "one").directory("d").file("d/b", "bee")
}

#[test]
fn programs_see_a_version_as_soon_as_the_provider_says_so() {
    mounted("programs_see_a_version_as_soon_as_the_provider_says_so", |dir| {
        let projection = small();
        let instance = start(dir, &projection);
        let at = dir.join("a");
        assert_eq!(fs::read_to_string(&at).unwrap(), "one");
        let mut open = File::open(&at).unwrap();
        let number = fs::metadata(&at).unwrap().ino();
        for version in 100..150 {
            let content = format!("version {version}, and as long as {}", "x".repeat(version % 7));
            let info = next(&projection, "a", version as u64, &content);
            assert_eq!(instance.update(&path("a"), &info, UpdateFlags::empty()).unwrap(), Updated::Updated);
            let seen = fs::metadata(&at).unwrap();
            assert_eq!((seen.len(), seen.ino()), (content.len() as u64, number));
            assert_eq!(fs::read_to_string(&at).unwrap(), content);
        }
        let mut old = String::new();
        open.read_to_string(&mut old).unwrap();
        assert_eq!(old, "one");
        assert_eq!(
            instance
                .update(&path("d"), &next(&projection, "a", 7, ""), UpdateFlags::empty())
                .unwrap_err()
                .kind(),
            ErrorKind::NotFound
        );
    });
}

#[test]
fn a_name_appears_and_goes_in_the_kernel_too() {
    mounted("a_name_appears_and_goes_in_the_kernel_too", |dir| {
        let projection = small();
        let instance = start(dir, &projection);
        let names = || {
            let mut names: Vec<_> = fs::read_dir(dir)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(), ["a", "d"]);
        assert!(!dir.join("new").exists());
        let info = next(&projection, "new", 100, "new");
        instance.create_placeholder(&path("new"), &info).unwrap();
        assert_eq!(names(), ["a", "d", "new"]);
        assert_eq!(fs::read_to_string(dir.join("new")).unwrap(), "new");
        projection.remove(&path("new"));
        instance.delete(&path("new"), UpdateFlags::empty()).unwrap();
        assert_eq!(names(), ["a", "d"]);
        assert!(!dir.join("new").exists());
        fs::remove_file(dir.join("a")).unwrap();
        let kept = instance.delete(&path("a"), UpdateFlags::empty()).unwrap_err();
        assert_eq!(kept.kind(), ErrorKind::Kept(UpdateFailureCauses::TOMBSTONE));
        instance.delete(&path("a"), UpdateFlags::ALLOW_TOMBSTONE).unwrap();
        assert_eq!(fs::read_to_string(dir.join("a")).unwrap(), "one");
    });
}

#[test]
fn names_that_were_absent_are_found_after_a_clearing() {
    mounted("names_that_were_absent_are_found_after_a_clearing", |dir| {
        let projection = small();
        let instance = start(dir, &projection);
        for name in ["x", "d/y"] {
            assert!(!dir.join(name).exists());
            next(&projection, name, 100, "there by now");
            assert!(!dir.join(name).exists(), "the kernel was told that it is absent");
        }
        assert_eq!(instance.clear_negative_path_cache().unwrap(), 2);
        for name in ["x", "d/y"] {
            assert_eq!(fs::read_to_string(dir.join(name)).unwrap(), "there by now");
        }
        assert!(instance.write_alignment().unwrap().is_power_of_two());
    });
}

#[test]
fn what_is_local_is_told_of_any_path() {
    mounted("what_is_local_is_told_of_any_path", |dir| {
        let root = dir.join("root");
        fs::create_dir(&root).unwrap();
        let instance = start(&root, &small());
        let state = |name: &str| on_disk_state(&root.join(name)).map_err(|error| error.kind());
        assert_eq!(state("a"), Err(ErrorKind::NotFound), "it is virtual, and stays so");
        assert_eq!(state("d/b"), Err(ErrorKind::PathNotFound));
        assert_eq!(state(""), Ok(OnDiskState::PLACEHOLDER));
        fs::read(root.join("a")).unwrap();
        assert_eq!(state("a"), Ok(OnDiskState::PLACEHOLDER | OnDiskState::HYDRATED_PLACEHOLDER));
        std::os::unix::fs::chown(root.join("a"), Some(1), None).unwrap();
        let dirty =
            OnDiskState::PLACEHOLDER | OnDiskState::HYDRATED_PLACEHOLDER | OnDiskState::DIRTY_PLACEHOLDER;
        assert_eq!(state("a"), Ok(dirty));
        fs::write(root.join("full"), "").unwrap();
        fs::remove_file(root.join("d/b")).unwrap();
        assert_eq!((state("full"), state("d/b")), (Ok(OnDiskState::FULL), Err(ErrorKind::NotFound)));
        std::os::unix::fs::symlink(&root, dir.join("link")).unwrap();
        assert_eq!(on_disk_state(&dir.join("link/full")).unwrap(), OnDiskState::FULL);
        instance.stop();
        assert_eq!((state("a"), state("full")), (Ok(dirty), Ok(OnDiskState::FULL)));
        assert_eq!(state("d/b"), Ok(OnDiskState::TOMBSTONE), "nobody hides it now");
        assert_eq!(state("d/c"), Err(ErrorKind::NotFound));
        assert_eq!(state("e/c"), Err(ErrorKind::PathNotFound));
        fs::write(dir.join("plain"), "").unwrap();
        assert_eq!(on_disk_state(&dir.join("plain")).unwrap(), OnDiskState::FULL);
        assert_eq!(on_disk_state(&dir.join("plain/x")).unwrap_err().kind(), ErrorKind::PathNotFound);
        assert_eq!(on_disk_state(&dir.join("nothing")).unwrap_err().kind(), ErrorKind::NotFound);
    });
}

/// Updates `a` whenever it is asked for `ask`.
struct Busy {
    projection: Projection,
    instance: Arc<OnceLock<Weak<VirtualizationInstance>>>,
}

impl Provider for Busy {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        if request.path().as_bytes() == b"ask" {
            let instance = self.instance.get().and_then(Weak::upgrade).unwrap();
            let info = next(&self.projection, "a", 100, "another");
            instance.update(&path("a"), &info, UpdateFlags::empty()).unwrap();
        }
        self.projection.placeholder_info(request)
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        self.projection.enumerate(request)
    }

    fn file_data(
        &self,
        request: &Request,
        range: std::ops::Range<u64>,
        sink: &DataSink,
    ) -> Result<(), ProviderError> {
        self.projection.file_data(request, range, sink)
    }
}

#[test]
fn a_provider_may_change_the_view_while_it_answers() {
    mounted("a_provider_may_change_the_view_while_it_answers", |dir| {
        let (projection, own) = (small(), Arc::new(OnceLock::new()));
        let provider = Busy { projection, instance: Arc::clone(&own) };
        let root = VirtualizationRoot::mark(dir).unwrap();
        let instance = VirtualizationInstance::builder(root).control(Control::Off).start(provider).unwrap();
        let instance = Arc::new(instance);
        own.set(Arc::downgrade(&instance)).unwrap();
        assert_eq!(fs::read_to_string(dir.join("a")).unwrap(), "one");
        let begin = Instant::now();
        // The kernel keeps everybody out of the directory until this is answered, the one who would forget `a` too.
        assert!(!dir.join("ask").exists());
        assert!(begin.elapsed() < Duration::from_secs(4), "it waited for itself");
        instance.clear_negative_path_cache().unwrap();
        assert_eq!(fs::read_to_string(dir.join("a")).unwrap(), "another");
    });
}

#[test]
fn a_watched_file_that_a_switch_takes_away_is_told_of() {
    use rustix::fs::inotify;
    mounted("a_watched_file_that_a_switch_takes_away_is_told_of", |dir| {
        let projection = small();
        let instance = start(dir, &projection);
        let watches = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        let all = inotify::WatchFlags::ALL_EVENTS;
        for name in ["a", "d", ""] {
            inotify::add_watch(&watches, dir.join(name), all).unwrap();
        }
        let without = small();
        without.remove(&path("a"));
        let switched = instance.switch(without).unwrap();
        assert_eq!((switched.dropped, switched.conflicts), (1, vec![]));
        assert!(!dir.join("a").exists());
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&watches, &mut buffer);
        let mut told = inotify::ReadFlags::empty();
        while let Ok(event) = reader.next() {
            told |= event.events();
        }
        assert!(told.contains(inotify::ReadFlags::DELETE_SELF), "{told:?}");
        assert!(!told.intersects(inotify::ReadFlags::DELETE | inotify::ReadFlags::MODIFY), "{told:?}");
    });
}

#[test]
fn a_root_keeps_the_identity_that_it_was_given() {
    mounted("a_root_keeps_the_identity_that_it_was_given", |dir| {
        let id = InstanceId::from_bytes([7; 16]);
        let version = VersionInfo::of_content(b"root version").unwrap();
        let root = VirtualizationRoot::mark_with(dir, id, version).unwrap();
        assert_eq!(root.id(), id);
        drop(root);
        let other = InstanceId::from_bytes([8; 16]);
        assert_eq!(VirtualizationRoot::mark_with(dir, other, VersionInfo::default()).unwrap().id(), id);
        assert_eq!(VirtualizationRoot::mark(dir).unwrap().id(), id);
    });
}

#[test]
fn a_file_that_comes_back_can_be_written() {
    mounted("a_file_that_comes_back_can_be_written", |dir| {
        let projection = small();
        let instance = start(dir, &projection);
        let at = dir.join("a");
        fs::metadata(&at).unwrap();
        for round in 0..200 {
            let content = format!("content {round}");
            let info = next(&projection, "a", 100 + round, &content);
            instance.update(&path("a"), &info, UpdateFlags::all()).unwrap();
            drop(File::open(&at).unwrap());
            fs::remove_file(&at).unwrap();
            instance.delete(&path("a"), UpdateFlags::all()).unwrap();
            let file = File::options().write(true).open(&at).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, b"mine", 20).unwrap();
            drop(file);
            let seen = fs::metadata(&at).unwrap();
            assert_eq!(seen.len(), 24, "round {round}");
            assert_eq!(fs::read(&at).unwrap().len(), 24, "round {round}");
        }
    });
}
