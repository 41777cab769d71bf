//! Placeholders: `PRJ_GET_PLACEHOLDER_INFO_CB` and `PrjWritePlaceholderInfo`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use projectedfs::CommandId;
use projectedfs::FileTimes;
use projectedfs::ItemName;
use projectedfs::PlaceholderInfo;
use projectedfs::ProjectedItem;
use projectedfs::ProviderError;
use projectedfs::ProviderErrorKind;
use projectedfs::RelPath;
use projectedfs::RelPathBuf;
use projectedfs::Reply;
use projectedfs::Request;
use projectedfs::Timestamp;
use projectedfs::VersionInfo;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::collation;

use crate::abi::BasicInfo;
use crate::abi::Block;
use crate::abi::EXT_INFO_TYPE_SYMLINK;
use crate::abi::ExtendedInfo;
use crate::abi::Handle;
use crate::abi::PrjPlaceholderInfo;
use crate::abi::WideStr;
use crate::callbacks::Bridge;
use crate::callbacks::Task;
use crate::callbacks::inside;
use crate::complete::Completion;
use crate::context;
use crate::ea;
use crate::export::both_widths;
use crate::hresult;
use crate::hresult::HResult;
use crate::path;
use crate::wide;
use crate::wide::Width;

/// `FILE_ATTRIBUTE_READONLY`.
const READONLY: u32 = 0x1;

/// The attributes that are kept: hidden, system, archive, temporary, not content indexed. The others are those of NTFS's
/// own storage, or follow from the item.
const KEPT: u32 = 0x2 | 0x4 | 0x20 | 0x100 | 0x2000;

/// The write bits of a mode.
const WRITE_BITS: u16 = 0o222;

/// From 1601 to 1970, in seconds.
const EPOCH: i64 = 11_644_473_600;

/// Units of a FILETIME in a second.
const UNITS: i64 = 10_000_000;

/// Nanoseconds of a unit of a FILETIME.
const UNIT: u32 = 100;

/// Placeholders that the provider is asked for, by path; and those it gave.
#[derive(Default)]
pub(crate) struct Asked {
    questions: Mutex<HashMap<RelPathBuf, Vec<Question>>>,
    /// It was said that what some placeholders come with is left out.
    told: AtomicBool,
}

/// What a provider says of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) info: PlaceholderInfo,
    /// It came with a security descriptor or streams, or is a symbolic link with extended attributes: for these a
    /// placeholder has no place.
    more: bool,
}

struct Question {
    call: i32,
    answer: Option<ProjectedItem>,
    /// The answer came with that of an equal question; one that is its own may still come, and is no second one.
    shared: bool,
}

/// What became of a placeholder that the provider gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// It was asked for.
    Answer,
    /// It was asked for, and was given already.
    Twice,
    /// It was not asked for.
    Unasked,
}

impl Asked {
    /// Says once that something is left out.
    pub(crate) fn left_out(&self, described: &Described) {
        if described.more && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "security descriptors and streams of placeholders, and extended attributes of symbolic links, are left out"
            );
        }
    }

    fn insert(&self, path: &RelPath, call: i32) {
        self.questions.lock().entry(path.to_owned()).or_default().push(Question {
            call,
            answer: None,
            shared: false,
        });
    }

    /// What was given, once the callback is done.
    fn remove(&self, path: &RelPath, call: i32) -> Option<ProjectedItem> {
        let mut asked = self.questions.lock();
        let questions = asked.get_mut(path)?;
        let at = questions.iter().position(|question| question.call == call)?;
        let question = questions.swap_remove(at);
        if questions.is_empty() {
            asked.remove(path);
        }
        question.answer
    }

    /// Takes a placeholder. `inside` is the call whose callback runs on this thread.
    fn give(&self, inside: Option<i32>, path: &RelPath, item: &ProjectedItem) -> Given {
        let mut asked = self.questions.lock();
        let key = match asked.contains_key(path) {
            true => Some(path.to_owned()),
            false => asked.keys().find(|known| same_but_for_case(known, path)).cloned(),
        };
        let Some(questions) = key.and_then(|key| asked.get_mut(&key)) else { return Given::Unasked };
        if let Some(question) = questions.iter_mut().find(|question| Some(question.call) == inside) {
            if question.answer.is_some() && !question.shared {
                return Given::Twice;
            }
            (question.answer, question.shared) = (Some(item.clone()), false);
            return Given::Answer;
        }
        // From another thread it cannot be told which of several equal questions this answers; so it answers all. One of
        // them may be nobody's any more, and the answers to the others come as well.
        let several = questions.len() > 1;
        let mut open = questions.iter_mut().filter(|question| question.answer.is_none()).peekable();
        if open.peek().is_some() {
            open.for_each(|question| (question.answer, question.shared) = (Some(item.clone()), several));
            return Given::Answer;
        }
        match questions.iter_mut().find(|question| question.shared) {
            Some(question) => question.shared = false,
            None if several => {}
            None => return Given::Twice,
        }
        Given::Answer
    }
}

