//! Finding, and mending, what a crash or a hand can leave in a root that is not in use.
//!
//! Nothing here is needed for a root to be opened; it tells what is not as it should be. Mending never
//! deletes content that may be someone's: what cannot be told to be the provider's becomes full.

use std::os::fd::OwnedFd;
use std::path::Path;

use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::mode;
use rustix::fs::Statx;
use rustix::io::Errno;

use crate::Result;
use crate::StoreErrorKind;
use crate::log::Log;
use crate::log::Replayed;
use crate::record::Form;
use crate::record::Provided;
use crate::record::Record;
use crate::record::Recorded;
use crate::tree::At;
use crate::tree::Done;
use crate::tree::Fault;
use crate::tree::Seen;
use crate::tree::parts;

/// Whether what is found is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is changed.
    Check,
    /// What can be mended is.
    Mend,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where, below the root; the store's own files are below `.projfs`.
    pub path: RelPathBuf,
    /// What is wrong.
    pub trouble: Trouble,
    /// Whether it was mended.
    pub mended: bool,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// An item's record cannot be read, for the reason given. Mended, the item is full.
    DamagedRecord(String),
    /// A stand-in's record cannot be read, for the reason given. Mended, it is virtual.
    DamagedStandIn(String),
    /// A stand-in got content. Mended, it is a full file with that content.
    StandInWithContent,
    /// A stand-in that can be opened. Mended, it cannot.
    OpenStandIn,
    /// A copy of a stand-in, without content. Mended, it is gone.
    CopiedStandIn,
    /// A fetched file of whose content a power cut took some. Mended, it is fetched again.
    CutOff,
    /// What an operation, or an instance, that came to no end left behind. Mended, it is gone.
    Leftover,
    /// Parts of a large file, or the map of them, that belong to nothing, for the reason given. Mended, they are gone, and
    /// are fetched again.
    DamagedParts(&'static str),
    /// The placeholder log, or a map of parts, can be read for this many bytes only. Mended, it ends there.
    DamagedLog(u64),
}

/// Looks at everything in a root that is not in use.
///
/// # Errors
/// `NotARoot` if the directory was not marked; `InUse` if an instance has it open; `Os` if something cannot
/// be read, or not be mended.
pub fn run(root: &Path, mode: Mode) -> Result<Vec<Finding>> {
    check(root, mode).map_err(parts::about("check the root", RelPathBuf::root))
}

fn check(path: &Path, mode: Mode) -> Done<Vec<Finding>> {
    let root = parts::open_root(path)?;
    let (_lock, _) = parts::lock(&root)?;
    let root = Arc::new(root);
    let own = parts::open_below(&root, parts::OWN)?;
    let new = Arc::new(parts::open_below(&own, b"new").or_else(|errno| match errno {
        // It is made when the root is opened; the store's own directory will do.
        Errno::NOENT => parts::open_below(&root, parts::OWN),
        errno => Err(errno),
    })?);
    let mut check = Check { mode, new, findings: Vec::new() };
    check.own(&root)?;
    check.tree(&root)?;
    Ok(check.findings)
}

struct Check {
    mode: Mode,
    /// Where things are made before they get their name.
    new: Arc<OwnedFd>,
    findings: Vec<Finding>,
}

impl Check {
    fn found(&mut self, path: RelPathBuf, trouble: Trouble, mend: impl FnOnce() -> Done<()>) -> Done<()> {
        let mended = match self.mode {
            Mode::Check => false,
            Mode::Mend => mend().map(|()| true)?,
        };
        self.findings.push(Finding { path, trouble, mended });
        Ok(())
    }

