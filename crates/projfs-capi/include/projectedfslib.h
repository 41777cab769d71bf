/*
 * The Windows Projected File System API on Linux. Sources written for Windows compile against this file as they are.
 *
 * Strings. WCHAR is wchar_t. Where it has two bytes (-fshort-wchar, mingw, Wine) the functions are called by their plain
 * names; where it has four, as usual on Linux, the declarations below lead to twins with the suffix _w32, which convert
 * at the boundary, and callbacks get four-byte strings as well. One program may hold both kinds. With PROJFS_CHAR16
 * defined, WCHAR is char16_t.
 *
 * Paths. Relative paths have backslashes, as on Windows; a slash is taken too. Full paths are Linux paths; a backslash in
 * them is taken as a slash. A backslash within a Linux name is the unit U+F05C here. Bytes that are not UTF-8 become
 * unpaired surrogates and come back the same.
 *
 * Callbacks run on the library's threads, several at once. They must not throw, and must not use the mount of their own
 * instance. None begins before PrjStartVirtualizing has returned, and none runs after PrjStopVirtualizing has.
 *
 * Misuse (a null pointer, a handle that is not valid any more or never was, a command completed twice) is answered with an
 * error code; nothing is read through a handle.
 */
#ifndef PROJECTEDFSLIB_H
#define PROJECTEDFSLIB_H

#include "projfs/win32_types.h"

#if !defined(PROJFS_CHAR16) && !defined(PROJFS_NO_WIDE_TWINS) && defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 4
#define PRJ_WIDE(name) __asm__(#name "_w32")
#else
#define PRJ_WIDE(name)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Handles */

DECLARE_HANDLE(PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT);
DECLARE_HANDLE(PRJ_DIR_ENTRY_BUFFER_HANDLE);

/* Enumerations */

/* Which notifications are wanted, or/ed. The last value is an answer only. */
__extension__ typedef enum PRJ_NOTIFY_TYPES {
    PRJ_NOTIFY_NONE = 0x00000000,
    PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS = 0x00000001,
    PRJ_NOTIFY_FILE_OPENED = 0x00000002,
    PRJ_NOTIFY_NEW_FILE_CREATED = 0x00000004,
    PRJ_NOTIFY_FILE_OVERWRITTEN = 0x00000008,
    PRJ_NOTIFY_PRE_DELETE = 0x00000010,
    PRJ_NOTIFY_PRE_RENAME = 0x00000020,
    PRJ_NOTIFY_PRE_SET_HARDLINK = 0x00000040,
    PRJ_NOTIFY_FILE_RENAMED = 0x00000080,
    PRJ_NOTIFY_HARDLINK_CREATED = 0x00000100,
    PRJ_NOTIFY_FILE_HANDLE_CLOSED_NO_MODIFICATION = 0x00000200,
    PRJ_NOTIFY_FILE_HANDLE_CLOSED_FILE_MODIFIED = 0x00000400,
    PRJ_NOTIFY_FILE_HANDLE_CLOSED_FILE_DELETED = 0x00000800,
    PRJ_NOTIFY_FILE_PRE_CONVERT_TO_FULL = 0x00001000,
    PRJ_NOTIFY_USE_EXISTING_MASK = 0xFFFFFFFF
} PRJ_NOTIFY_TYPES;
DEFINE_ENUM_FLAG_OPERATORS(PRJ_NOTIFY_TYPES)

/* The notification that is sent: one value. */
typedef enum PRJ_NOTIFICATION {
    PRJ_NOTIFICATION_FILE_OPENED = 0x00000002,
    PRJ_NOTIFICATION_NEW_FILE_CREATED = 0x00000004,
    PRJ_NOTIFICATION_FILE_OVERWRITTEN = 0x00000008,
    PRJ_NOTIFICATION_PRE_DELETE = 0x00000010,
    PRJ_NOTIFICATION_PRE_RENAME = 0x00000020,
    PRJ_NOTIFICATION_PRE_SET_HARDLINK = 0x00000040,
    PRJ_NOTIFICATION_FILE_RENAMED = 0x00000080,
    PRJ_NOTIFICATION_HARDLINK_CREATED = 0x00000100,
    PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_NO_MODIFICATION = 0x00000200,
    PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_FILE_MODIFIED = 0x00000400,
    PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_FILE_DELETED = 0x00000800,
    PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL = 0x00001000
} PRJ_NOTIFICATION;

