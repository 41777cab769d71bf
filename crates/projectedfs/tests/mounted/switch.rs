//! A whole tree switches from one version to another.

use std::collections::BTreeSet;
use std::fs;
use std::fs::Permissions;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use projectedfs::*;
use projfs_provider::StaticTree;

use super::support::mounted;
use super::support::say;

/// How large a tree is, and what is done to it.
struct Plan {
    directories: usize,
    /// In each directory.
    files: usize,
    hydrated: usize,
    changed: usize,
}

/// One version of a tree in which every file has another content in every version.
struct Version {
    number: u32,
    tree: StaticTree<String>,
}

fn file(plan: &Plan, at: usize) -> String {
    format!("top{}/dir{}/file{}", at / plan.files % 7, at / plan.files, at % plan.files)
}

impl Version {
    fn new(plan: &Plan, number: u32) -> Self {
        let version = VersionInfo::of_content(&number.to_le_bytes()).unwrap();
        let directory = PlaceholderInfo::directory().with_version(version.clone());
        let mut tree = StaticTree::builder().implied(directory);
        for at in 0..plan.directories * plan.files {
            let (path, text) = (file(plan, at), format!("file {at} in version {number}"));
            let info = PlaceholderInfo::file(text.len() as u64).with_version(version.clone());
            tree.insert(RelPath::new(path.as_bytes()).unwrap(), info, text).unwrap();
        }
        Self { number, tree: tree.build() }
    }
}

impl Provider for Version {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.tree.item(request.path())
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        self.tree.list(request.path())
    }

    fn file_data(&self, request: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let ours = request.version().content.as_bytes()
            == VersionInfo::of_content(&self.number.to_le_bytes()).unwrap().content.as_bytes();
        assert!(ours, "each version answers for itself");
        sink.write_at(0, self.tree.get(request.path())?.as_bytes())
    }
}

fn switch(dir: &Path, plan: &Plan) {
    let count = plan.directories * plan.files;
    let begin = Instant::now();
    let root = VirtualizationRoot::mark(dir).unwrap();
    let instance =
        VirtualizationInstance::builder(root).control(Control::Off).start(Version::new(plan, 1)).unwrap();
    for at in 0..count {
        fs::metadata(dir.join(file(plan, at))).unwrap();
    }
    let step = count / plan.hydrated;
    for at in (0..count).step_by(step) {
        fs::read(dir.join(file(plan, at))).unwrap();
    }
    // Some of what is hydrated, some of what is not.
    let step = count / plan.changed;
    let mut changed = BTreeSet::new();
    for at in (0..count).step_by(step).take(plan.changed) {
        let path = file(plan, at + at / step % 2);
        match at / step % 3 {
            0 => fs::write(dir.join(&path), "changed here").unwrap(),
            1 => fs::set_permissions(dir.join(&path), Permissions::from_mode(0o600)).unwrap(),
            _ => fs::remove_file(dir.join(&path)).unwrap(),
        }
        assert!(changed.insert(path));
    }
    let placeholders = instance.statistics().unwrap().placeholders;
    say(&format!(
        "{placeholders} placeholders, {} hydrated, {} changed: {:?}",
        plan.hydrated,
        changed.len(),
        begin.elapsed()
    ));

    let open = fs::File::open(dir.join(file(plan, count - 1))).unwrap();
    let new = Version::new(plan, 2);
    let begin = Instant::now();
    let switched = instance.switch(new).unwrap();
    let took = begin.elapsed();
    let Switched { updated, dropped, pause, .. } = switched;
    say(&format!(
        "switched in {took:?}, with everybody kept out for {pause:?}: {updated} updated, {dropped} dropped"
    ));

    let kept: BTreeSet<_> = switched.conflicts.iter().map(|conflict| conflict.path.to_string()).collect();
    assert_eq!(kept, changed, "those that were changed here, and no others");
    let updated = usize::try_from(switched.updated).unwrap();
    assert!(updated >= count - plan.changed && switched.dropped == 0, "{switched:?}");
    for at in (0..count).step_by(count / plan.changed / 2 + 1) {
        let path = file(plan, at);
        if !changed.contains(&path) {
            let text = fs::read_to_string(dir.join(&path)).unwrap();
            assert_eq!(text, format!("file {at} in version 2"));
        }
    }
    assert_eq!(std::io::read_to_string(open).unwrap(), format!("file {} in version 1", count - 1));
    let begin = Instant::now();
    let again = instance.refresh().unwrap();
    say(&format!("compared once more in {:?}", begin.elapsed()));
    assert_eq!((again.updated, again.dropped), (0, 0));
}

#[test]
fn a_tree_switches_and_names_what_was_kept() {
    mounted("a_tree_switches_and_names_what_was_kept", |dir| {
        switch(dir, &Plan { directories: 30, files: 10, hydrated: 50, changed: 15 });
    });
}

#[test]
fn a_large_tree_switches_and_names_what_was_kept() {
    const NAME: &str = "a_large_tree_switches_and_names_what_was_kept";
    if std::env::var_os("PROJFS_LONG").is_none() {
        say(&format!(
            "SKIPPED {NAME}: it takes 20 seconds if it is built with --release; PROJFS_LONG=1 runs it"
        ));
        return;
    }
    mounted(NAME, |dir| {
        switch(dir, &Plan { directories: 4_000, files: 20, hydrated: 5_000, changed: 50 });
    });
}