    /// The store's own directory.
    fn own(&mut self, root: &OwnedFd) -> Done<()> {
        let own = parts::open_below(root, parts::OWN)?;
        let own_path = named(RelPath::root(), parts::OWN)?;
        for part in ["new", "trash"] {
            let dir = match parts::open_below(&own, part.as_bytes()) {
                Ok(dir) => Arc::new(dir),
                // It is made when the root is opened.
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno.into()),
            };
            let part_path = named(&own_path, part.as_bytes())?;
            for name in parts::names_in(&dir)? {
                self.found(named(&part_path, &name)?, Trouble::Leftover, || Ok(()))?;
            }
            if self.mode == Mode::Mend {
                parts::empty(&dir)?;
            }
        }
        self.partial(&own, &own_path)?;
        if let Replayed::Cut(good) = Log::check(&own, parts::PLACEHOLDERS, &mut |_| {})? {
            let path = named(&own_path, parts::PLACEHOLDERS.as_bytes())?;
            self.found(path, Trouble::DamagedLog(good), || {
                Log::open(&own, parts::PLACEHOLDERS, &mut |_| {})?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Large files of which only parts came.
    fn partial(&mut self, own: &OwnedFd, own_path: &RelPath) -> Done<()> {
        const PARTIAL: &[u8] = b"partial";
        let dir = match parts::open_below(own, PARTIAL) {
            Ok(dir) => Arc::new(dir),
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
        let path = named(own_path, PARTIAL)?;
        for odd in parts::odd_parts(&dir)? {
            let trouble = match odd.what {
                parts::OddWhat::Alone(why) => Trouble::DamagedParts(why),
                parts::OddWhat::Cut(good) => Trouble::DamagedLog(good),
            };
            self.found(named(&path, &odd.name)?, trouble, || odd.mend(&dir))?;
        }
        Ok(())
    }

    /// Everything else. Directories are reached by path, as a store does: a tree may be deeper than there
    /// are descriptors.
    fn tree(&mut self, root: &Arc<OwnedFd>) -> Done<()> {
        let dirs = parts::Dirs::new();
        let mut left = vec![RelPathBuf::root()];
        while let Some(path) = left.pop() {
            let Some(dir) = dirs.get(root, &path)? else { continue };
            for name in parts::names_in(&dir)? {
                if path.is_root() && name == parts::OWN {
                    continue;
                }
                let at = At::new(&dir, name);
                let Some(stat) = at.stat()? else { continue };
                let item = named(&path, &at.name)?;
                self.item(&item, &at, &stat)?;
                if parts::kind(&stat) == ItemKind::Directory {
                    left.push(item);
                }
            }
        }
        Ok(())
    }

    /// A fetched file of whose content some is missing. Where its record is all that says where it comes from, and what
    /// was changed in it, the record stays.
    fn cut_off(
        &mut self,
        path: RelPathBuf,
        at: &At,
        stat: &Statx,
        (number, provided): (Number, Provided),
    ) -> Done<()> {
        let at_home = provided.origin == Origin::Here && provided.metadata == Metadata::Clean;
        let new = Arc::clone(&self.new);
        self.found(path, Trouble::CutOff, || match at_home {
            true => Ok(at.unlink()?),
            false => parts::stand_in_for(&At::new(&new, "mended"), at, stat, number, provided),
        })
    }

    fn item(&mut self, path: &RelPath, at: &At, stat: &Statx) -> Done<()> {
        let inode = parts::Inode::Named(at);
        let bare = stat.stx_size == 0 && u32::from(stat.stx_mode) & mode::PERMISSIONS == 0;
        let is_file = parts::kind(stat) == ItemKind::File;
        let path = path.to_owned();
        match at.see(stat) {
            Err(Fault(StoreErrorKind::Corrupt(why))) => {
                if is_file && bare {
                    self.found(path, Trouble::DamagedStandIn(why), || Ok(at.unlink()?))
                } else {
                    self.found(path, Trouble::DamagedRecord(why), || inode.remove_record())
                }
            }
            Err(fault) => Err(fault),
            Ok(Seen::Ghost) => self.found(path, Trouble::CopiedStandIn, || Ok(at.unlink()?)),
            Ok(Seen::CutOff { number, provided }) => self.cut_off(path, at, stat, (number, provided)),
            Ok(Seen::Projected { number, provided })
                if is_file && provided.form == Form::Whole && !parts::has_content(at, stat)? =>
            {
                self.cut_off(path, at, stat, (number, provided))
            }
            Ok(Seen::Full { .. }) if is_file && stat.stx_size != 0 => {
                if stands_in(inode.record()?.as_ref()) {
                    return self.found(path, Trouble::StandInWithContent, || inode.remove_record());
                }
                Ok(())
            }
            Ok(Seen::Projected { provided, .. }) if provided.form == Form::StandIn && !bare => {
                self.found(path, Trouble::OpenStandIn, || Ok(at.change_mode(0)?))
            }
            Ok(Seen::Tombstone | Seen::Full { .. } | Seen::Projected { .. }) => Ok(()),
        }
    }
}

fn stands_in(record: Option<&Record>) -> bool {
    match record.map(|record| &record.item) {
        Some(Recorded::Projected(provided)) => provided.form == Form::StandIn,
        Some(Recorded::Full { .. }) | None => false,
    }
}

fn named(dir: &RelPath, name: &[u8]) -> Done<RelPathBuf> {
    Ok(dir.join(ItemName::new(name).map_err(|_| Errno::INVAL)?))
}

#[cfg(test)]
mod tests;
