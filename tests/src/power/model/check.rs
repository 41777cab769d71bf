//! Which trees may be there after a power cut.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use projfs_testkit::model::Word;

use super::Act;
use super::Done;
use super::Id;
use super::Model;
use super::Names;
use super::parent;
use crate::act::Shown;
use crate::act::Tree;

/// How the file system below orders what is not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// What is done to names survives up to some moment.
    Whole,
    /// Each directory by itself.
    EachDirectory,
}

/// What had happened when the power was cut.
pub(crate) struct Cut<'a> {
    /// How many acts were begun.
    pub(crate) begun: usize,
    /// Whether an act had been answered.
    pub(crate) answered: &'a dyn Fn(usize) -> bool,
    /// Whether the program was about to stop, or had stopped.
    pub(crate) stopping: bool,
    pub(crate) order: Order,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Syncs that were answered.
    pub(crate) syncs: usize,
    /// Names that had to be as they were.
    pub(crate) names: usize,
    /// Files whose content had to be exactly so.
    pub(crate) exact: usize,
    /// Files that were still there in full as the provider gave them.
    pub(crate) hydrated: usize,
    /// Files of the user's whose unsynced changes may be there or not.
    pub(crate) loose: usize,
}

impl Model {
    /// Whether `found` may be there after a cut.
    pub(crate) fn check(&self, found: &Tree, cut: &Cut<'_>, seen: &mut Seen) -> Result<(), String> {
        // Of each object, the last moment that must have survived.
        let mut kept: BTreeMap<Id, usize> = BTreeMap::new();
        let mut everything = 0;
        for (number, done) in self.acts.iter().enumerate().take(cut.begun) {
            if !done.act.is_sync() || !(cut.answered)(number) {
                continue;
            }
            seen.syncs += 1;
            match done.object {
                Some(object) => drop(kept.insert(object, number + 1)),
                None => everything = number + 1,
            }
        }
        let kept = |id: Id| kept.get(&id).copied().unwrap_or(0).max(everything);
        self.check_names(found, cut, &kept, seen)?;
        match cut.order {
            Order::Whole => {
                // Of a directory, only what changed in it has to survive.
                let changed = |id: Id| self.objects[id].changes.iter().filter(|at| **at <= kept(id)).max();
                let directories = (0..self.objects.len()).filter_map(changed).max();
                let from = directories.copied().unwrap_or(0).max(everything);
                let mut nearest: Option<Vec<String>> = None;
                for moment in from..=cut.begun {
                    let reasons = self.differences(found, moment, cut.begun, &kept, seen);
                    if reasons.is_empty() {
                        return Ok(());
                    }
                    if nearest.as_ref().is_none_or(|nearest| nearest.len() > reasons.len()) {
                        nearest = Some(reasons);
                    }
                }
                let acts: Vec<_> =
                    (from.saturating_sub(8)..cut.begun).map(|at| self.describe(at, cut)).collect();
                Err(format!(
                    "no moment from {from} to {} is there, nearest: {nearest:#?}\n{}",
                    cut.begun,
                    acts.join("\n")
                ))
            }
            Order::EachDirectory => self.agrees_somehow(found, cut, &kept, seen),
        }
    }

    /// Each name in a directory that was synced is as it was at that moment, or as it became later.
    fn check_names(
        &self,
        found: &Tree,
        cut: &Cut<'_>,
        kept: &dyn Fn(Id) -> usize,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let known: BTreeSet<&String> =
            self.names[..=cut.begun].iter().flat_map(|names| names.keys()).collect();
        for path in known.into_iter().filter(|path| !path.is_empty()) {
            let from = self.names[cut.begun].get(parent(path)).map_or(0, |parent| kept(*parent));
            if from == 0 {
                continue;
            }
            seen.names += 1;
            let was: BTreeSet<bool> =
                self.names[from..=cut.begun].iter().map(|names| names.contains_key(path)).collect();
            // Its directory may have moved there since.
            let moved = self.names[from..=cut.begun].iter().any(|names| !names.contains_key(parent(path)));
            let is = found.contains_key(path);
            // Of a rename over a name, btrfs may keep the half that takes the old name away, on a plain directory too.
            let replaced = |done: &Done| matches!(&done.act, Act::Rename { to, .. } if to == path);
            let is_halved =
                cut.order == Order::EachDirectory && !is && self.acts[from..cut.begun].iter().any(replaced);
            if !moved && !is_halved && !was.contains(&is) {
                let acts: Vec<_> = (0..cut.begun)
                    .filter(|at| self.mentions(*at, path))
                    .map(|at| self.describe(at, cut))
                    .collect();
                let is = if is { "is" } else { "is not" };
                return Err(format!(
                    "{path} {is} there, whatever was synced at {from}:\n{}",
                    acts.join("\n")
                ));
            }
        }
        Ok(())
    }

