//! `Scenario`: one thing that is done to a tree, and may be stopped in the middle.

use std::path::Path;

use projfs_engine::RenameHow;
use projfs_store::Existing;
use projfs_store::JournalOptions;
use projfs_store::Store;
use projfs_store::TreeStore;
use projfs_testkit::model::Op;
use projfs_testkit::model::errno_of;
use projfs_types::PlaceholderInfo;
use projfs_types::Timestamp;
use projfs_types::UpdateFlags;
use rustix::io::Errno;

use super::Answer;
use super::Stage;
use super::View;
use super::deeds::act;
use super::deeds::chmod;
use super::deeds::chown;
use super::deeds::dirty;
use super::deeds::fill_journal;
use super::deeds::fill_log;
use super::deeds::leave_much;
use super::deeds::leave_switching;
use super::deeds::look_up;
use super::deeds::nameless;
use super::deeds::nothing;
use super::deeds::open;
use super::deeds::placeholder;
use super::deeds::reader;
use super::deeds::rename;
use super::deeds::setxattr;
use super::deeds::switch;
use super::deeds::sync;
use super::deeds::sync_twice;
use super::deeds::unlink;
use super::deeds::update;
use super::deeds::utimens;
use super::path;
use super::sample;

/// One thing that is done to a tree.
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// What is done before, beside making the tree.
    prepare: fn(&mut Stage),
    /// What it is.
    pub act: Act,
    /// Which others' outcome may be seen, when it is stopped: it is more than one step, and those are between.
    pub between: &'static [&'static str],
    /// Whether there is anything to see of it.
    pub shows: bool,
}

/// What is done.
#[derive(Clone, Copy)]
pub enum Act {
    /// Something to an engine that runs.
    Run(fn(&mut Stage) -> Answer<()>),
    /// The same; the provider has the new view from then on.
    Switch(fn(&mut Stage) -> Answer<()>),
    /// A start, after an instance that was killed left something behind. It changes nothing that can be seen.
    Start(fn(&Path), View),
    /// A directory becomes a root.
    Mark,
}

impl Scenario {
    /// The scenario that is called so.
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().chain(BETWEEN).chain(CONTROLS).find(|scenario| scenario.name == name)
    }

    /// How the journal is divided: where that is what is tried, so that it soon has to be.
    pub fn journal(&self) -> JournalOptions {
        match self.name {
            "rotate-journal" | "trim-journal" => JournalOptions { segment_size: 1024, limit: 4096 },
            _ => JournalOptions::default(),
        }
    }

    /// Makes the tree in a new root, and what has to be there before.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn prepare(&self, root: &Path) -> Stage {
        let journal = self.journal();
        TreeStore::mark(root, Existing::Refuse).expect("an empty directory can be made a root");
        let mut stage = Stage::open(root, View::Old, journal).expect("a root can be opened");
        sample::make(&mut stage);
        // What is done is done by one that knows nothing by heart.
        stage.close();
        let mut stage = Stage::open(root, View::Old, journal).expect("a root can be opened");
        (self.prepare)(&mut stage);
        stage
    }
}

const fn run(name: &'static str, prepare: fn(&mut Stage), act: fn(&mut Stage) -> Answer<()>) -> Scenario {
    Scenario { name, prepare, act: Act::Run(act), between: &[], shows: true }
}

/// The same, if it shows in nothing but its time.
const fn quiet(name: &'static str, prepare: fn(&mut Stage), act: fn(&mut Stage) -> Answer<()>) -> Scenario {
    Scenario { shows: false, ..run(name, prepare, act) }
}

impl Scenario {
    const fn with_between(self, between: &'static [&'static str]) -> Self {
        Self { between, ..self }
    }
}

