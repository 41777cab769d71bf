//! The record: what the store knows of one item beside what its inode says, in 64 bytes and an overflow.
//!
//! The first attribute holds all that most items need and stays inside a 256-byte inode; what does not fit
//! goes to a second one. The second is written first, under one of two names in turn, and the first one
//! names it with its checksum: writing the first attribute is the one step that changes a record.
//!
//! # The first attribute
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the format: 1 |
//! | 1 | flags. Bits 0 and 1 are the kind: 0 a full item, 1 a file, 2 a directory, 3 a symbolic link of the provider's. Bit 2: the inode is the item itself and no stand-in; 3: metadata was changed here; 4: there is a second attribute; 5: it is under the second of its names; 6: the mode counts; 7: the inode has extended attributes beside ours |
//! | 2 | the permission bits |
//! | 8 | the number |
//! | integer | the inode for which the record was written |
//! | integer | `FILE_ATTRIBUTE_*` bits. From here to the sections: not of a full item |
//! | integer | the size, of a file only |
//! | time | the write time that was given to the inode |
//! | sections | those that fit |
//! | 4 | the checksum of the second attribute, if there is one |
//! | 4 | the checksum of all before |
//!
//! A section is a byte that says which it is, and bytes behind their length: 1 the content id, 2 the times that are not
//! the write time above (a byte with a bit for each of creation, access, write and change, then those), 3 the provider
//! id, 4 the origin, as [`OriginBuf::to_bytes`] gives it, 5 the target, 6 extended attributes (how many, and the name and the value of each, behind their
//! lengths). One that would be empty is not there. The second attribute is the format, one byte, and the sections that did
//! not fit into the first.
//!
//! Extended attributes are those of the inode. Only while a directory is given others are these in its record too, and are
//! what is shown, until the inode has them: so they change in one step.
//!
//! Numbers of fixed length have the lowest byte first. An integer has seven bits a byte, lowest first, and the top bit
//! in all bytes but the last. A time is two integers: the seconds since 1970, doubled, or if they are negative doubled
//! and inverted; and the nanoseconds. A checksum is the low half of XXH3-64.

use projfs_types::ExtendedAttributes;
use projfs_types::FileTimes;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Projected;
use projfs_types::RECORD_ATTRIBUTE;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;

use crate::codec::Damage;
use crate::codec::Decoded;
use crate::codec::Reader;
use crate::codec::checked_id;
use crate::codec::checked_mode;
use crate::codec::checked_size;
use crate::codec::checked_target;
use crate::codec::checksum;
use crate::codec::put_bytes;
use crate::codec::put_extended;
use crate::codec::put_integer;
use crate::codec::put_time;

/// The name of the first attribute.
pub(crate) const ATTRIBUTE: &str = RECORD_ATTRIBUTE;
/// The two names of the second attribute, used in turn.
pub(crate) const MORE: [&str; 2] = ["user.projfs.more", "user.projfs.more.other"];
/// The most that the first attribute holds.
pub(crate) const LENGTH: usize = 64;

const VERSION: u8 = 1;
const CHECK: usize = 4;

const KIND: u8 = 0b11;
const KIND_FULL: u8 = 0;
const KIND_FILE: u8 = 1;
const KIND_DIRECTORY: u8 = 2;
const KIND_SYMLINK: u8 = 3;
const WHOLE: u8 = 1 << 2;
const DIRTY: u8 = 1 << 3;
const HAS_MORE: u8 = 1 << 4;
const OTHER_SLOT: u8 = 1 << 5;
const HAS_MODE: u8 = 1 << 6;
const HAS_EXTENDED: u8 = 1 << 7;

const SECTION_CONTENT: u8 = 1;
const SECTION_TIMES: u8 = 2;
const SECTION_PROVIDER: u8 = 3;
const SECTION_ORIGIN: u8 = 4;
const SECTION_TARGET: u8 = 5;
const SECTION_EXTENDED: u8 = 6;

/// What is known of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The inode that the record was written for: a copied record is not believed.
    pub(crate) inode: u64,
    /// The number that the item shows.
    pub(crate) number: Number,
    /// The rest.
    pub(crate) item: Recorded,
}

/// What a record says of its item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// It is local.
    Full {
        /// The permission bits shown, where they are not the inode's.
        mode: Option<u16>,
    },
    /// It is the provider's.
    Projected(Provided),
}

