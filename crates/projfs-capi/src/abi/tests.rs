use windows_sys::Win32::Storage::ProjectedFileSystem as windows;
use windows_sys::core::GUID;

use super::*;

/// Compares a structure with Microsoft's own definition in Rust.
macro_rules! same {
    ($ours:ident = $theirs:path { $($field:ident $(. $inner:ident)* = $other:ident $(. $other_inner:ident)*),* $(,)? }) => {
        assert_eq!(size_of::<$ours>(), size_of::<$theirs>());
        assert_eq!(align_of::<$ours>(), align_of::<$theirs>());
        $(assert_eq!(offset_of!($ours, $field $(. $inner)*), offset_of!($theirs, $other $(. $other_inner)*));)*
    };
}

#[test]
fn layouts_are_those_of_windows() {
    same!(Guid = GUID { data1 = data1, data2 = data2, data3 = data3, data4 = data4 });
    same!(PrjVersionInfo = windows::PRJ_PLACEHOLDER_VERSION_INFO {
        provider_id = ProviderID, content_id = ContentID,
    });
    same!(BasicInfo = windows::PRJ_FILE_BASIC_INFO {
        is_directory = IsDirectory, file_size = FileSize, creation_time = CreationTime,
        last_access_time = LastAccessTime, last_write_time = LastWriteTime, change_time = ChangeTime,
        file_attributes = FileAttributes,
    });
    same!(PrjPlaceholderInfo = windows::PRJ_PLACEHOLDER_INFO {
        basic = FileBasicInfo, ea.size = EaInformation.EaBufferSize, ea.offset = EaInformation.OffsetToFirstEa,
        security.size = SecurityInformation.SecurityBufferSize,
        security.offset = SecurityInformation.OffsetToSecurityDescriptor,
        streams.size = StreamsInformation.StreamsInfoBufferSize,
        streams.offset = StreamsInformation.OffsetToFirstStreamInfo, version = VersionInfo, variable = VariableData,
    });
    same!(ExtendedInfo = windows::PRJ_EXTENDED_INFO {
        info_type = InfoType, next_offset = NextInfoOffset, target_name = Anonymous.Symlink.TargetName,
    });
    same!(CallbackData = windows::PRJ_CALLBACK_DATA {
        size = Size, flags = Flags, context = NamespaceVirtualizationContext, command_id = CommandId, file_id = FileId,
        data_stream_id = DataStreamId, file_path_name = FilePathName, version_info = VersionInfo,
        process_id = TriggeringProcessId, process_image = TriggeringProcessImageFileName,
        instance_context = InstanceContext,
    });
    same!(NotificationMapping = windows::PRJ_NOTIFICATION_MAPPING {
        mask = NotificationBitMask, root = NotificationRoot,
    });
    same!(StartOptions = windows::PRJ_STARTVIRTUALIZING_OPTIONS {
        flags = Flags, pool_threads = PoolThreadCount, concurrent_threads = ConcurrentThreadCount,
        mappings = NotificationMappings, mapping_count = NotificationMappingsCount,
    });
    same!(InstanceInfo = windows::PRJ_VIRTUALIZATION_INSTANCE_INFO {
        instance_id = InstanceID, write_alignment = WriteAlignment,
    });
    same!(NotificationParameters = windows::PRJ_NOTIFICATION_PARAMETERS {
        mask = PostCreate.NotificationMask, mask = FileRenamed.NotificationMask,
        is_modified = FileDeletedOnHandleClose.IsFileModified,
    });
    same!(CompleteParameters = windows::PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS {
        command_type = CommandType, value.mask = Anonymous.Notification.NotificationMask,
        value.buffer = Anonymous.Enumeration.DirEntryBufferHandle,
    });
    same!(RawCallbacks = windows::PRJ_CALLBACKS {
        start = StartDirectoryEnumerationCallback, end = EndDirectoryEnumerationCallback,
        get = GetDirectoryEnumerationCallback, placeholder = GetPlaceholderInfoCallback, data = GetFileDataCallback,
        query = QueryFileNameCallback, notify = NotificationCallback, cancel = CancelCommandCallback,
    });
}

#[test]
fn values_are_those_of_windows() {
    assert_eq!(FLAG_USE_NEGATIVE_PATH_CACHE, windows::PRJ_FLAG_USE_NEGATIVE_PATH_CACHE as u32);
    assert_eq!(EXT_INFO_TYPE_SYMLINK, windows::PRJ_EXT_INFO_TYPE_SYMLINK as u32);
    assert_eq!(FLAG_RESTART_SCAN, windows::PRJ_CB_DATA_FLAG_ENUM_RESTART_SCAN as u32);
    assert_eq!(COMPLETE_NOTIFICATION, windows::PRJ_COMPLETE_COMMAND_TYPE_NOTIFICATION as u32);
    assert_eq!(COMPLETE_ENUMERATION, windows::PRJ_COMPLETE_COMMAND_TYPE_ENUMERATION as u32);
    assert_eq!(USE_EXISTING_MASK, windows::PRJ_NOTIFY_USE_EXISTING_MASK);
    assert_eq!(PLACEHOLDER_ID_LENGTH, windows::PRJ_PLACEHOLDER_ID_LENGTH as usize);
}