typedef enum PRJ_EXT_INFO_TYPE {
    PRJ_EXT_INFO_TYPE_SYMLINK = 0x00000001
} PRJ_EXT_INFO_TYPE;

typedef enum PRJ_STARTVIRTUALIZING_FLAGS {
    PRJ_FLAG_NONE = 0x00000000,
    PRJ_FLAG_USE_NEGATIVE_PATH_CACHE = 0x00000001
} PRJ_STARTVIRTUALIZING_FLAGS;
DEFINE_ENUM_FLAG_OPERATORS(PRJ_STARTVIRTUALIZING_FLAGS)

/* Start flags that Windows does not have. Names that differ in case only are one name, as on Windows. */
#define PROJFS_FLAG_IGNORE_CASE ((PRJ_STARTVIRTUALIZING_FLAGS)0x00010000)
/* Every user may use the mount, as permission bits say; else the user who started the instance may. */
#define PROJFS_FLAG_ALL_USERS ((PRJ_STARTVIRTUALIZING_FLAGS)0x00020000)

typedef enum PRJ_PLACEHOLDER_ID {
    PRJ_PLACEHOLDER_ID_LENGTH = 128
} PRJ_PLACEHOLDER_ID;

/* What an update or a deletion may overwrite besides clean placeholders, or/ed. No bit implies another. */
typedef enum PRJ_UPDATE_TYPES {
    PRJ_UPDATE_NONE = 0x00000000,
    PRJ_UPDATE_ALLOW_DIRTY_METADATA = 0x00000001,
    PRJ_UPDATE_ALLOW_DIRTY_DATA = 0x00000002,
    PRJ_UPDATE_ALLOW_TOMBSTONE = 0x00000004,
    PRJ_UPDATE_RESERVED1 = 0x00000008,
    PRJ_UPDATE_RESERVED2 = 0x00000010,
    PRJ_UPDATE_ALLOW_READ_ONLY = 0x00000020,
    PRJ_UPDATE_MAX_VAL = 0x00000040
} PRJ_UPDATE_TYPES;
DEFINE_ENUM_FLAG_OPERATORS(PRJ_UPDATE_TYPES)

/* What stood in the way, or/ed. */
typedef enum PRJ_UPDATE_FAILURE_CAUSES {
    PRJ_UPDATE_FAILURE_CAUSE_NONE = 0x00000000,
    PRJ_UPDATE_FAILURE_CAUSE_DIRTY_METADATA = 0x00000001,
    PRJ_UPDATE_FAILURE_CAUSE_DIRTY_DATA = 0x00000002,
    PRJ_UPDATE_FAILURE_CAUSE_TOMBSTONE = 0x00000004,
    PRJ_UPDATE_FAILURE_CAUSE_READ_ONLY = 0x00000008
} PRJ_UPDATE_FAILURE_CAUSES;
DEFINE_ENUM_FLAG_OPERATORS(PRJ_UPDATE_FAILURE_CAUSES)

/* The state of an item on disk: test bits, do not compare. */
typedef enum PRJ_FILE_STATE {
    PRJ_FILE_STATE_PLACEHOLDER = 0x00000001,
    PRJ_FILE_STATE_HYDRATED_PLACEHOLDER = 0x00000002,
    PRJ_FILE_STATE_DIRTY_PLACEHOLDER = 0x00000004,
    PRJ_FILE_STATE_FULL = 0x00000008,
    PRJ_FILE_STATE_TOMBSTONE = 0x00000010
} PRJ_FILE_STATE;
DEFINE_ENUM_FLAG_OPERATORS(PRJ_FILE_STATE)

