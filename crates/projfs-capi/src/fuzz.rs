//! What must hold of strings and structures from C, whatever is in them: for fuzzing.
//!
//! They lie before a page that nobody may read, so that a byte read too many ends the process.

use std::cmp::Ordering;
use std::ffi::c_void;

use projfs_types::collation;

use crate::abi::ExtendedInfo;
use crate::abi::NotificationMapping;
use crate::abi::PrjPlaceholderInfo;
use crate::abi::StartOptions;
use crate::abi::WideStr;
use crate::hresult;
use crate::notify::KNOWN_MASK;
use crate::path;
use crate::placeholder;
use crate::start::MOST_THREADS;
use crate::start::read_options;
use crate::wide;
use crate::wide::Text;
use crate::wide::Width;

unsafe extern "C" {
    fn PrjFileNameCompare(one: WideStr, other: WideStr) -> i32;
    fn PrjFileNameCompare_w32(one: WideStr, other: WideStr) -> i32;
    fn PrjFileNameMatch(name: WideStr, pattern: WideStr) -> u8;
    fn PrjFileNameMatch_w32(name: WideStr, pattern: WideStr) -> u8;
    fn PrjDoesNameContainWildCards(name: WideStr) -> u8;
    fn PrjDoesNameContainWildCards_w32(name: WideStr) -> u8;
}

const PAGE: usize = 4096;

/// Bytes that end where memory does, aligned as they come.
struct Fenced {
    start: *mut c_void,
    size: usize,
    length: usize,
}

impl Fenced {
    fn new(bytes: &[u8]) -> Self {
        let size = bytes.len().next_multiple_of(PAGE) + PAGE;
        // SAFETY: new memory, of which the last page is taken away again, and into the rest of which the bytes fit.
        unsafe {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let start = libc::mmap(
                std::ptr::null_mut(),
                size,
                access,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(start, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(start.byte_add(size - PAGE), PAGE, libc::PROT_NONE), 0);
            let fenced = Self { start, size, length: bytes.len() };
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), fenced.as_ptr().cast_mut().cast(), bytes.len());
            fenced
        }
    }

    /// A string with a zero at its end.
    fn text(units: &[u16], width: Width) -> Self {
        match Text::new(units, width) {
            Text::Two(units) => {
                Self::new(&units.iter().flat_map(|unit| unit.to_ne_bytes()).collect::<Vec<_>>())
            }
            Text::Four(units) => {
                Self::new(&units.iter().flat_map(|unit| unit.to_ne_bytes()).collect::<Vec<_>>())
            }
        }
    }

    fn as_ptr(&self) -> WideStr {
        self.start.wrapping_byte_add(self.size - PAGE - self.length)
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        // SAFETY: it was mapped so, and nobody has a pointer to it any more.
        unsafe { libc::munmap(self.start, self.size) };
    }
}

/// Units, two bytes each, up to the first zero.
fn units(bytes: &[u8]) -> Vec<u16> {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    units.take_while(|unit| *unit != 0).collect()
}

