use std::mem::offset_of;

use projectedfs::ExtendedAttributes;
use projectedfs::ItemNameBuf;
use projectedfs::PlaceholderKind;

use super::*;
use crate::abi::PrjVersionInfo;

fn item(path: &str) -> (RelPathBuf, ProjectedItem) {
    let path = RelPathBuf::new(path).unwrap();
    let name: ItemNameBuf = path.split_last().unwrap().1.to_owned();
    (path, ProjectedItem::new(name, PlaceholderInfo::file(0)))
}

#[test]
fn a_placeholder_answers_its_question() {
    let asked = Asked::default();
    let (path, given) = item("dir/File");
    assert_eq!(asked.give(None, &path, &given), Given::Unasked);
    asked.insert(&path, 1);
    assert_eq!(asked.give(Some(1), &path, &given), Given::Answer);
    assert_eq!(asked.give(Some(1), &path, &given), Given::Twice);
    assert_eq!(asked.give(None, &path, &given), Given::Twice);
    assert_eq!(asked.remove(&path, 1), Some(given.clone()));
    assert_eq!(asked.give(None, &path, &given), Given::Unasked);
}

#[test]
fn the_spelling_may_be_the_providers() {
    let asked = Asked::default();
    let (typed, _) = item("dir/file");
    let (stored, given) = item("DIR/File");
    asked.insert(&typed, 1);
    assert_eq!(asked.give(Some(1), &stored, &given), Given::Answer);
    assert_eq!(asked.remove(&typed, 1).unwrap().name, given.name);
}

#[test]
fn equal_questions_are_answered_each() {
    let asked = Asked::default();
    let (path, given) = item("file");
    for call in [1, 2] {
        asked.insert(&path, call);
    }
    // Two callbacks, each on its own thread.
    assert_eq!(asked.give(Some(2), &path, &given), Given::Answer);
    assert_eq!(asked.give(Some(1), &path, &given), Given::Answer);
    for call in [1, 2] {
        assert!(asked.remove(&path, call).is_some());
    }
    // Two that are pended, answered by one thread.
    for call in [3, 4] {
        asked.insert(&path, call);
    }
    assert_eq!(asked.give(None, &path, &given), Given::Answer);
    assert_eq!(asked.give(None, &path, &given), Given::Answer);
    for call in [3, 4] {
        assert!(asked.remove(&path, call).is_some());
    }
}

#[test]
fn an_answer_that_came_with_an_equal_questions_is_not_the_first_of_two() {
    let asked = Asked::default();
    let (path, given) = item("file");
    // Nobody waits for the first any more; it is answered, and done, before the second is.
    for call in [1, 2] {
        asked.insert(&path, call);
    }
    assert_eq!(asked.give(None, &path, &given), Given::Answer);
    assert!(asked.remove(&path, 1).is_some());
    assert_eq!(asked.give(None, &path, &given), Given::Answer);
    assert_eq!(asked.give(None, &path, &given), Given::Twice);
}

#[test]
fn times_count_from_1601() {
    let time = |seconds, nanoseconds| Timestamp { seconds, nanoseconds };
    assert_eq!(timestamp(116_444_736_000_000_000), time(0, 0));
    assert_eq!(timestamp(116_444_736_000_000_001), time(0, 100));
    assert_eq!(timestamp(116_444_735_999_999_999), time(-1, 999_999_900));
    assert_eq!(timestamp(1), time(-EPOCH, 100));
    assert_eq!(timestamp(-1), time(-EPOCH, 0));
    assert_eq!(timestamp(i64::MIN), time(-EPOCH, 0));
    assert_eq!(timestamp(i64::MAX), time(i64::MAX / UNITS - EPOCH, 477_580_700));
}

#[test]
fn a_time_of_zero_is_now() {
    let before = Timestamp::from(SystemTime::now());
    let described =
        describe(BasicInfo { last_write_time: 116_444_736_000_000_000, ..BasicInfo::default() }, None);
    let times = described.unwrap().times;
    assert_eq!(times.write, Timestamp::default());
    for now in [times.creation, times.access, times.change] {
        assert!(before <= now && now <= Timestamp::from(SystemTime::now()));
    }
}

#[test]
fn attributes_become_what_linux_has() {
    let described = |is_directory, attributes| {
        let basic = BasicInfo { is_directory, file_attributes: attributes, ..BasicInfo::default() };
        describe(basic, None).unwrap()
    };
    assert_eq!((described(0, 0).mode, described(1, 0).mode), (0o644, 0o755));
    assert_eq!((described(0, READONLY).mode, described(1, READONLY).mode), (0o444, 0o555));
    // The kind follows from one place.
    assert_eq!(described(0, 0x10).kind, PlaceholderKind::File { size: 0 });
    assert_eq!(described(7, 0).kind, PlaceholderKind::Directory);
    assert_eq!(described(0, u32::MAX).attributes, KEPT);
}