typedef enum PRJ_CALLBACK_DATA_FLAGS {
    PRJ_CB_DATA_FLAG_ENUM_RESTART_SCAN = 0x00000001,
    PRJ_CB_DATA_FLAG_ENUM_RETURN_SINGLE_ENTRY = 0x00000002
} PRJ_CALLBACK_DATA_FLAGS;
DEFINE_ENUM_FLAG_OPERATORS(PRJ_CALLBACK_DATA_FLAGS)

typedef enum PRJ_COMPLETE_COMMAND_TYPE {
    PRJ_COMPLETE_COMMAND_TYPE_NOTIFICATION = 0x00000001,
    PRJ_COMPLETE_COMMAND_TYPE_ENUMERATION = 0x00000002
} PRJ_COMPLETE_COMMAND_TYPE;

/* Structures */

/* Two opaque ids of 128 bytes each. Unused bytes are zero. */
typedef struct PRJ_PLACEHOLDER_VERSION_INFO {
    UINT8 ProviderID[PRJ_PLACEHOLDER_ID_LENGTH];
    UINT8 ContentID[PRJ_PLACEHOLDER_ID_LENGTH];
} PRJ_PLACEHOLDER_VERSION_INFO;

/* Times are in units of 100 ns since 1601-01-01 UTC; 0 stands for now. FILE_ATTRIBUTE_DIRECTORY follows IsDirectory. */
typedef struct PRJ_FILE_BASIC_INFO {
    BOOLEAN IsDirectory;
    INT64 FileSize;
    LARGE_INTEGER CreationTime;
    LARGE_INTEGER LastAccessTime;
    LARGE_INTEGER LastWriteTime;
    LARGE_INTEGER ChangeTime;
    UINT32 FileAttributes;
} PRJ_FILE_BASIC_INFO;

typedef struct PRJ_PLACEHOLDER_EA_INFORMATION {
    UINT32 EaBufferSize;
    UINT32 OffsetToFirstEa;
} PRJ_PLACEHOLDER_EA_INFORMATION;

typedef struct PRJ_PLACEHOLDER_SECURITY_INFORMATION {
    UINT32 SecurityBufferSize;
    UINT32 OffsetToSecurityDescriptor;
} PRJ_PLACEHOLDER_SECURITY_INFORMATION;

typedef struct PRJ_PLACEHOLDER_STREAMS_INFORMATION {
    UINT32 StreamsInfoBufferSize;
    UINT32 OffsetToFirstStreamInfo;
} PRJ_PLACEHOLDER_STREAMS_INFORMATION;

/* Offsets count from the start of the structure; each block lies within the size that is passed along. */
typedef struct PRJ_PLACEHOLDER_INFO {
    PRJ_FILE_BASIC_INFO FileBasicInfo;
    PRJ_PLACEHOLDER_EA_INFORMATION EaInformation;
    PRJ_PLACEHOLDER_SECURITY_INFORMATION SecurityInformation;
    PRJ_PLACEHOLDER_STREAMS_INFORMATION StreamsInformation;
    PRJ_PLACEHOLDER_VERSION_INFO VersionInfo;
    UINT8 VariableData[1];
} PRJ_PLACEHOLDER_INFO;

typedef struct PRJ_EXTENDED_INFO_SYMLINK {
    PCWSTR TargetName;
} PRJ_EXTENDED_INFO_SYMLINK;

typedef struct PRJ_EXTENDED_INFO {
    PRJ_EXT_INFO_TYPE InfoType;
    ULONG NextInfoOffset;
    union {
        PRJ_EXTENDED_INFO_SYMLINK Symlink;
    } DUMMYUNIONNAME;
} PRJ_EXTENDED_INFO;

/* Everything that is reached through it is valid during the callback only. */
typedef struct PRJ_CALLBACK_DATA {
    UINT32 Size;
    PRJ_CALLBACK_DATA_FLAGS Flags;
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT NamespaceVirtualizationContext;
    INT32 CommandId;
    GUID FileId;
    GUID DataStreamId;
    PCWSTR FilePathName;
    PRJ_PLACEHOLDER_VERSION_INFO *VersionInfo;
    UINT32 TriggeringProcessId;
    PCWSTR TriggeringProcessImageFileName;
    void *InstanceContext;
} PRJ_CALLBACK_DATA;