/// Two strings, with a zero between them: as names and paths they come back as they went in, in both widths; to compare
/// and to match them is the same from C.
pub fn c_strings(bytes: &[u8]) {
    let one = units(bytes);
    let other = units(bytes.get(one.len() * 2 + 2..).unwrap_or_default());
    for width in [Width::Two, Width::Four] {
        let fenced = Fenced::text(&one, width);
        // SAFETY: a string with a zero at its end.
        assert_eq!(unsafe { wide::read(fenced.as_ptr(), width) }.as_ref(), Ok(&one));
    }
    // Any four bytes may come as a character.
    let characters: Vec<u32> = bytes
        .chunks_exact(4)
        .map(|unit| u32::from_le_bytes([0, 1, 2, 3].map(|at: usize| unit[at])))
        .collect();
    let mut raw = characters.split(|unit| *unit == 0).map(|units| {
        let text =
            Fenced::new(&units.iter().chain(&[0]).flat_map(|unit| unit.to_ne_bytes()).collect::<Vec<_>>());
        // SAFETY: a string with a zero at its end.
        let narrow = unsafe { wide::read(text.as_ptr(), Width::Four) };
        assert_eq!(narrow.is_ok(), units.iter().all(|unit| *unit <= char::MAX.into()));
        text
    });
    let raw = [raw.next(), raw.next()];
    let raw = raw.each_ref().map(|raw| raw.as_ref().map_or(std::ptr::null(), Fenced::as_ptr));
    names(&one);
    let expected = collation::file_name_compare(&one, &other);
    let matches = collation::file_name_match(&one, &other);
    let has_wild_cards = collation::does_name_contain_wild_cards(&one);
    let [a, b] = [&one, &other].map(|units| Fenced::text(units, Width::Two));
    let [c, d] = [&one, &other].map(|units| Fenced::text(units, Width::Four));
    let (a, b, c, d) = (a.as_ptr(), b.as_ptr(), c.as_ptr(), d.as_ptr());
    // SAFETY: strings with a zero at their ends.
    unsafe {
        assert_eq!(PrjFileNameCompare(a, b).cmp(&0), expected);
        assert_eq!(PrjFileNameCompare_w32(c, d).cmp(&0), expected);
        assert_eq!(PrjFileNameMatch(a, b) != 0, matches);
        assert_eq!(PrjFileNameMatch_w32(c, d) != 0, matches);
        assert_eq!(PrjDoesNameContainWildCards(a) != 0, has_wild_cards);
        assert_eq!(PrjDoesNameContainWildCards_w32(c) != 0, has_wild_cards);
        // Whatever is no string is the empty one, for which the order holds too.
        let order = |one, other| PrjFileNameCompare_w32(one, other).cmp(&0);
        let texts = [raw[0], raw[1], c, std::ptr::null()];
        assert_eq!(order(raw[0], raw[1]), order(raw[1], raw[0]).reverse());
        for [x, y, z] in
            [[0, 1, 2], [1, 0, 2], [1, 2, 0], [0, 3, 1], [3, 0, 2]].map(|all| all.map(|at: usize| texts[at]))
        {
            if order(x, y).is_le() && order(y, z).is_le() {
                assert!(order(x, z).is_le());
                assert!(order(x, z).is_lt() || (order(x, y) == Ordering::Equal && order(y, z).is_eq()));
            }
        }
    }
}

/// Units as a name, a path and a target.
fn names(units: &[u16]) {
    let slashes = |units: &[u16]| -> Vec<u16> {
        units.iter().map(|unit| if *unit == u16::from(b'/') { u16::from(b'\\') } else { *unit }).collect()
    };
    if let Ok(path) = path::relative(units) {
        assert_eq!(path::to_units(path.as_bytes()), slashes(units));
    }
    if let Ok(name) = path::name(units) {
        assert_eq!(path::to_units(name.as_bytes()), slashes(units));
        assert_eq!(path::item(units).map(|path| path.as_bytes().to_vec()), Ok(name.as_bytes().to_vec()));
    }
    assert!(!path::target(units).contains(&0));
    // The other way every name comes back, whatever its bytes are.
    let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).filter(|byte| *byte != 0).collect();
    if let Ok(expected) = projectedfs::RelPathBuf::new(bytes) {
        let units = path::to_units(expected.as_bytes());
        assert_eq!(path::relative(&units), Ok(expected));
    }
}