/// What is recorded of an item that is the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Provided {
    /// What the provider said, with what was changed here.
    pub(crate) info: PlaceholderInfo,
    /// Where its extended attributes are.
    pub(crate) extended: Extended,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// Whether something was changed here.
    pub(crate) metadata: Metadata,
    /// What the inode holds.
    pub(crate) form: Form,
    /// The write time that was given to the inode: that of the info, as far as the file system can hold it.
    pub(crate) stored_write: Timestamp,
}

/// Where the extended attributes of an item are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extended {
    /// With its inode.
    InInode,
    /// In the record. The inode has yet to get them.
    InRecord,
}

/// What the inode of a projected item holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Nothing: it stands in for the item.
    StandIn,
    /// The item itself: the content of a file, or a directory.
    Whole,
}

/// A record as its two attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// The value of [`ATTRIBUTE`].
    pub(crate) first: Vec<u8>,
    /// The value of one of [`MORE`], if there is one.
    pub(crate) more: Option<(usize, Vec<u8>)>,
}

/// The first attribute alone.
#[derive(Debug)]
pub(crate) struct First<'a> {
    flags: u8,
    body: Reader<'a>,
    more_check: Option<u32>,
}

impl Provided {
    /// The part that an item's state carries.
    pub(crate) fn projected(&self) -> Projected {
        Projected { origin: self.origin.clone(), version: self.info.version.clone(), metadata: self.metadata }
    }

    /// Takes over the part that an item's state carries.
    pub(crate) fn set_projected(&mut self, projected: &Projected) {
        self.origin = projected.origin.clone();
        self.info.version = projected.version.clone();
        self.metadata = projected.metadata;
    }
}

impl Record {
    /// The attributes; a second one goes under the name number `slot` of [`MORE`].
    pub(crate) fn encode(&self, slot: usize) -> Encoded {
        let mut flags = 0;
        let mut mode = 0;
        let mut tail = Vec::new();
        let mut sections = Vec::new();
        match &self.item {
            Recorded::Full { mode: shown } => {
                if let Some(shown) = shown {
                    flags |= HAS_MODE;
                    mode = *shown;
                }
            }
            Recorded::Projected(provided) => {
                flags |= HAS_MODE;
                mode = provided.info.mode;
                flags |= provided.flags();
                put_integer(&mut tail, u64::from(provided.info.attributes));
                if let PlaceholderKind::File { size } = provided.info.kind {
                    put_integer(&mut tail, size);
                }
                put_time(&mut tail, provided.stored_write);
                sections = provided.sections();
            }
        }
        let mut first = vec![VERSION, flags];
        first.extend_from_slice(&mode.to_le_bytes());
        first.extend_from_slice(&self.number.0.to_le_bytes());
        put_integer(&mut first, self.inode);
        first.extend_from_slice(&tail);

        let all: usize = sections.iter().map(Vec::len).sum();
        let mut more = Vec::new();
        if first.len() + all + CHECK <= LENGTH {
            first.extend(sections.into_iter().flatten());
        } else {
            more.push(VERSION);
            for section in sections {
                let fits = first.len() + section.len() + 2 * CHECK <= LENGTH;
                if fits { &mut first } else { &mut more }.extend_from_slice(&section);
            }
            first[1] |= HAS_MORE | if slot == 0 { 0 } else { OTHER_SLOT };
            first.extend_from_slice(&checksum(&more).to_le_bytes());
        }
        let check = checksum(&first);
        first.extend_from_slice(&check.to_le_bytes());
        let more = (!more.is_empty()).then_some((slot, more));
        Encoded { first, more }
    }
}

impl Provided {
    fn flags(&self) -> u8 {
        let kind = match self.info.kind {
            PlaceholderKind::File { .. } => KIND_FILE,
            PlaceholderKind::Directory => KIND_DIRECTORY,
            PlaceholderKind::Symlink { .. } => KIND_SYMLINK,
        };
        let form = match self.form {
            Form::StandIn => 0,
            Form::Whole => WHOLE,
        };
        let metadata = match self.metadata {
            Metadata::Clean => 0,
            Metadata::Dirty => DIRTY,
        };
        let extended = match self.extended {
            Extended::InInode if !self.info.extended.is_empty() => HAS_EXTENDED,
            Extended::InInode | Extended::InRecord => 0,
        };
        kind | form | metadata | extended
    }