typedef struct PRJ_NOTIFICATION_POST_CREATE {
    PRJ_NOTIFY_TYPES NotificationMask;
} PRJ_NOTIFICATION_POST_CREATE;

typedef struct PRJ_NOTIFICATION_FILE_RENAMED_MASK {
    PRJ_NOTIFY_TYPES NotificationMask;
} PRJ_NOTIFICATION_FILE_RENAMED_MASK;

typedef struct PRJ_NOTIFICATION_FILE_DELETED {
    BOOLEAN IsFileModified;
} PRJ_NOTIFICATION_FILE_DELETED;

/* The masks are answers, and are 0 (no change) on entry. */
typedef union PRJ_NOTIFICATION_PARAMETERS {
    PRJ_NOTIFICATION_POST_CREATE PostCreate;
    PRJ_NOTIFICATION_FILE_RENAMED_MASK FileRenamed;
    PRJ_NOTIFICATION_FILE_DELETED FileDeletedOnHandleClose;
} PRJ_NOTIFICATION_PARAMETERS;

/* NotificationRoot is a relative path; "" is the virtualization root. */
typedef struct PRJ_NOTIFICATION_MAPPING {
    PRJ_NOTIFY_TYPES NotificationBitMask;
    PCWSTR NotificationRoot;
} PRJ_NOTIFICATION_MAPPING;

/* ConcurrentThreadCount 0 stands for the number of processors, PoolThreadCount 0 for twice ConcurrentThreadCount. */
typedef struct PRJ_STARTVIRTUALIZING_OPTIONS {
    PRJ_STARTVIRTUALIZING_FLAGS Flags;
    UINT32 PoolThreadCount;
    UINT32 ConcurrentThreadCount;
    PRJ_NOTIFICATION_MAPPING *NotificationMappings;
    UINT32 NotificationMappingsCount;
} PRJ_STARTVIRTUALIZING_OPTIONS;

typedef struct PRJ_VIRTUALIZATION_INSTANCE_INFO {
    GUID InstanceID;
    UINT32 WriteAlignment;
} PRJ_VIRTUALIZATION_INSTANCE_INFO;

typedef struct PRJ_COMPLETE_COMMAND_NOTIFICATION {
    PRJ_NOTIFY_TYPES NotificationMask;
} PRJ_COMPLETE_COMMAND_NOTIFICATION;

typedef struct PRJ_COMPLETE_COMMAND_ENUMERATION {
    PRJ_DIR_ENTRY_BUFFER_HANDLE DirEntryBufferHandle;
} PRJ_COMPLETE_COMMAND_ENUMERATION;

typedef struct PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS {
    PRJ_COMPLETE_COMMAND_TYPE CommandType;
    union {
        PRJ_COMPLETE_COMMAND_NOTIFICATION Notification;
        PRJ_COMPLETE_COMMAND_ENUMERATION Enumeration;
    } DUMMYUNIONNAME;
} PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS;

/* Callbacks */

typedef HRESULT CALLBACK PRJ_START_DIRECTORY_ENUMERATION_CB(
    _In_ const PRJ_CALLBACK_DATA *callbackData,
    _In_ const GUID *enumerationId);

typedef HRESULT CALLBACK PRJ_END_DIRECTORY_ENUMERATION_CB(
    _In_ const PRJ_CALLBACK_DATA *callbackData,
    _In_ const GUID *enumerationId);

typedef HRESULT CALLBACK PRJ_GET_DIRECTORY_ENUMERATION_CB(
    _In_ const PRJ_CALLBACK_DATA *callbackData,
    _In_ const GUID *enumerationId,
    _In_opt_ PCWSTR searchExpression,
    _In_ PRJ_DIR_ENTRY_BUFFER_HANDLE dirEntryBufferHandle);

