//! The layouts and values of `projectedfslib.h`, as they are on 64-bit Windows.

use std::ffi::c_void;
use std::mem::align_of;
use std::mem::offset_of;
use std::mem::size_of;

use projectedfs::InstanceId;
use projectedfs::PlaceholderId;
use projectedfs::VersionInfo;
use projfs_types::PLACEHOLDER_ID_LENGTH;

use crate::hresult::HResult;

/// A NUL-terminated string of two-byte or four-byte units; which, the function that takes it says.
pub(crate) type WideStr = *const c_void;

/// A handle. It is a number to us: nothing is at that address.
pub(crate) type Handle = usize;

/// `GUID`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Guid {
    pub(crate) data1: u32,
    pub(crate) data2: u16,
    pub(crate) data3: u16,
    pub(crate) data4: [u8; 8],
}

/// `PRJ_PLACEHOLDER_VERSION_INFO`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PrjVersionInfo {
    pub(crate) provider_id: [u8; PLACEHOLDER_ID_LENGTH],
    pub(crate) content_id: [u8; PLACEHOLDER_ID_LENGTH],
}

/// `PRJ_FILE_BASIC_INFO`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BasicInfo {
    pub(crate) is_directory: u8,
    pub(crate) file_size: i64,
    pub(crate) creation_time: i64,
    pub(crate) last_access_time: i64,
    pub(crate) last_write_time: i64,
    pub(crate) change_time: i64,
    pub(crate) file_attributes: u32,
}

/// Where a block of `PRJ_PLACEHOLDER_INFO` is: `EaInformation`, `SecurityInformation` or `StreamsInformation`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Block {
    pub(crate) size: u32,
    pub(crate) offset: u32,
}

/// `PRJ_PLACEHOLDER_INFO`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct PrjPlaceholderInfo {
    pub(crate) basic: BasicInfo,
    pub(crate) ea: Block,
    pub(crate) security: Block,
    pub(crate) streams: Block,
    pub(crate) version: PrjVersionInfo,
    pub(crate) variable: [u8; 1],
}

/// `PRJ_EXTENDED_INFO`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExtendedInfo {
    pub(crate) info_type: u32,
    pub(crate) next_offset: u32,
    pub(crate) target_name: WideStr,
}

/// `PRJ_CALLBACK_DATA`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallbackData {
    pub(crate) size: u32,
    pub(crate) flags: u32,
    pub(crate) context: Handle,
    pub(crate) command_id: i32,
    pub(crate) file_id: Guid,
    pub(crate) data_stream_id: Guid,
    pub(crate) file_path_name: WideStr,
    pub(crate) version_info: *const PrjVersionInfo,
    pub(crate) process_id: u32,
    pub(crate) process_image: WideStr,
    pub(crate) instance_context: *const c_void,
}

/// `PRJ_NOTIFICATION_MAPPING`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotificationMapping {
    pub(crate) mask: u32,
    pub(crate) root: WideStr,
}

/// `PRJ_STARTVIRTUALIZING_OPTIONS`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartOptions {
    pub(crate) flags: u32,
    pub(crate) pool_threads: u32,
    pub(crate) concurrent_threads: u32,
    pub(crate) mappings: *const NotificationMapping,
    pub(crate) mapping_count: u32,
}

/// `PRJ_VIRTUALIZATION_INSTANCE_INFO`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct InstanceInfo {
    pub(crate) instance_id: Guid,
    pub(crate) write_alignment: u32,
}

/// `PRJ_NOTIFICATION_PARAMETERS`: a mask as an answer, or whether the file was modified.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) union NotificationParameters {
    pub(crate) mask: u32,
    pub(crate) is_modified: u8,
}

/// `PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct CompleteParameters {
    pub(crate) command_type: u32,
    pub(crate) value: CompleteValue,
}

/// What a command is completed with: a new mask, or the buffer that was filled.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) union CompleteValue {
    pub(crate) mask: u32,
    pub(crate) buffer: Handle,
}

type SessionCallback = unsafe extern "C" fn(*const CallbackData, *const Guid) -> HResult;
type GetCallback = unsafe extern "C" fn(*const CallbackData, *const Guid, WideStr, Handle) -> HResult;
type ItemCallback = unsafe extern "C" fn(*const CallbackData) -> HResult;
type DataCallback = unsafe extern "C" fn(*const CallbackData, u64, u32) -> HResult;
type NotifyCallback =
    unsafe extern "C" fn(*const CallbackData, u8, i32, WideStr, *mut NotificationParameters) -> HResult;
type CancelCallback = unsafe extern "C" fn(*const CallbackData);

/// `PRJ_CALLBACKS`, as it comes in.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawCallbacks {
    pub(crate) start: Option<SessionCallback>,
    pub(crate) end: Option<SessionCallback>,
    pub(crate) get: Option<GetCallback>,
    pub(crate) placeholder: Option<ItemCallback>,
    pub(crate) data: Option<DataCallback>,
    pub(crate) query: Option<ItemCallback>,
    pub(crate) notify: Option<NotifyCallback>,
    pub(crate) cancel: Option<CancelCallback>,
}

/// `PRJ_CALLBACKS` with what is required in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callbacks {
    pub(crate) start: SessionCallback,
    pub(crate) end: SessionCallback,
    pub(crate) get: GetCallback,
    pub(crate) placeholder: ItemCallback,
    pub(crate) data: DataCallback,
    pub(crate) query: Option<ItemCallback>,
    pub(crate) notify: Option<NotifyCallback>,
    pub(crate) cancel: Option<CancelCallback>,
}

