//! What an instance answers over its control socket.

use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use projfs_engine::Changes;
use projfs_engine::PathState;
use projfs_provider::CancelToken;
use projfs_store::Since;
use projfs_sync::Arc;
use projfs_types::Cursor;
use projfs_types::CursorError;
use projfs_types::ItemKind;
use projfs_types::JournalEntry;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::What;

use crate::Error;
use crate::ErrorKind;
use crate::JournalReader;
use crate::LocalChanges;
use crate::Watch;
use crate::control::Answer;
use crate::control::Failure;
use crate::control::Feature;
use crate::control::ItemAnswer;
use crate::control::KeeperStatus;
use crate::control::Question;
use crate::control::StateCount;
use crate::control::Status;
use crate::control::server::Answerer;
use crate::escape;
use crate::instance::Shared;
use crate::news::News;

/// How long a watch waits before it looks whether someone still listens.
const WATCH: Duration = Duration::from_millis(200);

/// Answers for an instance.
pub(crate) struct Answers(pub(crate) Arc<Shared>);

type Answered<T> = std::result::Result<T, Failure>;

impl Answerer for Answers {
    fn answer(&self, question: Question, cancel: &CancelToken, say: &mut dyn FnMut(Answer)) -> Answered<()> {
        match question {
            Question::Status => {
                say(Answer::Status(Box::new(self.status()?)));
                Ok(())
            }
            Question::State { paths } => each(&paths, |path| {
                say(Answer::Item(item(path, self.0.state(path, cancel)?)));
                Ok(())
            }),
            Question::OnDisk { path } => each(&[path], |path| {
                say(Answer::OnDisk { state: self.0.on_disk_state(path)?.bits() });
                Ok(())
            }),
            Question::Hydrate { paths } => {
                let mut all = Vec::new();
                each(&paths, |path| {
                    all.push(path.to_owned());
                    Ok(())
                })?;
                self.0.prefetch(&all, cancel)?;
                each(&paths, |path| {
                    let mut done = |path: &RelPath| say(Answer::Fetched { path: text(path) });
                    Ok(self.0.hydrate(path, cancel, &mut done)?)
                })
            }
            Question::Dehydrate { paths, discard } => {
                let changes = if discard { LocalChanges::Discard } else { LocalChanges::Keep };
                each(&paths, |path| {
                    let mut report = |path: &RelPath, result: crate::Result<()>| {
                        say(match result {
                            Ok(()) => Answer::Virtual { path: text(path) },
                            Err(error) => Answer::Kept { path: text(path), reason: reason(&error) },
                        });
                    };
                    Ok(self.0.dehydrate(path, changes, cancel, &mut report)?)
                })
            }
            Question::Watch { since, once } => self.watch(since.as_deref(), once, cancel, say),
            Question::DiskUse => {
                say(Answer::DiskUse { bytes: self.0.disk_use()? });
                Ok(())
            }
            Question::Upgrade => Ok(self.0.upgrade()?),
            Question::Unmount { force: true } => {
                self.0.stop();
                Ok(())
            }
            Question::Unmount { force: false } => Ok(self.0.unmount()?),
        }
    }
}