typedef HRESULT CALLBACK PRJ_GET_PLACEHOLDER_INFO_CB(
    _In_ const PRJ_CALLBACK_DATA *callbackData);

typedef HRESULT CALLBACK PRJ_GET_FILE_DATA_CB(
    _In_ const PRJ_CALLBACK_DATA *callbackData,
    _In_ UINT64 byteOffset,
    _In_ UINT32 length);

typedef HRESULT CALLBACK PRJ_QUERY_FILE_NAME_CB(
    _In_ const PRJ_CALLBACK_DATA *callbackData);

typedef HRESULT CALLBACK PRJ_NOTIFICATION_CB(
    _In_ const PRJ_CALLBACK_DATA *callbackData,
    _In_ BOOLEAN isDirectory,
    _In_ PRJ_NOTIFICATION notification,
    _In_opt_ PCWSTR destinationFileName,
    _Inout_ PRJ_NOTIFICATION_PARAMETERS *operationParameters);

typedef void CALLBACK PRJ_CANCEL_COMMAND_CB(
    _In_ const PRJ_CALLBACK_DATA *callbackData);

/* The first five are required. The table is copied when the instance starts. */
typedef struct PRJ_CALLBACKS {
    PRJ_START_DIRECTORY_ENUMERATION_CB *StartDirectoryEnumerationCallback;
    PRJ_END_DIRECTORY_ENUMERATION_CB *EndDirectoryEnumerationCallback;
    PRJ_GET_DIRECTORY_ENUMERATION_CB *GetDirectoryEnumerationCallback;
    PRJ_GET_PLACEHOLDER_INFO_CB *GetPlaceholderInfoCallback;
    PRJ_GET_FILE_DATA_CB *GetFileDataCallback;
    PRJ_QUERY_FILE_NAME_CB *QueryFileNameCallback;
    PRJ_NOTIFICATION_CB *NotificationCallback;
    PRJ_CANCEL_COMMAND_CB *CancelCommandCallback;
} PRJ_CALLBACKS;

/* Functions */

/* Makes a directory a virtualization root, or a directory inside a running one a placeholder. */
STDAPI PrjMarkDirectoryAsPlaceholder(
    _In_ PCWSTR rootPathName,
    _In_opt_ PCWSTR targetPathName,
    _In_opt_ const PRJ_PLACEHOLDER_VERSION_INFO *versionInfo,
    _In_ const GUID *virtualizationInstanceID) PRJ_WIDE(PrjMarkDirectoryAsPlaceholder);

/* Mounts a provider over a root. */
STDAPI PrjStartVirtualizing(
    _In_ PCWSTR virtualizationRootPath,
    _In_ const PRJ_CALLBACKS *callbacks,
    _In_opt_ const void *instanceContext,
    _In_opt_ const PRJ_STARTVIRTUALIZING_OPTIONS *options,
    _Outptr_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT *namespaceVirtualizationContext) PRJ_WIDE(PrjStartVirtualizing);

/* Unmounts. Waits for every callback that has begun, so it does nothing when a callback of the same instance calls it. */
STDAPI_(void) PrjStopVirtualizing(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext);

/* Forgets which names the provider said do not exist. */
STDAPI PrjClearNegativePathCache(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext,
    _Out_opt_ UINT32 *totalEntryNumber);

STDAPI PrjGetVirtualizationInstanceInfo(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext,
    _Out_ PRJ_VIRTUALIZATION_INSTANCE_INFO *virtualizationInstanceInfo);

/* Answers a get-placeholder-info callback, or makes a placeholder before anybody asks. */
STDAPI PrjWritePlaceholderInfo(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext,
    _In_ PCWSTR destinationFileName,
    _In_reads_bytes_(placeholderInfoSize) const PRJ_PLACEHOLDER_INFO *placeholderInfo,
    _In_ UINT32 placeholderInfoSize) PRJ_WIDE(PrjWritePlaceholderInfo);

