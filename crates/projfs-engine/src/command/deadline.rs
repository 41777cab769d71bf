//! Time-outs: a provider that does not answer in time has failed, and whoever waits hears so.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::time::Duration;
use std::time::Instant;

use projfs_provider::Command;
use projfs_provider::CommandId;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_sync::clock;

/// How long the provider may take to answer, by kind of question; for ever where nothing is said, as on Windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// For metadata, and whether an item exists.
    pub placeholder_info: Option<Duration>,
    /// For each part of a listing.
    pub enumeration: Option<Duration>,
    /// For content: a whole file, or the range that is asked for.
    pub file_data: Option<Duration>,
    /// For an answer to a notification.
    pub notification: Option<Duration>,
}

impl Timeouts {
    /// The same for every kind of question.
    pub fn all(time: Duration) -> Self {
        let time = Some(time);
        Self { placeholder_info: time, enumeration: time, file_data: time, notification: time }
    }

    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn of(&self, command: &Command) -> Option<Duration> {
        match command {
            Command::PlaceholderInfo { .. } | Command::QueryName { .. } => self.placeholder_info,
            Command::StartEnumeration { .. }
            | Command::NextEntries { .. }
            | Command::EndEnumeration { .. } => self.enumeration,
            Command::FileData { .. } => self.file_data,
            Command::Authorize { .. }
            | Command::Opened { .. }
            | Command::Changed { .. }
            | Command::Observe { .. } => self.notification,
            // Not a question of ours.
            _ => None,
        }
    }
}

impl fmt::Display for Timeouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("metadata", self.placeholder_info),
            ("listings", self.enumeration),
            ("content", self.file_data),
            ("notifications", self.notification),
        ];
        let mut said = false;
        for (kind, time) in kinds {
            let Some(time) = time else { continue };
            write!(f, "{}{kind} {} s", if said { ", " } else { "" }, time.as_secs_f32())?;
            said = true;
        }
        if said { Ok(()) } else { f.write_str("none") }
    }
}

/// When which command has taken too long. A leaf lock.
#[derive(Default)]
pub(super) struct Deadlines {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    earliest: BinaryHeap<Reverse<(Instant, CommandId)>>,
    /// Until when who waits for the next one sleeps; nothing if until he is woken. Most commands are over long before, and
    /// none of them wakes him.
    asleep: Option<Instant>,
    stopped: bool,
}

impl Deadlines {
    /// Adds one, and drops those at the front that are `over`.
    pub(super) fn add(&self, at: Instant, command: CommandId, over: impl Fn(CommandId) -> bool) {
        let mut queue = self.queue.lock();
        while let Some(Reverse((_, first))) = queue.earliest.peek()
            && over(*first)
        {
            queue.earliest.pop();
        }
        queue.earliest.push(Reverse((at, command)));
        if queue.asleep.is_none_or(|until| at < until) {
            self.changed.notify_one();
        }
    }

    /// Waits for the next command that has taken too long, over or not; nothing at the end.
    pub(super) fn next(&self) -> Option<CommandId> {
        let mut queue = self.queue.lock();
        loop {
            if queue.stopped {
                return None;
            }
            match queue.earliest.peek() {
                None => {
                    queue.asleep = None;
                    self.changed.wait(&mut queue);
                }
                Some(Reverse((at, _))) if *at > clock::now() => {
                    let at = *at;
                    queue.asleep = Some(at);
                    self.changed.wait_until(&mut queue, at);
                }
                Some(_) => return queue.earliest.pop().map(|Reverse((_, command))| command),
            }
        }
    }

    pub(super) fn stop(&self) {
        self.queue.lock().stopped = true;
        self.changed.notify_all();
    }
}