impl Answers {
    fn status(&self) -> Answered<Status> {
        let shared = &self.0;
        let live = shared.live()?;
        let statistics = live.engine.statistics();
        let features = live.features();
        let feature = |name: &str| {
            let found = features.iter().find(|(found, _)| *found == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let states = live.engine.count_states();
        let states =
            states.map_err(|error| Error::engine(error, "count the items of", &shared.origin.path))?;
        let count =
            |(word, count): (projfs_engine::StateWord, u64)| StateCount { state: word.to_string(), count };
        let keeper = live.keeper.as_deref().map(|keeper| KeeperStatus {
            pid: keeper.keeper(),
            restarts: keeper.restarts(),
            program: escape(keeper.program().as_os_str().as_bytes()),
            format: crate::MEMORY_FORMAT,
        });
        Ok(Status {
            keeper,
            pid: std::process::id(),
            root: escape(shared.origin.path.as_os_str().as_bytes()),
            source: shared.origin.source.clone(),
            instance: shared.origin.id.to_string(),
            started: shared.started_seconds(),
            transport: feature("transport"),
            data_path: feature("data path"),
            states: states.into_iter().map(count).collect(),
            provider_calls: statistics
                .provider_calls
                .iter()
                .map(|(name, n)| ((*name).to_owned(), *n))
                .collect(),
            hydrated_files: statistics.hydrated_files,
            hydrated_bytes: statistics.hydrated_bytes,
            nodes: statistics.nodes as u64,
            open_files: statistics.handles as u64,
            waiting: live.session.load().0 as u64,
            features: features
                .into_iter()
                .map(|(name, value)| Feature { name: name.into(), value })
                .collect(),
        })
    }

    fn watch(
        &self,
        since: Option<&str>,
        once: bool,
        cancel: &CancelToken,
        say: &mut dyn FnMut(Answer),
    ) -> Answered<()> {
        let journal = self.0.journal()?;
        let cursor = match since {
            None => journal.end(),
            Some(text) => journal
                .place(text)
                .map_err(|error| Failure { kind: "refused".into(), message: format!("{text}: {error}") })?,
        };
        let mut watch = journal.watch(cursor);
        if once {
            return Ok(watch.tell_all(say)?);
        }
        while !cancel.is_cancelled() {
            match watch.next(WATCH)? {
                News::Nothing => {}
                News::Stopped => return Ok(()),
                News::Changes(changes) => tell(&changes, say),
            }
        }
        Ok(())
    }
}

impl JournalReader {
    /// The place that a text names: a cursor, or `start`, the first that is still there.
    ///
    /// # Errors
    /// It is neither.
    pub fn place(&self, text: &str) -> std::result::Result<Cursor, CursorError> {
        if text == "start" { Ok(self.start()) } else { text.parse() }
    }
}

impl Watch {
    /// Tells, as the control socket does, of what happened up to now, and where to go on.
    ///
    /// # Errors
    /// The store's.
    pub fn tell_all(&mut self, say: &mut dyn FnMut(Answer)) -> crate::Result<()> {
        // Others may go on faster than this is told.
        let end = self.end();
        loop {
            let changes = self.read()?;
            tell(&changes, say);
            if self.cursor() >= end {
                return Ok(());
            }
        }
    }
}

fn tell(changes: &Changes, say: &mut dyn FnMut(Answer)) {
    let next = match &changes.since {
        Since::Gone { next } => {
            say(Answer::Gone { cursor: next.to_string() });
            next
        }
        Since::Entries { entries, next } => {
            let first = next.sequence - entries.len() as u64;
            (first..).zip(entries).for_each(|(sequence, entry)| say(change(sequence, entry)));
            next
        }
    };
    let writing = changes.writing.iter().map(|path| text(path)).collect();
    say(Answer::Cursor { cursor: next.to_string(), writing });
}

/// Answers about each path.
fn each(paths: &[String], mut answer: impl FnMut(&RelPath) -> Answered<()>) -> Answered<()> {
    for path in paths {
        let refused =
            |why: &dyn fmt::Display| Failure { kind: "refused".into(), message: format!("{path}: {why}") };
        let bytes = crate::unescape(path).ok_or_else(|| refused(&"a backslash that begins nothing"))?;
        let checked = RelPathBuf::new(bytes).map_err(|error| refused(&error))?;
        answer(&checked)?;
    }
    Ok(())
}

fn text(path: &RelPath) -> String {
    escape(path.as_bytes())
}

/// The state of an item, as it is answered.
fn item(path: &RelPath, state: PathState) -> ItemAnswer {
    ItemAnswer::new(path, state)
}

impl ItemAnswer {
    /// An item and its state.
    pub fn new(path: &RelPath, state: PathState) -> Self {
        let version = state.version.map(|version| version_text(version.content.as_bytes()));
        Self {
            path: text(path),
            state: state.word.to_string(),
            version: version.filter(|version| !version.is_empty()),
            origin: state.origin.map(|origin| text(&origin)),
        }
    }
}

/// An id that is text is shown as it is, any other in hexadecimal.
fn version_text(id: &[u8]) -> String {
    match std::str::from_utf8(id) {
        Ok(text) if text.chars().all(|c| c.is_ascii_graphic()) => text.to_owned(),
        Ok(_) | Err(_) => id.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn change(sequence: u64, entry: &JournalEntry) -> Answer {
    let (what, to) = match &entry.what {
        What::Created => ("created", None),
        What::Modified => ("modified", None),
        What::Metadata => ("metadata", None),
        What::Converted => ("converted", None),
        What::Renamed { to } => ("renamed", Some(to)),
        What::Linked { to } => ("linked", Some(to)),
        What::Deleted => ("deleted", None),
        What::Updated => ("updated", None),
        What::Exchanged { with } => ("exchanged", Some(with)),
    };
    let kind = match entry.kind {
        ItemKind::File => "file",
        ItemKind::Directory => "directory",
        ItemKind::Symlink => "symlink",
        ItemKind::Special => "special",
    };
    Answer::Change {
        sequence,
        what: what.into(),
        kind: kind.into(),
        path: text(&entry.path),
        to: to.map(|to| text(to)),
    }
}

/// Why an item was kept, without naming it again.
fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Operation(kind) => kind.to_string(),
        kind => kind.to_string(),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::NotFound => "not-found",
            ErrorKind::PathNotFound => "path-not-found",
            ErrorKind::Busy => "busy",
            ErrorKind::Stopped => "stopped",
            ErrorKind::PermissionDenied => "refused",
            _ => "failed",
        };
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self { kind: kind.into(), message }
    }
}
