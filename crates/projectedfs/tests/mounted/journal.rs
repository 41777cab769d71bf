//! What happened on a mount is told by cursor, also after a restart, and also when nothing is mounted.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use projectedfs::*;

use super::instance::files;
use super::support::mounted;

fn start(dir: &Path, limit: u64) -> VirtualizationInstance {
    let root = VirtualizationRoot::mark(dir).unwrap();
    VirtualizationInstance::builder(root).journal_limit(limit).start(files()).unwrap()
}

fn entries(changes: Changes) -> (Vec<JournalEntry>, Cursor) {
    match changes.since {
        Since::Entries { entries, next } => (entries, next),
        gone => panic!("{gone:?}"),
    }
}

fn told(changes: Changes) -> Vec<(String, What)> {
    entries(changes).0.into_iter().map(|entry| (entry.path.to_string(), entry.what)).collect()
}

#[test]
fn a_cursor_goes_on_after_a_restart_and_without_a_mount() {
    mounted("a_cursor_goes_on_after_a_restart_and_without_a_mount", |dir| {
        let instance = start(dir, 64 << 20);
        let journal = instance.journal().unwrap();
        let written = journal.end().to_string();
        fs::create_dir(dir.join("new")).unwrap();
        instance.stop();
        let cursor: Cursor = written.parse().unwrap();
        let created = ("new".to_owned(), What::Created);
        let stopped = told(journal.since(cursor, 100).unwrap());
        assert_eq!(stopped, std::slice::from_ref(&created), "by who had it before the stop");

        let instance = start(dir, 64 << 20);
        let journal = instance.journal().unwrap();
        fs::rename(dir.join("new"), dir.join("old")).unwrap();
        let to = RelPathBuf::new("old").unwrap();
        let expected = [created, ("new".to_owned(), What::Renamed { to })];
        assert_eq!(told(journal.since(cursor, 100).unwrap()), expected);
        instance.stop();

        let unmounted = VirtualizationRoot::open(dir).unwrap().into_journal().unwrap();
        assert_eq!(VirtualizationRoot::open(dir).unwrap_err().kind(), ErrorKind::InUse);
        assert_eq!(told(unmounted.since(cursor, 100).unwrap()), expected);
        let other = Cursor { epoch: cursor.epoch - 1, ..cursor };
        let gone = Since::Gone { next: unmounted.end() };
        assert_eq!(unmounted.since(other, 100).unwrap(), Changes { since: gone, writing: vec![] });
        drop(unmounted);
        start(dir, 64 << 20).stop();
    });
}

#[test]
fn what_is_written_unseen_is_named_by_every_answer() {
    mounted("what_is_written_unseen_is_named_by_every_answer", |dir| {
        let instance = start(dir, 64 << 20);
        let journal = instance.journal().unwrap();
        let mut file = fs::File::options().append(true).open(dir.join("a")).unwrap();
        let (opened, next) = entries(journal.since(journal.start(), 100).unwrap());
        assert_eq!(opened.last().unwrap().what, What::Modified);
        file.write_all(b"more").unwrap();
        let changes = journal.since(next, 100).unwrap();
        assert_eq!(changes.writing, [RelPathBuf::new("a").unwrap()]);
        assert_eq!(told(changes), []);
        // The kernel tells of the close when it gets to it.
        let mut watch = journal.watch(next);
        drop(file);
        let News::Changes(changes) = watch.next(std::time::Duration::from_secs(10)).unwrap() else {
            panic!()
        };
        assert_eq!(told(changes), [("a".to_owned(), What::Modified)]);
    });
}

#[test]
fn registered_readers_survive_and_the_limit_holds() {
    mounted("registered_readers_survive_and_the_limit_holds", |dir| {
        let instance = start(dir, 64 << 20);
        let name = ReaderName::new("indexer").unwrap();
        let begin = instance.journal().unwrap().register(&name).unwrap();
        fs::create_dir(dir.join("d")).unwrap();
        let end = instance.journal().unwrap().end();
        assert_eq!(instance.journal().unwrap().acknowledge(&name, end).unwrap(), Acknowledged::Noted);
        instance.stop();

        let instance = start(dir, 0);
        let journal = instance.journal().unwrap();
        assert_eq!(journal.readers(), [(name.clone(), end)]);
        let file = fs::File::create(dir.join("f")).unwrap();
        file.write_all_at(b"text", 0).unwrap();
        drop(file);
        assert!(journal.start() <= begin, "one segment is kept in any case");
        for number in 0..200 {
            fs::create_dir(dir.join(number.to_string())).unwrap();
        }
        let gone = journal.since(end, 100).unwrap().since;
        assert_eq!(gone, Since::Gone { next: journal.end() });
        assert!(journal.unregister(&name).unwrap());
    });
}
