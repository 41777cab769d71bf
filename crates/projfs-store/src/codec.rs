//! Bytes that records and logs are made of: variable-length integers, checksums, times and ids.
//!
//! Whatever is read back was on a disk that others can write to: every reader checks, none panics.

use projfs_types::ExtendedAttributes;
use projfs_types::FileTimes;
use projfs_types::PlaceholderId;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;
use twox_hash::XxHash3_64;

/// What is wrong with some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage(pub(crate) &'static str);

/// The result of reading bytes back.
pub(crate) type Decoded<T> = Result<T, Damage>;

const NANOSECONDS: u32 = 1_000_000_000;
const TARGET_MAX: usize = 4095;
/// In the byte that says the kind of an item: its extended attributes follow its versions.
const HAS_EXTENDED: u8 = 1 << 2;

/// Tells damaged bytes from whole ones; no defense against intent.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    let hash = XxHash3_64::oneshot(bytes).to_le_bytes();
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// Appends an integer, seven bits a byte, lowest first.
pub(crate) fn put_integer(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends bytes behind their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_integer(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a time; times near 1970, before or after, are short.
pub(crate) fn put_time(out: &mut Vec<u8>, time: Timestamp) {
    let folded = (time.seconds.cast_unsigned() << 1) ^ (time.seconds >> 63).cast_unsigned();
    put_integer(out, folded);
    put_integer(out, u64::from(time.nanoseconds));
}

/// Appends all four times.
pub(crate) fn put_times(out: &mut Vec<u8>, times: &FileTimes) {
    for time in [times.creation, times.access, times.write, times.change] {
        put_time(out, time);
    }
}

/// Appends extended attributes: how many, and the name and the value of each.
pub(crate) fn put_extended(out: &mut Vec<u8>, extended: &ExtendedAttributes) {
    put_integer(out, extended.len() as u64);
    for (name, value) in extended.iter() {
        put_bytes(out, name);
        put_bytes(out, value);
    }
}

/// Appends all that a provider said of an item: its kind (1 a file, 2 a directory, 3 a symbolic link, and 4 more if it has
/// extended attributes), its size or its target, the mode, the attributes, the times, both ids of its version, its
/// extended attributes.
pub(crate) fn put_info(out: &mut Vec<u8>, info: &PlaceholderInfo) {
    let extended = if info.extended.is_empty() { 0 } else { HAS_EXTENDED };
    match &info.kind {
        PlaceholderKind::File { size } => {
            out.push(1 | extended);
            put_integer(out, *size);
        }
        PlaceholderKind::Directory => out.push(2 | extended),
        PlaceholderKind::Symlink { target } => {
            out.push(3 | extended);
            put_bytes(out, target);
        }
    }
    put_integer(out, u64::from(info.mode));
    put_integer(out, u64::from(info.attributes));
    put_times(out, &info.times);
    put_bytes(out, info.version.content.as_bytes());
    put_bytes(out, info.version.provider.as_bytes());
    if extended != 0 {
        put_extended(out, &info.extended);
    }
}

/// Reads what the functions above wrote.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether everything was read.
    pub(crate) fn at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Decoded<()> {
        if self.at_end() { Ok(()) } else { Err(Damage("bytes after the end")) }
    }

    /// What is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The next bytes.
    pub(crate) fn take(&mut self, count: usize) -> Decoded<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damage("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> Decoded<u8> {
        let (&byte, rest) = self.0.split_first().ok_or(Damage("cut short"))?;
        self.0 = rest;
        Ok(byte)
    }

    /// Two bytes, lowest first.
    pub(crate) fn u16(&mut self) -> Decoded<u16> {
        Ok(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    /// Four bytes, lowest first.
    pub(crate) fn u32(&mut self) -> Decoded<u32> {
        Ok(u32::from(self.u16()?) | (u32::from(self.u16()?) << 16))
    }

    /// Eight bytes, lowest first.
    pub(crate) fn u64(&mut self) -> Decoded<u64> {
        Ok(u64::from(self.u32()?) | (u64::from(self.u32()?) << 32))
    }

    /// A variable-length integer.
    pub(crate) fn integer(&mut self) -> Decoded<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                return Err(Damage("an integer out of range"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damage("an integer without end"))
    }

    /// A variable-length integer of a narrower type.
    pub(crate) fn narrow<T: TryFrom<u64>>(&mut self) -> Decoded<T> {
        T::try_from(self.integer()?).map_err(|_| Damage("an integer out of range"))
    }

    /// Bytes behind their length.
    pub(crate) fn bytes(&mut self) -> Decoded<&'a [u8]> {
        let length = self.narrow()?;
        self.take(length)
    }

    /// A time.
    pub(crate) fn time(&mut self) -> Decoded<Timestamp> {
        let folded = self.integer()?;
        let seconds = (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed();
        let nanoseconds = self.narrow()?;
        if nanoseconds >= NANOSECONDS {
            return Err(Damage("a time with a second or more of nanoseconds"));
        }
        Ok(Timestamp { seconds, nanoseconds })
    }

    /// All four times.
    pub(crate) fn times(&mut self) -> Decoded<FileTimes> {
        Ok(FileTimes {
            creation: self.time()?,
            access: self.time()?,
            write: self.time()?,
            change: self.time()?,
        })
    }

    /// An id.
    pub(crate) fn id(&mut self) -> Decoded<PlaceholderId> {
        checked_id(self.bytes()?)
    }

    /// All that a provider said of an item.
    pub(crate) fn info(&mut self) -> Decoded<PlaceholderInfo> {
        let kind = self.byte()?;
        let has_extended = kind & HAS_EXTENDED != 0;
        let kind = match kind & !HAS_EXTENDED {
            1 => PlaceholderKind::File { size: checked_size(self.integer()?)? },
            2 => PlaceholderKind::Directory,
            3 => PlaceholderKind::Symlink { target: checked_target(self.bytes()?)?.into() },
            _ => return Err(Damage("an unknown kind of item")),
        };
        let mode = checked_mode(self.narrow()?)?;
        let attributes = self.narrow()?;
        let times = self.times()?;
        let version = VersionInfo { content: self.id()?, provider: self.id()? };
        let extended = if has_extended { self.extended()? } else { ExtendedAttributes::default() };
        Ok(PlaceholderInfo { kind, mode, attributes, times, version, extended })
    }

    /// Extended attributes, as many as an item of a provider's may have.
    pub(crate) fn extended(&mut self) -> Decoded<ExtendedAttributes> {
        let count: u64 = self.integer()?;
        let mut pairs = Vec::new();
        for _ in 0..count {
            pairs.push((self.bytes()?, self.bytes()?));
        }
        ExtendedAttributes::new(pairs).map_err(|_| Damage("extended attributes that no item can have"))
    }
}

/// An id of at most 128 bytes.
pub(crate) fn checked_id(bytes: &[u8]) -> Decoded<PlaceholderId> {
    PlaceholderId::new(bytes).map_err(|_| Damage("an id longer than 128 bytes"))
}

/// A size that a file can have.
pub(crate) fn checked_size(size: u64) -> Decoded<u64> {
    if i64::try_from(size).is_ok() { Ok(size) } else { Err(Damage("a size that no file can have")) }
}

/// Permission bits.
pub(crate) fn checked_mode(mode: u16) -> Decoded<u16> {
    if mode <= 0o7777 { Ok(mode) } else { Err(Damage("more than permission bits in a mode")) }
}

/// The target of a symbolic link.
pub(crate) fn checked_target(target: &[u8]) -> Decoded<&[u8]> {
    if target.is_empty() || target.len() > TARGET_MAX || target.contains(&0) {
        return Err(Damage("a target that no symbolic link can have"));
    }
    Ok(target)
}

#[cfg(test)]
mod tests;