    /// Where the names are not those of a moment, or the contents cannot be there.
    fn differences(
        &self,
        found: &Tree,
        moment: usize,
        begun: usize,
        kept: &dyn Fn(Id) -> usize,
        seen: &mut Seen,
    ) -> Vec<String> {
        let names = &self.names[moment];
        let extra = found.keys().filter(|path| !names.contains_key(*path));
        let mut reasons: Vec<_> = extra.map(|path| format!("{moment}: {path} is there")).collect();
        let mut counted = *seen;
        for (path, id) in names.iter().filter(|(path, _)| !path.is_empty()) {
            let fits = match found.get(path) {
                Some(shown) => self.fits(*id, shown, begun, kept, &mut counted),
                None => Err("is not there".into()),
            };
            reasons.extend(fits.err().map(|why| format!("{moment}: {path} {why}")));
        }
        if reasons.is_empty() {
            *seen = counted;
        }
        reasons
    }

    /// Whether each name is what it was at some moment since its directory was synced.
    fn agrees_somehow(
        &self,
        found: &Tree,
        cut: &Cut<'_>,
        kept: &dyn Fn(Id) -> usize,
        seen: &mut Seen,
    ) -> Result<(), String> {
        for (path, shown) in found {
            let from = self.names[cut.begun].get(parent(path)).map_or(0, |parent| kept(*parent));
            let was: BTreeSet<Id> =
                self.names[from..=cut.begun].iter().filter_map(|names| names.get(path).copied()).collect();
            let mut why = format!("never was there since {from}");
            let fits = was.iter().any(|id| match self.fits(*id, shown, cut.begun, kept, seen) {
                Ok(()) => true,
                Err(reason) => {
                    why = reason;
                    false
                }
            });
            if !fits {
                return Err(format!(
                    "{path} {why}, since {from}:\n{}",
                    self.history(&BTreeSet::from([path.clone()]), cut)
                ));
            }
        }
        // Nothing vanished that always was somewhere: its names may have changed since they were synced, but not all gone.
        let files = self.objects.iter().enumerate().filter(|(_, it)| it.projected && !it.is_directory);
        for (id, _) in files {
            let of = |names: &Names| {
                names
                    .iter()
                    .filter(|(_, known)| **known == id)
                    .map(|(path, _)| path.clone())
                    .collect::<Vec<_>>()
            };
            if self.names[..=cut.begun].iter().any(|names| of(names).is_empty()) {
                continue;
            }
            let ever: BTreeSet<String> =
                self.names[..=cut.begun].iter().flat_map(|names| of(names)).collect();
            if !ever.iter().any(|path| found.contains_key(path)) {
                return Err(format!("a file has none of its names {ever:?}:\n{}", self.history(&ever, cut)));
            }
        }
        Ok(())
    }

