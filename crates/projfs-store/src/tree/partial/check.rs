//! What is not as it should be among partial content.

use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use rustix::io::Errno;

use super::super::At;
use super::super::Done;
use super::super::room::names_in;
use super::MAP;
use super::range_in;
use super::written_in;
use crate::codec::Decoded;
use crate::codec::Reader;
use crate::journal::Boot;
use crate::log::Log;
use crate::log::Replayed;

/// A file among partial content that is not as it should be.
pub(crate) struct Odd {
    /// Its name.
    pub(crate) name: Vec<u8>,
    pub(crate) what: OddWhat,
    /// What goes with it if it goes, in this order.
    with: Vec<Vec<u8>>,
}

/// What is wrong with it.
pub(crate) enum OddWhat {
    /// It belongs to nothing, for this reason.
    Alone(&'static str),
    /// A log of ranges that can be read for this many bytes only.
    Cut(u64),
}

/// What a log says that the ranges are ranges of.
struct Head {
    number: u64,
    inode: u64,
    size: u64,
}

/// Looks at partial content that nobody has open. What an earlier boot left is as it should be: the next start clears
/// it away.
pub(crate) fn odd_parts(dir: &Arc<OwnedFd>) -> Done<Vec<Odd>> {
    let names = names_in(dir)?;
    let mut odd = Vec::new();
    for name in &names {
        let beside = |other: &[u8]| names.iter().any(|known| known == other);
        let Some(content) = name.strip_suffix(MAP.as_bytes()) else {
            if !beside(&[name, MAP.as_bytes()].concat()) {
                let what = OddWhat::Alone("nothing says which parts there are");
                odd.push(Odd { name: name.clone(), what, with: vec![name.clone()] });
            }
            continue;
        };
        if !beside(content) {
            let what = OddWhat::Alone("there are no parts");
            odd.push(Odd { name: name.clone(), what, with: vec![name.clone()] });
        } else if let Some(what) = look(dir, name, content)? {
            // The log first, as always.
            odd.push(Odd { name: name.clone(), what, with: vec![name.clone(), content.to_vec()] });
        }
    }
    Ok(odd)
}

fn look(dir: &Arc<OwnedFd>, map: &[u8], content: &[u8]) -> Done<Option<OddWhat>> {
    let Ok(map) = std::str::from_utf8(map) else { return Ok(Some(OddWhat::Alone("it has no such name"))) };
    let mut entries = Vec::new();
    let replayed = Log::check(&**dir, map, &mut |entry| entries.push(entry.to_vec()))?;
    let Some((first, ranges)) = entries.split_first() else {
        return Ok(Some(OddWhat::Alone("it does not say of what")));
    };
    if !written_in(first).is_some_and(|boot| boot.is(Boot::current())) {
        return Ok(None);
    }
    let stat = At::new(dir, content.to_vec()).stat()?.ok_or(Errno::NOENT)?;
    let of_it = |head: Head| {
        let name = format!("{:016x}", head.number);
        (name.as_bytes(), head.inode, head.size) == (content, stat.stx_ino, stat.stx_size)
    };
    if !read_head(first).is_ok_and(of_it) {
        return Ok(Some(OddWhat::Alone("it is of another file")));
    }
    let inside = |entry: &Vec<u8>| {
        range_in(entry).is_ok_and(|range| range.start <= range.end && range.end <= stat.stx_size)
    };
    if !ranges.iter().all(inside) {
        return Ok(Some(OddWhat::Alone("it has parts that are not in the file")));
    }
    Ok(match replayed {
        Replayed::Whole => None,
        Replayed::Cut(good) => Some(OddWhat::Cut(good)),
    })
}

fn read_head(entry: &[u8]) -> Decoded<Head> {
    let mut reader = Reader::new(entry);
    reader.take(size_of::<Boot>())?;
    Ok(Head { number: reader.integer()?, inode: reader.integer()?, size: reader.integer()? })
}

impl Odd {
    /// Puts it right: what belongs to nothing goes, to be fetched again; a log ends where it is damaged.
    pub(crate) fn mend(&self, dir: &Arc<OwnedFd>) -> Done<()> {
        match self.what {
            OddWhat::Alone(_) => {
                for name in &self.with {
                    At::new(dir, name.clone()).unlink()?;
                }
            }
            OddWhat::Cut(_) => {
                let name = std::str::from_utf8(&self.name).map_err(|_| Errno::INVAL)?;
                Log::open(&**dir, name, &mut |_| {})?;
            }
        }
        Ok(())
    }
}
