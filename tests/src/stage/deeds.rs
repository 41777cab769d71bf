//! What scenarios do, and what they need for it.

use std::fs;
use std::path::Path;

use projfs_engine::Access;
use projfs_engine::AttributeChange;
use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::OpenHow;
use projfs_engine::RenameHow;
use projfs_engine::SetAttributes;
use projfs_engine::Time;
use projfs_store::Store;
use projfs_testkit::model::Op;
use projfs_testkit::model::errno_of;
use projfs_types::PlaceholderInfo;
use projfs_types::ReaderName;
use projfs_types::Timestamp;
use projfs_types::UpdateFlags;
use rustix::io::Errno;

use super::Answer;
use super::Stage;
use super::View;
use super::path;
use super::sample;

pub(super) fn nothing(_: &mut Stage) {}

/// Has the metadata of an item count as changed, and changes nothing.
pub(super) fn dirty(stage: &Stage, file: &str) -> Answer<()> {
    const REPLACE: u32 = 2;
    let replace = |engine: &projfs_engine::Engine, node| {
        engine.set_xattr(&stage.context(), node, b"user.none", b"", REPLACE)
    };
    match stage.at(&path(file), replace) {
        Err(Errno::NODATA) => Ok(()),
        other => other,
    }
}

pub(super) fn look_up(stage: &mut Stage, paths: &[&str]) {
    for at in paths {
        stage.prepare(&[Op::Stat { path: path(at) }]);
    }
}

pub(super) fn act(stage: &mut Stage, op: &Op) -> Answer<()> {
    stage.act(op).map(drop)
}

pub(super) fn rename(stage: &mut Stage, from: &str, to: &str, how: RenameHow) -> Answer<()> {
    act(stage, &Op::Rename { from: path(from), to: path(to), how })
}

pub(super) fn open(stage: &Stage, file: &str, truncate: bool) -> Answer<()> {
    let how = OpenHow { access: Access::ReadWrite, truncate };
    let opened = stage.at(&path(file), |engine, node| engine.open(&stage.context(), node, how))?;
    stage.engine().release(&stage.context(), opened.handle);
    Ok(())
}

pub(super) fn unlink(stage: &mut Stage, file: &str) -> Answer<()> {
    act(stage, &Op::Unlink { path: path(file) })
}

fn set(stage: &Stage, file: &str, others: AttributeChange) -> Answer<()> {
    let change = SetAttributes { others, ..SetAttributes::default() };
    let set =
        |engine: &projfs_engine::Engine, node| engine.set_attributes(&stage.context(), node, None, &change);
    stage.at(&path(file), set).map(drop)
}

pub(super) fn sync(stage: &Stage, file: &str) -> Answer<()> {
    let how = OpenHow { access: Access::Read, truncate: false };
    stage.at(&path(file), |engine, node| {
        let opened = engine.open(&stage.context(), node, how)?;
        let synced = engine.sync(&stage.context(), opened.handle, false);
        engine.release(&stage.context(), opened.handle);
        synced
    })
}

/// Syncs a file through two handles: of an error below, both are told.
pub(super) fn sync_twice(stage: &Stage, file: &str) -> Answer<()> {
    let how = OpenHow { access: Access::ReadWrite, truncate: false };
    let context = stage.context();
    stage.at(&path(file), |engine, node| {
        let handles = [engine.open(&context, node, how)?, engine.open(&context, node, how)?];
        // Nothing but the sync is left to be done then.
        engine.read(&context, handles[0].handle, 0, &mut [0])?;
        let [first, second] = handles.map(|opened| {
            let synced = engine.sync(&context, opened.handle, false);
            (opened.handle, synced)
        });
        // And but once.
        let again = engine.sync(&context, second.0, false);
        [first.0, second.0].into_iter().for_each(|handle| engine.release(&context, handle));
        match (first.1, second.1, again) {
            (Err(first), Err(second), Ok(())) if first.kind == second.kind => Err(first),
            (Ok(()), second, Ok(())) => second,
            (Ok(()), Ok(()), again) => again,
            (_, _, _) => Err(projfs_engine::ErrorKind::Store(Errno::UCLEAN).into()),
        }
    })
}

pub(super) fn nameless(stage: &Stage) -> Answer<()> {
    let new = NewItem { kind: NewKind::File, permissions: 0o640, uid: 0, gid: 0 };
    let (l, name) = (path("l"), path("new"));
    let (_, name) = name.split_last().ok_or(Errno::INVAL)?;
    stage.at(&l, |engine, dir| {
        let context = stage.context();
        let (entry, opened) = engine.create_nameless(&context, dir, &new, Access::ReadWrite)?;
        let linked = engine.link(&context, entry.node, dir, name);
        engine.release(&context, opened.handle);
        engine.forget(entry.node, 1);
        linked.map(|linked| engine.forget(linked.node, 1))
    })
}