#[test]
fn a_guid_has_the_text_of_its_bytes() {
    let bytes = std::array::from_fn(|index| index as u8);
    let guid = Guid::of_bytes(&bytes);
    assert_eq!(
        guid,
        Guid { data1: 0x0001_0203, data2: 0x0405, data3: 0x0607, data4: [8, 9, 10, 11, 12, 13, 14, 15] }
    );
    assert_eq!(guid.bytes(), bytes);
}

#[test]
fn a_version_comes_back() {
    let version = VersionInfo {
        content: PlaceholderId::new(b"content").unwrap(),
        provider: PlaceholderId::new(&[7; PLACEHOLDER_ID_LENGTH]).unwrap(),
    };
    let outside = PrjVersionInfo::from(&version);
    assert!(outside.content_id.starts_with(b"content\0"));
    assert_eq!(VersionInfo::from(&outside), version);
}

/// Pairs of names and Microsoft's values.
macro_rules! values {
    ($($name:ident),* $(,)?) => { [$((stringify!($name), windows::$name as u32)),*] };
}

#[test]
fn every_listed_value_is_that_of_windows() {
    let theirs = values![
        PRJ_NOTIFY_NONE,
        PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS,
        PRJ_NOTIFY_FILE_OPENED,
        PRJ_NOTIFY_NEW_FILE_CREATED,
        PRJ_NOTIFY_FILE_OVERWRITTEN,
        PRJ_NOTIFY_PRE_DELETE,
        PRJ_NOTIFY_PRE_RENAME,
        PRJ_NOTIFY_PRE_SET_HARDLINK,
        PRJ_NOTIFY_FILE_RENAMED,
        PRJ_NOTIFY_HARDLINK_CREATED,
        PRJ_NOTIFY_FILE_HANDLE_CLOSED_NO_MODIFICATION,
        PRJ_NOTIFY_FILE_HANDLE_CLOSED_FILE_MODIFIED,
        PRJ_NOTIFY_FILE_HANDLE_CLOSED_FILE_DELETED,
        PRJ_NOTIFY_FILE_PRE_CONVERT_TO_FULL,
        PRJ_NOTIFY_USE_EXISTING_MASK,
        PRJ_NOTIFICATION_FILE_OPENED,
        PRJ_NOTIFICATION_NEW_FILE_CREATED,
        PRJ_NOTIFICATION_FILE_OVERWRITTEN,
        PRJ_NOTIFICATION_PRE_DELETE,
        PRJ_NOTIFICATION_PRE_RENAME,
        PRJ_NOTIFICATION_PRE_SET_HARDLINK,
        PRJ_NOTIFICATION_FILE_RENAMED,
        PRJ_NOTIFICATION_HARDLINK_CREATED,
        PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_NO_MODIFICATION,
        PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_FILE_MODIFIED,
        PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_FILE_DELETED,
        PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL,
        PRJ_FLAG_NONE,
        PRJ_FLAG_USE_NEGATIVE_PATH_CACHE,
        PRJ_EXT_INFO_TYPE_SYMLINK,
        PRJ_PLACEHOLDER_ID_LENGTH,
        PRJ_UPDATE_NONE,
        PRJ_UPDATE_ALLOW_DIRTY_METADATA,
        PRJ_UPDATE_ALLOW_DIRTY_DATA,
        PRJ_UPDATE_ALLOW_TOMBSTONE,
        PRJ_UPDATE_RESERVED1,
        PRJ_UPDATE_RESERVED2,
        PRJ_UPDATE_ALLOW_READ_ONLY,
        PRJ_UPDATE_MAX_VAL,
        PRJ_UPDATE_FAILURE_CAUSE_NONE,
        PRJ_UPDATE_FAILURE_CAUSE_DIRTY_METADATA,
        PRJ_UPDATE_FAILURE_CAUSE_DIRTY_DATA,
        PRJ_UPDATE_FAILURE_CAUSE_TOMBSTONE,
        PRJ_UPDATE_FAILURE_CAUSE_READ_ONLY,
        PRJ_FILE_STATE_PLACEHOLDER,
        PRJ_FILE_STATE_HYDRATED_PLACEHOLDER,
        PRJ_FILE_STATE_DIRTY_PLACEHOLDER,
        PRJ_FILE_STATE_FULL,
        PRJ_FILE_STATE_TOMBSTONE,
        PRJ_CB_DATA_FLAG_ENUM_RESTART_SCAN,
        PRJ_CB_DATA_FLAG_ENUM_RETURN_SINGLE_ENTRY,
        PRJ_COMPLETE_COMMAND_TYPE_NOTIFICATION,
        PRJ_COMPLETE_COMMAND_TYPE_ENUMERATION,
    ];
    let listed = include_str!("../../tests/api.txt").lines().filter_map(|line| {
        let (name, value) = line.split_once(" = 0x")?;
        Some((name, u32::from_str_radix(value, 16).unwrap()))
    });
    let listed: Vec<(&str, u32)> = listed.filter(|(name, _)| name.starts_with("PRJ_")).collect();
    assert_eq!(listed, theirs);
}