/// All that is tried.
pub const SCENARIOS: &[Scenario] = &[
    run("note", nothing, |stage| act(stage, &Op::Stat { path: path("d/virtual") })),
    run("create", nothing, |stage| act(stage, &Op::Create { path: path("l/new"), mode: 0o640 })),
    run("create-projected", nothing, |stage| act(stage, &Op::Create { path: path("d/fresh"), mode: 0o640 })),
    run(
        "create-in-virtual",
        |stage| look_up(stage, &["e"]),
        |stage| act(stage, &Op::Create { path: path("e/g"), mode: 0o640 }),
    ),
    run("create-over-tombstone", nothing, |stage| {
        act(stage, &Op::Create { path: path("d/gone"), mode: 0o604 })
    }),
    run("create-nameless", nothing, |stage| nameless(stage)),
    run("mkdir", nothing, |stage| act(stage, &Op::Mkdir { path: path("l/new"), mode: 0o750 })),
    run("mkdir-set-id", nothing, |stage| act(stage, &Op::Mkdir { path: path("l/new"), mode: 0o2750 })),
    run("mkdir-over-tombstone", nothing, |stage| {
        act(stage, &Op::Mkdir { path: path("d/gone"), mode: 0o750 })
    }),
    run("symlink", nothing, |stage| act(stage, &Op::Symlink { path: path("l/new"), target: b"a".to_vec() })),
    run("mknod", nothing, |stage| act(stage, &Op::Mkfifo { path: path("l/new") })),
    run("link", nothing, |stage| act(stage, &Op::Link { from: path("l/a"), to: path("l/new") })),
    run("link-over-tombstone", nothing, |stage| {
        act(stage, &Op::Link { from: path("l/a"), to: path("d/gone") })
    }),
    run("link-hydrated", nothing, |stage| {
        act(stage, &Op::Link { from: path("d/hydrated"), to: path("l/new") })
    }),
    run("hydrate", nothing, |stage| act(stage, &Op::Hydrate { path: path("d/placeholder") })),
    quiet("hydrate-stand-in", nothing, |stage| act(stage, &Op::Hydrate { path: path("d/chmodded") })),
    run("hydrate-moved", nothing, |stage| act(stage, &Op::Hydrate { path: path("d/moved") })),
    quiet(
        "hydrate-part",
        |stage| look_up(stage, &["d/large"]),
        |stage| stage.read_part("d/large", 8192, 1000),
    ),
    quiet("hydrate-more", nothing, |stage| stage.read_part("d/parts", 20_000, 5000)),
    quiet("hydrate-rest", nothing, |stage| act(stage, &Op::Hydrate { path: path("d/parts") })),
    run("convert-placeholder", nothing, |stage| open(stage, "d/placeholder", false))
        .with_between(&["hydrate"]),
    run("convert-hydrated", nothing, |stage| open(stage, "d/hydrated", false)),
    run("convert-readonly", nothing, |stage| open(stage, "d/readonly", false)),
    run("convert-stand-in", nothing, |stage| open(stage, "d/moved", false)).with_between(&["hydrate-moved"]),
    run("convert-parts", nothing, |stage| open(stage, "d/parts", false)).with_between(&["hydrate-rest"]),
    run("truncate-placeholder", nothing, |stage| open(stage, "d/placeholder", true)),
    run("truncate-hydrated", nothing, |stage| open(stage, "d/hydrated", true))
        .with_between(&["convert-hydrated"]),
    run("truncate-full", nothing, |stage| open(stage, "l/a", true)),
    run("set-length-full", nothing, |stage| act(stage, &Op::Truncate { path: path("l/a"), size: 3 })),
    run("set-length-hydrated", nothing, |stage| {
        act(stage, &Op::Truncate { path: path("d/hydrated"), size: 3 })
    })
    .with_between(&["convert-hydrated"]),
    run(
        "write-full",
        |stage| stage.prepare(&[Op::Open { slot: 0, path: path("l/a"), write: true }]),
        |stage| act(stage, &Op::WriteSlot { slot: 0, offset: 2, data: b"IS".to_vec() }),
    ),
    run("unlink-placeholder", nothing, |stage| unlink(stage, "d/placeholder")),
    run("unlink-hydrated", nothing, |stage| unlink(stage, "d/hydrated")),
    run("unlink-stand-in", nothing, |stage| unlink(stage, "d/moved")),
    run("unlink-parts", nothing, |stage| unlink(stage, "d/parts")),
    run("unlink-converted", nothing, |stage| unlink(stage, "d/converted")),
    run("unlink-full", nothing, |stage| unlink(stage, "l/a")),
    run(
        "unlink-open",
        |stage| stage.prepare(&[Op::Open { slot: 0, path: path("l/a"), write: false }]),
        |stage| unlink(stage, "l/a"),
    ),
    run("rmdir-full", nothing, |stage| act(stage, &Op::Rmdir { path: path("l/none") })),
    run("rmdir-projected", nothing, |stage| act(stage, &Op::Rmdir { path: path("bare") })),
    run("rmdir-with-tombstones", nothing, |stage| act(stage, &Op::Rmdir { path: path("hollow") })),
    run("rename-full", nothing, |stage| rename(stage, "l/a", "l/new", RenameHow::NoReplace)),
    run("rename-placeholder", nothing, |stage| rename(stage, "d/placeholder", "l/new", RenameHow::Replace)),
    run("rename-hydrated", nothing, |stage| rename(stage, "d/hydrated", "l/new", RenameHow::Replace)),
    run("rename-stand-in", nothing, |stage| rename(stage, "d/moved", "l/moved", RenameHow::Replace)),
    run("rename-parts", nothing, |stage| rename(stage, "d/parts", "l/new", RenameHow::Replace)),
    run("rename-over-full", nothing, |stage| rename(stage, "l/a", "l/b", RenameHow::Replace)),
    run("rename-over-hydrated", nothing, |stage| rename(stage, "l/a", "d/hydrated", RenameHow::Replace)),
    run("rename-over-tombstone", nothing, |stage| rename(stage, "l/a", "d/gone", RenameHow::Replace)),
    run("rename-local-directory", nothing, |stage| rename(stage, "l/none", "newdir", RenameHow::Replace)),
    run("rename-directory", nothing, |stage| rename(stage, "d/sub", "l/new", RenameHow::Replace)),
    run(
        "rename-virtual-directory",
        |stage| look_up(stage, &["e"]),
        |stage| rename(stage, "e", "newdir", RenameHow::Replace),
    ),
    run("rename-directory-over-empty", nothing, |stage| {
        rename(stage, "l/none", "hollow", RenameHow::Replace)
    })
    .with_between(&["full-hollow"]),
    run("rename-directory-over-tombstone", nothing, |stage| {
        rename(stage, "d/sub", "d/gone", RenameHow::Replace)
    }),
    run("exchange-full", nothing, |stage| rename(stage, "l/a", "l/b", RenameHow::Exchange)),
    run("exchange-hydrated", nothing, |stage| rename(stage, "l/a", "d/hydrated", RenameHow::Exchange)),
    run("exchange-placeholder", nothing, |stage| rename(stage, "l/a", "d/placeholder", RenameHow::Exchange)),
    run("exchange-directories", nothing, |stage| rename(stage, "l", "d/sub", RenameHow::Exchange)),
    run("chmod-placeholder", nothing, |stage| chmod(stage, "d/placeholder", 0o600))
        .with_between(&["dirty-placeholder"]),
    run("chmod-stand-in", nothing, |stage| chmod(stage, "d/moved", 0o600)).with_between(&["dirty-stand-in"]),
    run("chmod-hydrated", nothing, |stage| chmod(stage, "d/hydrated", 0o444))
        .with_between(&["dirty-hydrated"]),
    run("chmod-directory", nothing, |stage| chmod(stage, "d/sub", 0o711)),
    run("chmod-full", nothing, |stage| chmod(stage, "l/a", 0o400)),
    run("chown-placeholder", nothing, |stage| chown(stage, "d/placeholder"))
        .with_between(&["dirty-placeholder"]),
    run("chown-hydrated", nothing, |stage| chown(stage, "d/readonly")).with_between(&["dirty-readonly"]),
    run("chown-full", nothing, |stage| chown(stage, "l/a")),
    run("utimens-placeholder", nothing, |stage| utimens(stage, "d/placeholder"))
        .with_between(&["dirty-placeholder"]),
    run("utimens-hydrated", nothing, |stage| utimens(stage, "d/readonly")).with_between(&["dirty-readonly"]),
    run("utimens-directory", nothing, |stage| utimens(stage, "d/sub")),
    run("utimens-full", nothing, |stage| utimens(stage, "l/a")),
    run("setxattr-placeholder", nothing, |stage| setxattr(stage, "d/placeholder"))
        .with_between(&["dirty-placeholder"]),
    run("setxattr-stand-in", nothing, |stage| setxattr(stage, "d/moved")).with_between(&["dirty-stand-in"]),
    run("setxattr-hydrated", nothing, |stage| setxattr(stage, "d/hydrated"))
        .with_between(&["dirty-hydrated"]),
    run("setxattr-full", nothing, |stage| setxattr(stage, "l/a")),
    run("removexattr", nothing, |stage| {
        act(stage, &Op::RemoveXattr { path: path("d/chmodded"), name: b"user.a".to_vec() })
    }),
    run("dehydrate", nothing, |stage| act(stage, &Op::Dehydrate { path: path("d/hydrated") })),
    run("discard", nothing, |stage| act(stage, &Op::Discard { path: path("d/converted") })),
    run("discard-tombstone", nothing, |stage| {
        let flags = UpdateFlags::ALLOW_TOMBSTONE;
        act(stage, &Op::Drop { path: path("d/gone"), flags })
    }),
    run("update-placeholder", nothing, |stage| update(stage, "d/placeholder", UpdateFlags::empty())),
    run("update-hydrated", nothing, |stage| update(stage, "d/hydrated", UpdateFlags::empty())),
    run("update-stand-in", nothing, |stage| update(stage, "d/chmodded", UpdateFlags::ALLOW_DIRTY_METADATA)),
    run("update-full", nothing, |stage| update(stage, "d/converted", UpdateFlags::ALLOW_DIRTY_DATA)),
    run("update-tombstone", nothing, |stage| update(stage, "d/gone", UpdateFlags::ALLOW_TOMBSTONE)),
    run("delete-hydrated", nothing, |stage| {
        act(stage, &Op::Drop { path: path("d/hydrated"), flags: UpdateFlags::empty() })
    }),
    run(
        "put-placeholder",
        |stage| look_up(stage, &["e"]),
        |stage| {
            let info = PlaceholderInfo::file(15)
                .with_time(Timestamp::from_seconds(5_000_000))
                .with_version(sample::another_version());
            placeholder(stage, "e/g", &info)
        },
    ),
    quiet("sync", nothing, |stage| sync(stage, "l/a")),
    quiet("sync-two-handles", nothing, |stage| sync_twice(stage, "l/a")),
    quiet("sync-directory", nothing, |stage| {
        stage.at(&path("d"), |engine, node| engine.sync_directory(&stage.context(), node))
    }),
    quiet("sync-all", nothing, |stage| stage.engine().sync_all().map_err(|error| errno_of(&error))),
    run("compact-log", fill_log, |stage| act(stage, &Op::Stat { path: path("notes/big") })),
    run("rotate-journal", fill_journal, |stage| chmod(stage, "l/a", 0o600)),
    run("register-reader", nothing, |stage| {
        stage.engine().journal().register(&reader()).map(drop).map_err(|error| error.errno())
    }),
    run(
        "trim-journal",
        |stage| {
            let journal = stage.engine().journal();
            journal.register(&reader()).expect("a reader can be registered");
            fill_journal(stage);
        },
        |stage| {
            let journal = stage.engine().journal();
            journal.acknowledge(&reader(), journal.end()).map(drop).map_err(|error| error.errno())
        },
    ),
    Scenario { act: Act::Switch(switch), ..run("switch", nothing, |_| Ok(())) },
    Scenario { act: Act::Start(leave_much, View::Old), ..quiet("start", nothing, |_| Ok(())) },
    Scenario { act: Act::Start(leave_switching, View::New), ..quiet("start-switching", nothing, |_| Ok(())) },
    Scenario { act: Act::Mark, ..run("mark", nothing, |_| Ok(())) },
];

/// What is between, of those that are more than one step.
pub(super) const BETWEEN: &[Scenario] = &[
    run("dirty-placeholder", nothing, |stage| dirty(stage, "d/placeholder")),
    run("dirty-stand-in", nothing, |stage| dirty(stage, "d/moved")),
    run("dirty-hydrated", nothing, |stage| dirty(stage, "d/hydrated")),
    run("full-hollow", nothing, |stage| {
        let (root, name) = (path(""), path("hollow"));
        let (_, name) = name.split_last().ok_or(Errno::INVAL)?;
        stage.store().convert_directory(&root, name).map_err(|error| error.errno())
    }),
    run("dirty-readonly", nothing, |stage| dirty(stage, "d/readonly")),
];

/// What must be found out: none of these is before or after at every moment.
pub const CONTROLS: &[Scenario] = &[
    run("control-two-steps", nothing, |stage| {
        act(stage, &Op::Create { path: path("l/new"), mode: 0o644 })?;
        act(stage, &Op::Rmdir { path: path("l/none") })
    }),
    run("control-swallowed-error", nothing, |stage| {
        let _ = act(stage, &Op::Rmdir { path: path("l/none") });
        Ok(())
    }),
];