pub(super) fn update(stage: &mut Stage, file: &str, flags: UpdateFlags) -> Answer<()> {
    let data = sample::ANOTHER_CONTENT.to_vec();
    act(stage, &Op::Update { path: path(file), flags, version: sample::ANOTHER, mode: 0o644, data })
}

pub(super) fn switch(stage: &mut Stage) -> Answer<()> {
    let (_, handler) = super::handler(View::New);
    stage.engine().switch(&stage.context(), handler).map(drop).map_err(|error| errno_of(&error))
}

pub(super) fn placeholder(stage: &Stage, at: &str, info: &PlaceholderInfo) -> Answer<()> {
    let made = stage.engine().create_placeholder(&stage.context(), &path(at), info);
    made.map_err(|error| errno_of(&error))
}

/// Fills the placeholder log up to where the next entry has it made anew.
pub(super) fn fill_log(stage: &mut Stage) {
    look_up(stage, &["notes"]);
    let log = stage.root().join(".projfs/placeholders");
    let info = PlaceholderInfo::symlink("x".repeat(4000).into_bytes());
    let filling = path("notes/filling").into();
    while log.metadata().expect("there is a log").len() < (1 << 20) - 4000 {
        stage.store().note(&filling, &info).expect("a placeholder can be noted");
        stage.store().forget(&filling).expect("a placeholder can be forgotten");
    }
}

pub(super) fn reader() -> ReaderName {
    ReaderName::new("reader").expect("a correct name")
}

/// Fills segments of the journal, the last so that the next entry does not fit in.
pub(super) fn fill_journal(stage: &mut Stage) {
    let journal = stage.root().join(".projfs/journal");
    let is_full = || {
        let files = fs::read_dir(&journal).expect("there is a journal").flatten();
        let lengths = files.filter_map(|file| Some(file.metadata().ok()?.len()));
        let lengths: Vec<_> = lengths.filter(|length| *length > 61).collect();
        lengths.len() > 3 && lengths.iter().all(|length| length + 37 > 1024)
    };
    while !is_full() {
        stage.prepare(&[Op::Chmod { path: path("l/a"), mode: 0o644 }]);
    }
}

/// What an instance that was killed may leave.
pub(super) fn leave_much(root: &Path) {
    let own = root.join(".projfs");
    let leave = || {
        fs::write(own.join("new/1"), "a file that got no name")?;
        fs::create_dir_all(own.join("new/2/below/deep"))?;
        fs::write(own.join("new/2/below/file"), "in a directory that got no name")?;
        fs::write(own.join("trash/3"), "a file that was removed while it was open")?;
        fs::create_dir_all(own.join("trash/4/below"))?;
        fs::write(own.join("partial/0123456789abcdef"), "parts without a map")?;
        fs::write(own.join("placeholders.new"), "a log that was not made to its end")?;
        fs::write(own.join("journal/epoch.new"), "an epoch too")?;
        for log in ["placeholders", "journal/0000000000000000"] {
            let log = fs::File::options().append(true).open(own.join(log))?;
            std::io::Write::write_all(&mut &log, b"half an entry")?;
        }
        std::io::Result::Ok(())
    };
    leave().expect("things can be left behind");
}

pub(super) fn leave_switching(root: &Path) {
    fs::write(root.join(".projfs/switching"), "").expect("a file can be made");
}

pub(super) fn chmod(stage: &Stage, file: &str, mode: u32) -> Answer<()> {
    set(stage, file, AttributeChange { permissions: Some(mode), ..AttributeChange::default() })
}

pub(super) fn chown(stage: &Stage, file: &str) -> Answer<()> {
    set(stage, file, AttributeChange { uid: Some(12), gid: Some(34), ..AttributeChange::default() })
}

pub(super) fn utimens(stage: &Stage, file: &str) -> Answer<()> {
    let [access, write] = [6_000_000, 7_000_000].map(|at| Some(Time::At(Timestamp::from_seconds(at))));
    set(stage, file, AttributeChange { access, write, ..AttributeChange::default() })
}

pub(super) fn setxattr(stage: &mut Stage, file: &str) -> Answer<()> {
    act(stage, &Op::SetXattr { path: path(file), name: b"user.a".to_vec(), value: b"value".to_vec() })
}