    fn sections(&self) -> Vec<Vec<u8>> {
        let mut sections = Vec::new();
        let mut add = |tag, value: &[u8]| {
            let mut section = vec![tag];
            put_bytes(&mut section, value);
            sections.push(section);
        };
        let version = &self.info.version;
        if !version.content.as_bytes().is_empty() {
            add(SECTION_CONTENT, version.content.as_bytes());
        }
        if self.info.times != FileTimes::all(self.stored_write) {
            add(SECTION_TIMES, &times_beside(&self.info.times, self.stored_write));
        }
        if !version.provider.as_bytes().is_empty() {
            add(SECTION_PROVIDER, version.provider.as_bytes());
        }
        if let Origin::At(origin) = &self.origin {
            add(SECTION_ORIGIN, &origin.to_bytes());
        }
        if let PlaceholderKind::Symlink { target } = &self.info.kind {
            add(SECTION_TARGET, target);
        }
        if self.extended == Extended::InRecord {
            let mut extended = Vec::new();
            put_extended(&mut extended, &self.info.extended);
            add(SECTION_EXTENDED, &extended);
        }
        sections
    }
}

impl<'a> First<'a> {
    /// Checks the first attribute.
    pub(crate) fn new(bytes: &'a [u8]) -> Decoded<Self> {
        if bytes.len() > LENGTH {
            return Err(Damage("longer than a record"));
        }
        let covered = bytes.len().checked_sub(CHECK).ok_or(Damage("cut short"))?;
        let (body, check) = bytes.split_at(covered);
        if Reader::new(check).u32()? != checksum(body) {
            return Err(Damage("the checksum is wrong"));
        }
        let mut reader = Reader::new(body);
        if reader.byte()? != VERSION {
            return Err(Damage("an unknown format"));
        }
        let flags = reader.byte()?;
        let mut body = reader.rest();
        let mut more_check = None;
        if flags & HAS_MORE != 0 {
            let inner = body.len().checked_sub(CHECK).ok_or(Damage("cut short"))?;
            let (front, check) = body.split_at(inner);
            more_check = Some(Reader::new(check).u32()?);
            body = front;
        }
        Ok(Self { flags, body: Reader::new(body), more_check })
    }

    /// Which of [`MORE`] the second attribute is under, if there is one.
    pub(crate) fn slot(&self) -> Option<usize> {
        self.more_check.map(|_| usize::from(self.flags & OTHER_SLOT != 0))
    }

    /// Whether the inode has extended attributes beside ours, which are not in the record.
    pub(crate) fn has_extended(&self) -> bool {
        self.flags & HAS_EXTENDED != 0
    }

    /// The record, without extended attributes that are the inode's; `more` is the value of the second attribute.
    pub(crate) fn decode(mut self, more: Option<&[u8]>) -> Decoded<Record> {
        let body = &mut self.body;
        let mode = checked_mode(body.u16()?)?;
        let number = Number(body.u64()?);
        let inode = body.integer()?;
        if self.flags & KIND == KIND_FULL {
            if self.flags & (WHOLE | DIRTY | HAS_MORE | OTHER_SLOT | HAS_EXTENDED) != 0 {
                return Err(Damage("flags that a full item cannot have"));
            }
            let shown = (self.flags & HAS_MODE != 0).then_some(mode);
            body.end()?;
            return Ok(Record { inode, number, item: Recorded::Full { mode: shown } });
        }
        let attributes = body.narrow()?;
        let size = if self.flags & KIND == KIND_FILE { checked_size(body.integer()?)? } else { 0 };
        let stored_write = body.time()?;
        let mut sections = Sections::default();
        sections.read(body, stored_write)?;
        match (self.more_check, more) {
            (None, _) => {}
            (Some(_), None) => return Err(Damage("the second attribute is missing")),
            (Some(check), Some(more)) => {
                if checksum(more) != check {
                    return Err(Damage("the second attribute belongs to another record"));
                }
                let mut reader = Reader::new(more);
                if reader.byte()? != VERSION {
                    return Err(Damage("an unknown format"));
                }
                sections.read(&mut reader, stored_write)?;
            }
        }
        let kind = sections.kind(self.flags & KIND, size)?;
        let form = if self.flags & WHOLE == 0 { Form::StandIn } else { Form::Whole };
        match (&kind, form) {
            (PlaceholderKind::Directory, Form::StandIn) => return Err(Damage("a directory's stand-in")),
            (PlaceholderKind::Symlink { .. }, Form::Whole) => return Err(Damage("a fetched symbolic link")),
            (PlaceholderKind::File { .. }, _)
            | (PlaceholderKind::Directory, Form::Whole)
            | (PlaceholderKind::Symlink { .. }, Form::StandIn) => {}
        }
        let extended = match (&sections.extended, self.flags & HAS_EXTENDED) {
            (Some(_), 0) => Extended::InRecord,
            (Some(_), _) => return Err(Damage("extended attributes in two places")),
            (None, _) => Extended::InInode,
        };
        let info = PlaceholderInfo {
            kind,
            mode,
            attributes,
            times: sections.times.unwrap_or(FileTimes::all(stored_write)),
            version: sections.version,
            extended: sections.extended.unwrap_or_default(),
        };
        let origin = sections.origin.map_or(Origin::Here, Origin::At);
        let metadata = if self.flags & DIRTY == 0 { Metadata::Clean } else { Metadata::Dirty };
        let provided = Provided { info, extended, origin, metadata, form, stored_write };
        Ok(Record { inode, number, item: Recorded::Projected(provided) })
    }
}

