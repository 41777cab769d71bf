//! Ranges: the content of a large file comes as it is read.
//!
//! What was fetched is kept by the store, as partial content, until the file is whole; so it is fetched once,
//! whoever reads and however often the file is opened. Readers of different ranges do not wait for each other;
//! readers of the same range wait for one command, which is cancelled when the last of them leaves.

mod file;
mod plan;
mod target;

use std::collections::HashMap;
use std::ops::Range;

use projfs_provider::Command;
use projfs_provider::CommandId;
use projfs_provider::DataAccess;
use projfs_provider::DataSink;
use projfs_provider::Reply;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::Weak;
use projfs_sync::atomic::Ordering;
use projfs_types::ItemKind;
use projfs_types::Number;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPath;
use projfs_types::Stat;

use super::Under;
use super::settle::Fetched;
use crate::Engine;
use crate::command::About;
use crate::command::Urgency;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::port::Context;
use crate::port::Patience;
use file::Fate;
pub(crate) use file::RangeFile;
use target::Target;

/// How much of a file is asked for ahead when all of it is wanted, in bytes.
const WINDOW: u64 = 32 << 20;

/// The files that come in parts and that somebody has open, by item. A leaf lock.
#[derive(Default)]
pub(crate) struct Ranges {
    files: Mutex<HashMap<Number, Weak<RangeFile>>>,
}

impl Ranges {
    /// The file that comes in parts, which `make` makes if nobody has it open.
    fn get(
        &self,
        number: Number,
        info: &PlaceholderInfo,
        make: impl FnOnce() -> Result<Arc<RangeFile>>,
    ) -> Result<Arc<RangeFile>> {
        let mut files = self.files.lock();
        if let Some(file) = files.get(&number).and_then(Weak::upgrade)
            && (&file.info.version, file.info.size()) == (&info.version, info.size())
        {
            return Ok(file);
        }
        let file = make()?;
        files.retain(|_, known| known.strong_count() != 0);
        if let Some(old) = files.insert(number, Arc::downgrade(&file)).and_then(|old| old.upgrade()) {
            old.end(Fate::Dropped);
        }
        Ok(file)
    }

    fn end(&self, number: Number, fate: Fate) {
        if let Some(file) = self.files.lock().remove(&number).and_then(|file| file.upgrade()) {
            file.end(fate);
        }
    }
}

impl Engine {
    /// Whether the provider can be asked for ranges.
    pub(crate) fn gives_ranges(&self) -> bool {
        self.commands.traits().data == DataAccess::Ranges
    }

    /// Whether a file comes in parts.
    pub(crate) fn comes_in_parts(&self, info: &PlaceholderInfo) -> bool {
        self.is_large(info) && self.gives_ranges()
    }

    /// Whether a file comes in parts, if the provider gives ranges.
    pub(crate) fn is_large(&self, info: &PlaceholderInfo) -> bool {
        info.item_kind() == ItemKind::File && info.size() > self.options.whole_file_limit
    }

    /// The file that comes in parts, of an item that does.
    pub(crate) fn range_file(
        &self,
        origin: &RelPath,
        info: &PlaceholderInfo,
        number: Number,
    ) -> Result<Arc<RangeFile>> {
        self.ranges.get(number, info, || {
            let partial = self.store.partial(number, info)?;
            Ok(Arc::new(RangeFile::new(
                number,
                origin.to_owned(),
                info.clone(),
                partial,
                self.commands.handler(),
            )))
        })
    }

    /// Fetches what is missing of a range.
    ///
    /// # Errors
    /// The provider's, the store's: other ranges, and those who wait for them, are not concerned.
    pub(crate) fn fetch_range(
        &self,
        context: &Context<'_>,
        file: &Arc<RangeFile>,
        wanted: Range<u64>,
    ) -> Result<()> {
        let wanted = wanted.start..wanted.end.min(file.size());
        if !file.has(&wanted) {
            self.may_hydrate(context, &file.origin)?;
        }
        while !file.has(&wanted) {
            let Patience::Until(interrupt) = context.patience else {
                return Err(ErrorKind::WouldWait.into());
            };
            let wake = |file: &Arc<RangeFile>| {
                let file = Arc::clone(file);
                move || file.wake()
            };
            let _interrupted = interrupt.listen(wake(file));
            let _stopping = self.commands.stopping().listen(wake(file));
            let (joined, begun) = file.join(&wanted);
            for (id, range) in begun {
                // Whatever becomes of it, the reply tells.
                if let Ok(command) = self.send_for(context, file, id, range) {
                    file.sent(id, command);
                }
            }
            let (ended, left) = file.wait(&joined, interrupt, self.commands.stopping());
            left.into_iter().for_each(|command| self.commands.cancel(command));
            ended?;
        }
        Ok(())
    }