#[test]
fn a_link_has_a_target() {
    let basic = BasicInfo { file_attributes: READONLY, file_size: 5, ..BasicInfo::default() };
    let link = describe(basic, Some(&[b'a'.into(), b'\\'.into()])).unwrap();
    assert_eq!(link.kind, PlaceholderKind::Symlink { target: (*b"a\\").into() });
    assert_eq!(link.mode, 0o777);
    assert_eq!(describe(basic, Some(&[])), Err(hresult::E_INVALIDARG));
    assert_eq!(describe(basic, Some(&[97; 4096])), Err(hresult::E_INVALIDARG));
    let negative = BasicInfo { file_size: -1, ..BasicInfo::default() };
    assert_eq!(describe(negative, None), Err(hresult::E_INVALIDARG));
}

/// The fixed part, and what follows it.
#[repr(C)]
struct Buffer {
    info: PrjPlaceholderInfo,
    variable: [u8; 40],
}

fn buffer() -> Box<Buffer> {
    let version = PrjVersionInfo { provider_id: [1; 128], content_id: [2; 128] };
    let block = Block::default();
    let basic = BasicInfo::default();
    let info =
        PrjPlaceholderInfo { basic, ea: block, security: block, streams: block, version, variable: [0] };
    Box::new(Buffer { info, variable: [0; 40] })
}

fn read_buffer(buffer: &Buffer, size: usize) -> Result<Described, HResult> {
    // SAFETY: the buffer has at least as many bytes.
    unsafe { read(Width::Two, std::ptr::from_ref(buffer).cast(), size as u32, std::ptr::null()) }
}

#[test]
fn blocks_lie_within_the_buffer() {
    const SIZE: usize = size_of::<Buffer>();
    let at = |buffer: &mut Buffer, which: usize, block: Block| match which {
        0 => buffer.info.ea = block,
        1 => buffer.info.security = block,
        _ => buffer.info.streams = block,
    };
    for which in 0..3 {
        for (size, offset) in [(1, SIZE), (41, 344), (u32::MAX as usize, 344), (1, u32::MAX as usize)] {
            let mut buffer = buffer();
            at(&mut buffer, which, Block { size: size as u32, offset: offset as u32 });
            assert_eq!(read_buffer(&buffer, SIZE), Err(hresult::E_INVALIDARG), "{which} {size} {offset}");
        }
        let mut buffer = buffer();
        // Without a size the offset says nothing.
        at(&mut buffer, which, Block { size: 0, offset: u32::MAX });
        assert!(read_buffer(&buffer, SIZE).is_ok());
    }
    let mut buffer = buffer();
    buffer.info.security = Block { size: 40, offset: 344 };
    assert!(read_buffer(&buffer, SIZE).unwrap().more);
    assert_eq!(read_buffer(&buffer, 344), Err(hresult::E_INVALIDARG));
}

#[test]
fn extended_attributes_are_those_of_files_and_directories() {
    let attribute = *b"\0\0\0\0\0\x03\x01\0One\x001";
    let mut buffer = buffer();
    let at = 344 - offset_of!(Buffer, variable);
    buffer.variable[at..at + attribute.len()].copy_from_slice(&attribute);
    buffer.info.ea = Block { size: attribute.len() as u32, offset: 344 };
    let expected = ExtendedAttributes::new([("user.ONE", "1")]).unwrap();
    for is_directory in [0, 1] {
        buffer.info.basic.is_directory = is_directory;
        let described = read_buffer(&buffer, size_of::<Buffer>()).unwrap();
        assert_eq!((described.info.extended, described.more), (expected.clone(), false));
    }
    buffer.info.basic.is_directory = 0;
    let target: Vec<u16> = "there\0".encode_utf16().collect();
    let link = ExtendedInfo {
        info_type: EXT_INFO_TYPE_SYMLINK,
        next_offset: 0,
        target_name: target.as_ptr().cast(),
    };
    // SAFETY: the buffer has as many bytes, and the target ends.
    let described =
        unsafe { read(Width::Two, std::ptr::from_ref(&*buffer).cast(), size_of::<Buffer>() as u32, &link) };
    let described = described.unwrap();
    assert!(described.info.extended.is_empty() && described.more);
}

#[test]
fn the_size_is_that_of_the_structure_at_least() {
    let buffer = buffer();
    assert_eq!(read_buffer(&buffer, 343), Err(hresult::INSUFFICIENT_BUFFER));
    assert_eq!(read_buffer(&buffer, 0), Err(hresult::INSUFFICIENT_BUFFER));
    let read = read_buffer(&buffer, 344).unwrap();
    assert_eq!(read.info.version.content.as_bytes(), [2; 128]);
    assert_eq!(read.info.version.provider.as_bytes(), [1; 128]);
    assert!(!read.more);
    // SAFETY: null is allowed.
    let nothing = unsafe { super::read(Width::Two, std::ptr::null(), 344, std::ptr::null()) };
    assert_eq!(nothing, Err(hresult::E_INVALIDARG));
}