fn same_but_for_case(one: &RelPath, other: &RelPath) -> bool {
    let units = |path: &RelPath| collation::units(path.as_bytes()).collect::<Vec<u16>>();
    collation::file_name_compare(&units(one), &units(other)).is_eq()
}

/// What is at a path?
pub(crate) struct PlaceholderTask {
    request: Request,
    call: i32,
    reply: Reply<ProjectedItem>,
}

impl PlaceholderTask {
    pub(crate) fn new(request: Request, reply: Reply<ProjectedItem>) -> Self {
        Self { request, call: 0, reply }
    }
}

impl Task for PlaceholderTask {
    fn command(&self) -> CommandId {
        self.request.command()
    }

    fn invoke(&mut self, bridge: &Bridge, call: i32) -> Completion {
        self.call = call;
        bridge.asked.insert(self.request.path(), call);
        // SAFETY: the callback takes what the header says.
        Completion::of(unsafe { (bridge.callbacks.placeholder)(bridge.frame(call, &self.request).data()) })
    }

    fn done(self: Box<Self>, bridge: &Arc<Bridge>, completion: Completion) -> Option<Box<dyn Task>> {
        let given = bridge.asked.remove(self.request.path(), self.call);
        let name = self.request.path().split_last().map(|(_, name)| name);
        let same = |given: &ItemName| name.is_some_and(|name| bridge.origin.collation.same(given, name));
        let answer = match (completion.result, given) {
            // Names that differ in case are two names here, and this one is not there.
            (hresult::S_OK, Some(item)) if !same(&item.name) => Err(ProviderError::not_found()),
            (hresult::S_OK, Some(item)) => Ok(item),
            (hresult::S_OK, None) => {
                let message = "the callback succeeded without PrjWritePlaceholderInfo";
                tracing::warn!("{message}");
                tracing::debug!(path = %self.request.path(), "it was");
                Err(ProviderError::new(ProviderErrorKind::Io, message))
            }
            (error, _) => Err(hresult::provider_error(error)),
        };
        self.reply.send(answer);
        None
    }

    fn fail(self: Box<Self>, result: HResult) {
        self.reply.send(Err(hresult::provider_error(result)));
    }
}

/// A time in units of 100 ns since 1601; before 1601 is 1601.
pub(crate) fn timestamp(filetime: i64) -> Timestamp {
    let filetime = filetime.max(0);
    let units = u32::try_from(filetime % UNITS).expect("the rest is below ten million");
    Timestamp { seconds: filetime / UNITS - EPOCH, nanoseconds: units * UNIT }
}

/// The four times of an item: each that is 0 is now.
fn times(basic: &BasicInfo) -> FileTimes {
    let now = Timestamp::from(SystemTime::now());
    let time = |filetime| if filetime == 0 { now } else { timestamp(filetime) };
    FileTimes {
        creation: time(basic.creation_time),
        access: time(basic.last_access_time),
        write: time(basic.last_write_time),
        change: time(basic.change_time),
    }
}

/// The metadata of an item: a symbolic link if there is a target.
///
/// # Errors
/// `E_INVALIDARG` for a size below 0, and for a target that is empty or longer than 4095 bytes.
pub(crate) fn describe(basic: BasicInfo, target: Option<&[u16]>) -> Result<PlaceholderInfo, HResult> {
    let size = u64::try_from(basic.file_size).map_err(|_| hresult::E_INVALIDARG)?;
    let info = match target.map(path::target) {
        Some(target) if target.is_empty() || target.len() > 4095 => return Err(hresult::E_INVALIDARG),
        Some(target) => PlaceholderInfo::symlink(target),
        None if basic.is_directory != 0 => PlaceholderInfo::directory(),
        None => PlaceholderInfo::file(size),
    };
    let read_only = basic.file_attributes & READONLY != 0 && target.is_none();
    let mode = if read_only { info.mode & !WRITE_BITS } else { info.mode };
    let attributes = basic.file_attributes & KEPT;
    Ok(PlaceholderInfo { attributes, times: times(&basic), ..info }.with_mode(mode))
}

/// The target in extended information; nothing for a null pointer.
///
/// # Errors
/// `E_INVALIDARG` for another kind of information, more than one of it, or no target.
///
/// # Safety
/// `extended` is null or leads to a structure, and its target to a string.
pub(crate) unsafe fn target(
    extended: *const ExtendedInfo,
    width: Width,
) -> Result<Option<Vec<u16>>, HResult> {
    if extended.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let extended = unsafe { extended.read_unaligned() };
    if extended.info_type != EXT_INFO_TYPE_SYMLINK || extended.next_offset != 0 {
        return Err(hresult::E_INVALIDARG);
    }
    // SAFETY: the caller's promise.
    unsafe { wide::read(extended.target_name, width) }.map(Some)
}