    /// Whether a file may have this content.
    fn fits(
        &self,
        id: Id,
        shown: &Shown,
        begun: usize,
        kept: &dyn Fn(Id) -> usize,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let object = &self.objects[id];
        let (content, word) = match (object.is_directory, shown) {
            (true, Shown::Directory) => return Ok(()),
            (false, Shown::File { content, word }) => (content, *word),
            (true, Shown::File { .. }) => return Err("is a file".into()),
            (false, Shown::Directory) => return Err("is a directory".into()),
        };
        let given = &*object.versions[0].1;
        let kept = kept(id);
        let changed = object.versions.iter().skip(1).any(|(at, _)| *at <= kept);
        if word.is_some_and(|word| word != Word::Full) {
            if !object.projected || changed {
                return Err(format!("is {word:?}, and was changed here and synced at {kept}"));
            }
            seen.hydrated += usize::from(word == Some(Word::Hydrated));
            return if content == given {
                Ok(())
            } else {
                Err(format!("is {word:?} and has {}", differs(content, given)))
            };
        }
        let last = object.versions.iter().rposition(|(at, _)| *at <= kept).unwrap_or(0);
        let mut possible: Vec<&Vec<u8>> = object.versions[last..]
            .iter()
            .filter(|(at, _)| *at <= begun)
            .map(|(_, bytes)| &**bytes)
            .collect();
        // What is made here may be there before anything is written.
        if !object.projected && kept == 0 {
            possible.push(EMPTY);
        }
        if let [only] = possible[..] {
            seen.exact += 1;
            return if content == only {
                Ok(())
            } else {
                Err(format!("(synced at {kept}, {word:?}) has {}", differs(content, only)))
            };
        }
        seen.loose += 1;
        let lengths = possible.iter().map(|bytes| bytes.len());
        let (least, most) = (lengths.clone().min().unwrap_or(0), lengths.max().unwrap_or(0));
        if !(least..=most).contains(&content.len()) {
            return Err(format!("({word:?}) has {} bytes, not {least} to {most}", content.len()));
        }
        let fits =
            |at: usize, byte: u8| possible.iter().any(|bytes| bytes.get(at).copied().unwrap_or(0) == byte);
        match content.iter().enumerate().find(|(at, byte)| !fits(*at, **byte)) {
            None => Ok(()),
            Some((at, byte)) => Err(format!(
                "({word:?}, synced at {kept}) has {byte} at {at} of {}, which nobody wrote",
                content.len()
            )),
        }
    }

    /// The acts that are about any of these names.
    fn history(&self, paths: &BTreeSet<String>, cut: &Cut<'_>) -> String {
        let about = |at: &usize| paths.iter().any(|path| self.mentions(*at, path));
        (0..cut.begun).filter(about).map(|at| self.describe(at, cut)).collect::<Vec<_>>().join("\n")
    }

    fn mentions(&self, at: usize, path: &str) -> bool {
        match &self.acts[at].act {
            Act::Rename { from, to } | Act::Link { from, to } => from == path || to == path,
            Act::SyncDirectory { path: dir } => parent(path) == dir,
            Act::SyncAll => true,
            Act::Read { path: other }
            | Act::Create { path: other, .. }
            | Act::Write { path: other, .. }
            | Act::Replace { path: other, .. }
            | Act::Mkdir { path: other }
            | Act::Unlink { path: other }
            | Act::Chmod { path: other, .. }
            | Act::Sync { path: other, .. } => other == path,
        }
    }

    fn describe(&self, at: usize, cut: &Cut<'_>) -> String {
        let answered = if (cut.answered)(at) { "" } else { " (not answered)" };
        let text = match &self.acts[at].act {
            Act::Create { path, data } => format!("create {path}, {} bytes", data.len()),
            Act::Write { path, offset, data } => format!("write {path}, {} bytes at {offset}", data.len()),
            Act::Replace { path, data } => format!("replace {path}, {} bytes", data.len()),
            act => format!("{act:?}"),
        };
        format!("  {:>4} {text}{answered}", at + 1)
    }
}

static EMPTY: &Vec<u8> = &Vec::new();

fn differs(found: &[u8], expected: &[u8]) -> String {
    let at = found
        .iter()
        .zip(expected)
        .position(|(one, other)| one != other)
        .unwrap_or(found.len().min(expected.len()));
    let byte = |bytes: &[u8]| bytes.get(at).map_or("the end".to_owned(), u8::to_string);
    format!(
        "{} of {} bytes, and at {at} {}, not {}",
        found.len(),
        expected.len(),
        byte(found),
        byte(expected)
    )
}