/// Those of the times that are not `usual`, behind a byte that says which they are.
fn times_beside(times: &FileTimes, usual: Timestamp) -> Vec<u8> {
    let mut bytes = vec![0];
    let all = [times.creation, times.access, times.write, times.change];
    for (position, time) in all.into_iter().enumerate().filter(|(_, time)| *time != usual) {
        bytes[0] |= 1 << position;
        put_time(&mut bytes, time);
    }
    bytes
}

fn times_with(bytes: &[u8], usual: Timestamp) -> Decoded<FileTimes> {
    let mut reader = Reader::new(bytes);
    let which = reader.byte()?;
    if which > 0b1111 {
        return Err(Damage("more than four times"));
    }
    let mut next = |position: u8| if which & 1 << position == 0 { Ok(usual) } else { reader.time() };
    let times = FileTimes { creation: next(0)?, access: next(1)?, write: next(2)?, change: next(3)? };
    reader.end()?;
    Ok(times)
}

#[derive(Default)]
struct Sections {
    version: VersionInfo,
    times: Option<FileTimes>,
    origin: Option<OriginBuf>,
    target: Option<Box<[u8]>>,
    extended: Option<ExtendedAttributes>,
    seen: u8,
}

impl Sections {
    fn read(&mut self, reader: &mut Reader<'_>, stored_write: Timestamp) -> Decoded<()> {
        while !reader.at_end() {
            let tag = reader.byte()?;
            let value = reader.bytes()?;
            if tag > SECTION_EXTENDED || self.seen & (1 << tag) != 0 {
                return Err(Damage("an unknown or repeated section"));
            }
            self.seen |= 1 << tag;
            match tag {
                SECTION_CONTENT => self.version.content = checked_id(value)?,
                SECTION_TIMES => {
                    self.times = Some(times_with(value, stored_write)?);
                }
                SECTION_PROVIDER => self.version.provider = checked_id(value)?,
                SECTION_ORIGIN => {
                    let origin = OriginBuf::from_bytes(value).ok_or(Damage("an origin that is no path"))?;
                    self.origin = Some(origin);
                }
                SECTION_TARGET => self.target = Some(checked_target(value)?.into()),
                SECTION_EXTENDED => {
                    let mut reader = Reader::new(value);
                    self.extended = Some(reader.extended()?);
                    reader.end()?;
                }
                _ => return Err(Damage("an unknown or repeated section")),
            }
        }
        Ok(())
    }

    fn kind(&mut self, kind: u8, size: u64) -> Decoded<PlaceholderKind> {
        match (kind, self.target.take()) {
            (KIND_FILE, None) => Ok(PlaceholderKind::File { size }),
            (KIND_DIRECTORY, None) => Ok(PlaceholderKind::Directory),
            (KIND_SYMLINK, Some(target)) => Ok(PlaceholderKind::Symlink { target }),
            _ => Err(Damage("a target where none belongs, or none where one does")),
        }
    }
}

#[cfg(test)]
mod tests;