/// Reads what a provider says of an item.
///
/// # Errors
/// `E_INVALIDARG` for a null pointer, and for a block that does not lie within `size` or is malformed;
/// `ERROR_INSUFFICIENT_BUFFER` for a size below that of the structure; those of [`describe`], [`target`] and [`ea::read`].
///
/// # Safety
/// The pointers are null or lead to what the header says, `info` to `size` bytes.
pub(crate) unsafe fn read(
    width: Width,
    info: *const PrjPlaceholderInfo,
    size: u32,
    extended: *const ExtendedInfo,
) -> Result<Described, HResult> {
    if info.is_null() {
        return Err(hresult::E_INVALIDARG);
    }
    if (size as usize) < size_of::<PrjPlaceholderInfo>() {
        return Err(hresult::INSUFFICIENT_BUFFER);
    }
    // SAFETY: the caller's promise; the buffer stays as it is during the call.
    let bytes = unsafe { std::slice::from_raw_parts(info.cast::<u8>(), size as usize) };
    // SAFETY: as many bytes are there.
    let fixed = unsafe { info.read_unaligned() };
    // SAFETY: the caller's promise.
    let target = unsafe { target(extended, width) }?;
    let (mode, attributes) = ea::read(&bytes[block(fixed.ea, bytes)?])?;
    let blocks = [block(fixed.security, bytes)?, block(fixed.streams, bytes)?];
    let mut info = describe(fixed.basic, target.as_deref())?;
    info.version = VersionInfo::from(&fixed.version);
    let mut more = blocks.iter().any(|block| !block.is_empty());
    if target.is_some() {
        more |= !attributes.is_empty();
        return Ok(Described { info, more });
    }
    if let Some(mode) = mode {
        let read_only = fixed.basic.file_attributes & READONLY != 0;
        info = info.with_mode(if read_only { mode & !WRITE_BITS } else { mode });
    }
    info.extended = attributes;
    Ok(Described { info, more })
}

/// Where a block is within the buffer.
fn block(block: Block, bytes: &[u8]) -> Result<Range<usize>, HResult> {
    if block.size == 0 {
        return Ok(0..0);
    }
    let start = block.offset as usize;
    let end = start.checked_add(block.size as usize).filter(|end| *end <= bytes.len());
    end.map(|end| start..end).ok_or(hresult::E_INVALIDARG)
}

/// Takes a placeholder: as an answer, or ahead of being asked.
///
/// # Safety
/// As [`read`].
unsafe fn write(
    width: Width,
    context: Handle,
    path: WideStr,
    info: *const PrjPlaceholderInfo,
    size: u32,
    extended: *const ExtendedInfo,
) -> Result<(), HResult> {
    let instance = context::instance(context)?;
    // SAFETY: the caller's promise.
    let path = path::item(&unsafe { wide::read(path, width) }?)?;
    // SAFETY: the caller's promise.
    let described = unsafe { read(width, info, size, extended) }?;
    instance.bridge.asked.left_out(&described);
    let (_, name) = path.split_last().ok_or(hresult::E_INVALIDARG)?;
    let item = ProjectedItem::new(name.to_owned(), described.info);
    match instance.bridge.asked.give(inside(context), &path, &item) {
        Given::Answer => Ok(()),
        Given::Twice => Err(hresult::ALREADY_EXISTS),
        Given::Unasked => {
            let made = instance.instance.create_placeholder(&path, &item.info);
            made.map_err(|error| hresult::of_error(&error))
        }
    }
}

both_widths! {
    /// `PrjWritePlaceholderInfo`.
    fn PrjWritePlaceholderInfo, PrjWritePlaceholderInfo_w32(
        context: Handle,
        path: WideStr,
        info: *const PrjPlaceholderInfo,
        size: u32,
    ) {
        // SAFETY: the header says what the pointers lead to.
        |width| unsafe { write(width, context, path, info, size, std::ptr::null()) }
    }
}

both_widths! {
    /// `PrjWritePlaceholderInfo2`.
    fn PrjWritePlaceholderInfo2, PrjWritePlaceholderInfo2_w32(
        context: Handle,
        path: WideStr,
        info: *const PrjPlaceholderInfo,
        size: u32,
        extended: *const ExtendedInfo,
    ) {
        // SAFETY: the header says what the pointers lead to.
        |width| unsafe { write(width, context, path, info, size, extended) }
    }
}

#[cfg(test)]
mod tests;
