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