STDAPI PrjWritePlaceholderInfo2(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext,
    _In_ PCWSTR destinationFileName,
    _In_reads_bytes_(placeholderInfoSize) const PRJ_PLACEHOLDER_INFO *placeholderInfo,
    _In_ UINT32 placeholderInfoSize,
    _In_opt_ const PRJ_EXTENDED_INFO *extendedInfo) PRJ_WIDE(PrjWritePlaceholderInfo2);

/* Replaces an item on disk by a new placeholder if its ContentID differs. */
STDAPI PrjUpdateFileIfNeeded(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext,
    _In_ PCWSTR destinationFileName,
    _In_reads_bytes_(placeholderInfoSize) const PRJ_PLACEHOLDER_INFO *placeholderInfo,
    _In_ UINT32 placeholderInfoSize,
    _In_ PRJ_UPDATE_TYPES updateFlags,
    _Out_opt_ PRJ_UPDATE_FAILURE_CAUSES *failureReason) PRJ_WIDE(PrjUpdateFileIfNeeded);

/* Removes an item from disk, leaving no tombstone. */
STDAPI PrjDeleteFile(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext,
    _In_ PCWSTR destinationFileName,
    _In_ PRJ_UPDATE_TYPES updateFlags,
    _Out_opt_ PRJ_UPDATE_FAILURE_CAUSES *failureReason) PRJ_WIDE(PrjDeleteFile);

/* Delivers content during a get-file-data callback. The buffer is only read. */
STDAPI PrjWriteFileData(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext,
    _In_ const GUID *dataStreamId,
    _In_reads_bytes_(length) void *buffer,
    _In_ UINT64 byteOffset,
    _In_ UINT32 length);

/* The state of the item at a full path. Nothing changes by asking. */
STDAPI PrjGetOnDiskFileState(
    _In_ PCWSTR destinationFileName,
    _Out_ PRJ_FILE_STATE *fileState) PRJ_WIDE(PrjGetOnDiskFileState);

/* Memory aligned for the root's device; NULL if there is none. Its content is undefined. */
STDAPI_(void *) PrjAllocateAlignedBuffer(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext,
    _In_ size_t size);

STDAPI_(void) PrjFreeAlignedBuffer(_In_opt_ void *buffer);

/* Ends a callback that returned HRESULT_FROM_WIN32(ERROR_IO_PENDING). */
STDAPI PrjCompleteCommand(
    _In_ PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT namespaceVirtualizationContext,
    _In_ INT32 commandId,
    _In_ HRESULT completionResult,
    _In_opt_ PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS *extendedParameters);

/* Adds an entry to the listing that is being answered. */
STDAPI PrjFillDirEntryBuffer(
    _In_ PCWSTR fileName,
    _In_opt_ PRJ_FILE_BASIC_INFO *fileBasicInfo,
    _In_ PRJ_DIR_ENTRY_BUFFER_HANDLE dirEntryBufferHandle) PRJ_WIDE(PrjFillDirEntryBuffer);

STDAPI PrjFillDirEntryBuffer2(
    _In_ PRJ_DIR_ENTRY_BUFFER_HANDLE dirEntryBufferHandle,
    _In_ PCWSTR fileName,
    _In_opt_ PRJ_FILE_BASIC_INFO *fileBasicInfo,
    _In_opt_ PRJ_EXTENDED_INFO *extendedInfo) PRJ_WIDE(PrjFillDirEntryBuffer2);

/* Whether a name matches a search expression with * ? < > and ". */
STDAPI_(BOOLEAN) PrjFileNameMatch(
    _In_ PCWSTR fileNameToCheck,
    _In_ PCWSTR pattern) PRJ_WIDE(PrjFileNameMatch);

/* The order in which a provider lists: negative, zero or positive, without regard to case. */
STDAPI_(int) PrjFileNameCompare(
    _In_ PCWSTR fileName1,
    _In_ PCWSTR fileName2) PRJ_WIDE(PrjFileNameCompare);

STDAPI_(BOOLEAN) PrjDoesNameContainWildCards(_In_ PCWSTR fileName) PRJ_WIDE(PrjDoesNameContainWildCards);

#ifdef __cplusplus
}
#endif

#endif