    fn send_for(
        &self,
        context: &Context<'_>,
        file: &Arc<RangeFile>,
        id: u64,
        range: Range<u64>,
    ) -> Result<CommandId> {
        let target = Arc::new(Target::new(Arc::clone(file), range.clone()));
        let about = About { path: file.origin.clone(), version: file.info.version.clone() };
        let (commands, file, size) = (Arc::downgrade(&self.commands), Arc::clone(file), file.size());
        let counters = Arc::clone(&self.counters);
        let handler = Arc::clone(&file.handler);
        self.commands.send_to(handler, Urgency::Now, context.caller, about, move |request| {
            let sink = DataSink::new(Arc::clone(&target) as Arc<_>, size, request.cancellation().clone());
            let (delivered, command, asked) = (sink.clone(), request.command(), range.clone());
            let reply = Reply::new(move |answer| {
                let outcome = target.end(answer, &delivered);
                match &outcome {
                    Ok(()) => {
                        counters.hydrated_bytes.fetch_add(asked.end - asked.start, Ordering::Relaxed);
                    }
                    Err(failure) => {
                        tracing::debug!(path = %file.origin, ?asked, ?failure, "a range did not come");
                    }
                }
                if let Some(commands) = commands.upgrade() {
                    commands.answered(command);
                }
                file.landed(id, outcome);
            });
            Command::FileData { request, range, sink, reply }
        })
    }

    /// Fetches all that is missing of a file that comes in parts, which can be published then.
    pub(crate) fn fetch_rest(
        &self,
        context: &Context<'_>,
        origin: &RelPath,
        info: &PlaceholderInfo,
        number: Number,
    ) -> Result<Fetched> {
        // Even what is all there has to be synced.
        if let Patience::None = context.patience {
            return Err(ErrorKind::WouldWait.into());
        }
        let file = self.range_file(origin, info, number)?;
        let size = file.size();
        while let Some(gap) = file.partial.missing(0..size).first() {
            self.fetch_range(context, &file, gap.start..gap.start.saturating_add(WINDOW))?;
        }
        file.complete()?;
        let (info, taken) = (info.clone(), Arc::default());
        Ok(Fetched { file: file.file(), info, number, taken, ranges: Some(file) })
    }

    /// The name of an item leads to a file with all of its content now.
    pub(crate) fn settled(&self, fetched: &Fetched) {
        let number = fetched.number;
        self.ranges.end(number, Fate::Settled);
        match &fetched.ranges {
            Some(_) => {
                self.counters.hydrated_files.fetch_add(1, Ordering::Relaxed);
            }
            None if self.is_large(&fetched.info) => {
                if let Err(error) = self.store.drop_partial(number) {
                    tracing::warn!(%error, "cannot drop the parts of a file that is whole");
                }
            }
            None => {}
        }
    }

    /// What is under a name goes, and with it what was fetched of it. Those who have it open go on with it.
    pub(crate) fn drop_parts(&self, under: &Under) -> Result<()> {
        let (info, number) = match under {
            Under::Noted { info, origin } => (Some(info), Number::of_origin(origin)),
            Under::OnDisk(item) => (item.info.as_ref(), item.stat.number),
            Under::Nothing | Under::Unknown { .. } => return Ok(()),
        };
        if info.is_some_and(|info| self.is_large(info)) {
            self.ranges.end(number, Fate::Dropped);
            self.store.drop_partial(number)?;
        }
        Ok(())
    }

    /// What an item shows that has no name any more, but is open.
    pub(crate) fn stat_of_parts(&self, file: &RangeFile) -> Stat {
        Stat { links: 0, ..self.projected_stat(&file.info, file.number) }
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a list of one range is a list")]
mod tests;