/// `PRJ_FLAG_USE_NEGATIVE_PATH_CACHE`.
pub(crate) const FLAG_USE_NEGATIVE_PATH_CACHE: u32 = 1;
/// `PROJFS_FLAG_IGNORE_CASE`.
pub(crate) const FLAG_IGNORE_CASE: u32 = 0x1_0000;
/// `PROJFS_FLAG_ALL_USERS`.
pub(crate) const FLAG_ALL_USERS: u32 = 0x2_0000;
/// `PRJ_EXT_INFO_TYPE_SYMLINK`.
pub(crate) const EXT_INFO_TYPE_SYMLINK: u32 = 1;
/// `PRJ_CB_DATA_FLAG_ENUM_RESTART_SCAN`.
pub(crate) const FLAG_RESTART_SCAN: u32 = 1;
/// `PRJ_COMPLETE_COMMAND_TYPE_NOTIFICATION`.
pub(crate) const COMPLETE_NOTIFICATION: u32 = 1;
/// `PRJ_COMPLETE_COMMAND_TYPE_ENUMERATION`.
pub(crate) const COMPLETE_ENUMERATION: u32 = 2;
/// `PRJ_NOTIFY_USE_EXISTING_MASK`.
pub(crate) const USE_EXISTING_MASK: u32 = 0xffff_ffff;

impl RawCallbacks {
    /// The table, if what is required is in it.
    pub(crate) fn complete(&self) -> Option<Callbacks> {
        Some(Callbacks {
            start: self.start?,
            end: self.end?,
            get: self.get?,
            placeholder: self.placeholder?,
            data: self.data?,
            query: self.query,
            notify: self.notify,
            cancel: self.cancel,
        })
    }
}

impl Guid {
    /// The GUID whose text is that of the sixteen bytes: its first three parts are numbers, and so lie in memory with
    /// their lowest byte first.
    pub(crate) fn of_bytes(bytes: &[u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = *bytes;
        Self {
            data1: u32::from_be_bytes([a, b, c, d]),
            data2: u16::from_be_bytes([e, f]),
            data3: u16::from_be_bytes([g, h]),
            data4: rest,
        }
    }

    /// The sixteen bytes in the order of the text.
    fn bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&self.data1.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.data2.to_be_bytes());
        bytes[6..8].copy_from_slice(&self.data3.to_be_bytes());
        bytes[8..].copy_from_slice(&self.data4);
        bytes
    }
}

impl From<Guid> for InstanceId {
    fn from(id: Guid) -> Self {
        Self::from_bytes(id.bytes())
    }
}

impl From<InstanceId> for Guid {
    fn from(id: InstanceId) -> Self {
        Self::of_bytes(id.as_bytes())
    }
}

impl From<&VersionInfo> for PrjVersionInfo {
    fn from(version: &VersionInfo) -> Self {
        let padded = |id: &PlaceholderId| {
            let mut bytes = [0; PLACEHOLDER_ID_LENGTH];
            bytes[..id.as_bytes().len()].copy_from_slice(id.as_bytes());
            bytes
        };
        Self { provider_id: padded(&version.provider), content_id: padded(&version.content) }
    }
}

impl From<&PrjVersionInfo> for VersionInfo {
    fn from(version: &PrjVersionInfo) -> Self {
        let id = |bytes: &[u8]| PlaceholderId::new(bytes).expect("128 bytes are not too long");
        Self { content: id(&version.content_id), provider: id(&version.provider_id) }
    }
}

macro_rules! layout {
    ($type:ident: $size:literal align $align:literal { $($field:ident $(. $inner:ident)* at $offset:literal),* $(,)? }) => {
        const _: () = {
            assert!(size_of::<$type>() == $size);
            assert!(align_of::<$type>() == $align);
            $(assert!(offset_of!($type, $field $(. $inner)*) == $offset);)*
        };
    };
}

layout!(Guid: 16 align 4 { data1 at 0, data2 at 4, data3 at 6, data4 at 8 });
layout!(PrjVersionInfo: 256 align 1 { provider_id at 0, content_id at 128 });
layout!(BasicInfo: 56 align 8 {
    is_directory at 0, file_size at 8, creation_time at 16, last_access_time at 24, last_write_time at 32,
    change_time at 40, file_attributes at 48,
});
layout!(PrjPlaceholderInfo: 344 align 8 {
    basic at 0, ea.size at 56, ea.offset at 60, security.size at 64, security.offset at 68, streams.size at 72,
    streams.offset at 76, version at 80, variable at 336,
});
layout!(ExtendedInfo: 16 align 8 { info_type at 0, next_offset at 4, target_name at 8 });
layout!(CallbackData: 96 align 8 {
    size at 0, flags at 4, context at 8, command_id at 16, file_id at 20, data_stream_id at 36, file_path_name at 56,
    version_info at 64, process_id at 72, process_image at 80, instance_context at 88,
});
layout!(NotificationMapping: 16 align 8 { mask at 0, root at 8 });
layout!(StartOptions: 32 align 8 {
    flags at 0, pool_threads at 4, concurrent_threads at 8, mappings at 16, mapping_count at 24,
});
layout!(InstanceInfo: 20 align 4 { instance_id at 0, write_alignment at 16 });
layout!(NotificationParameters: 4 align 4 { mask at 0, is_modified at 0 });
layout!(CompleteParameters: 16 align 8 { command_type at 0, value.mask at 8, value.buffer at 8 });
layout!(RawCallbacks: 64 align 8 {
    start at 0, end at 8, get at 16, placeholder at 24, data at 32, query at 40, notify at 48, cancel at 56,
});

#[cfg(test)]
mod tests;