/// A `PRJ_PLACEHOLDER_INFO` with what follows it; the first byte says whether there is a target, which comes behind the
/// length in the second. What is taken is within what an item can be.
pub fn c_placeholder(bytes: &[u8]) {
    let [choice, length, rest @ ..] = bytes else { return };
    let (target, info) = rest.split_at(rest.len().min(usize::from(*length)));
    let width = if choice & 1 == 0 { Width::Two } else { Width::Four };
    let fenced = Fenced::new(info);
    let text = Fenced::text(&units(target), width);
    let extended = ExtendedInfo {
        info_type: u32::from(choice >> 2 & 3),
        next_offset: u32::from(choice >> 4 & 1),
        target_name: if choice & 0x20 == 0 { text.as_ptr() } else { std::ptr::null() },
    };
    let extended = if choice & 2 == 0 { std::ptr::null() } else { &raw const extended };
    let size = u32::try_from(info.len()).expect("an input is short");
    let pointer = fenced.as_ptr().cast::<PrjPlaceholderInfo>();
    // SAFETY: as many bytes are there, and a string with a zero at its end.
    let read = unsafe { placeholder::read(width, pointer, size, extended) };
    if info.len() < size_of::<PrjPlaceholderInfo>() {
        assert_eq!(read.err(), Some(hresult::INSUFFICIENT_BUFFER));
        return;
    }
    let Ok(described) = read else { return };
    let info = described.info;
    assert!(info.mode <= 0o7777);
    assert!(info.extended.size() <= projfs_types::EXTENDED_SIZE_MAX);
    if let projectedfs::PlaceholderKind::File { size } = info.kind {
        assert!(i64::try_from(size).is_ok());
    }
    for time in [info.times.creation, info.times.access, info.times.write, info.times.change] {
        assert!(time.nanoseconds < 1_000_000_000);
    }
}

/// `PRJ_STARTVIRTUALIZING_OPTIONS`, and mappings: of the rest, each a mask of four bytes, a length and a path.
pub fn c_options(bytes: &[u8]) {
    let Some((fixed, mut rest)) = bytes.split_first_chunk::<13>() else { return };
    let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| fixed[at + byte]));
    let width = if fixed[12] & 1 == 0 { Width::Two } else { Width::Four };
    let mut texts = Vec::new();
    while let [a, b, c, d, length, after @ ..] = rest {
        let (text, after) = after.split_at(after.len().min(usize::from(*length)));
        let root = (*length != 0xff).then(|| Fenced::text(&units(text), width));
        texts.push((u32::from_le_bytes([*a, *b, *c, *d]), root, units(text)));
        rest = after;
    }
    let mut mappings = Vec::new();
    for (mask, root, _) in &texts {
        let root = root.as_ref().map_or(std::ptr::null(), Fenced::as_ptr);
        mappings.extend_from_slice(&u64::from(*mask).to_ne_bytes());
        mappings.extend_from_slice(&root.expose_provenance().to_ne_bytes());
    }
    let fenced = Fenced::new(&mappings);
    let [flags, pool_threads, concurrent_threads] = [number(0), number(4), number(8)];
    let mapping_count = u32::try_from(texts.len()).expect("an input is short");
    let options = StartOptions {
        flags,
        pool_threads,
        concurrent_threads,
        mappings: if fixed[12] & 2 == 0 {
            fenced.as_ptr().cast::<NotificationMapping>()
        } else {
            std::ptr::null()
        },
        mapping_count,
    };
    // SAFETY: the structure, and as many mappings as it says, with null or a string with a zero at its end in each.
    let read = unsafe { read_options(&raw const options, width) };
    let path = |units: &[u16]| path::relative(units).ok();
    let good = |(mask, root, units): &(u32, Option<Fenced>, Vec<u16>)| {
        mask & !KNOWN_MASK == 0 && root.is_some() && path(units).is_some()
    };
    let all_good =
        flags & !0x3_0001 == 0 && (texts.is_empty() || !options.mappings.is_null()) && texts.iter().all(good);
    assert_eq!(read.is_ok(), all_good);
    let Ok(read) = read else { return };
    assert!((1..=(MOST_THREADS as usize).max(2 * 1024)).contains(&read.threads));
    let wanted = texts.iter().map(|(mask, _, units)| (path(units), *mask));
    assert!(read.mappings.into_iter().map(|(path, mask)| (Some(path), mask.bits())).eq(wanted));
}

#[cfg(test)]
mod tests;
