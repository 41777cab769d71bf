/*
 * The Windows types, macros and error codes that projectedfslib.h is made of, for programs on Linux.
 *
 * Sizes are those of 64-bit Windows: LONG, ULONG, DWORD and HRESULT have 32 bits. A program that brings its own Windows
 * headers (Wine, mingw, a shim of its own) defines PROJFS_NO_WIN32_TYPES, and this file defines nothing.
 *
 * WCHAR is wchar_t, so that L"" literals and wcslen() work, whichever size it has (see projectedfslib.h). With
 * PROJFS_CHAR16 defined it is char16_t, and literals are u"".
 */
#ifndef PROJFS_WIN32_TYPES_H
#define PROJFS_WIN32_TYPES_H
#ifndef PROJFS_NO_WIN32_TYPES

#include <stddef.h>
#include <stdint.h>
#if defined(PROJFS_CHAR16) && !defined(__cplusplus)
#include <uchar.h>
#endif

/* Words of Microsoft's source annotation language, which say nothing to other compilers. */
#ifndef _In_
#define _In_
#endif
#ifndef _In_opt_
#define _In_opt_
#endif
#ifndef _In_z_
#define _In_z_
#endif
#ifndef _In_reads_bytes_
#define _In_reads_bytes_(size)
#endif
#ifndef _Inout_
#define _Inout_
#endif
#ifndef _Inout_opt_
#define _Inout_opt_
#endif
#ifndef _Out_
#define _Out_
#endif
#ifndef _Out_opt_
#define _Out_opt_
#endif
#ifndef _Outptr_
#define _Outptr_
#endif
#ifndef _Field_size_
#define _Field_size_(size)
#endif
#ifndef _Must_inspect_result_
#define _Must_inspect_result_
#endif
#ifndef _Function_class_
#define _Function_class_(name)
#endif

/* Calling conventions: 64-bit systems have one. */
#ifndef __cdecl
#define __cdecl
#endif
#ifndef __stdcall
#define __stdcall
#endif
#ifndef CALLBACK
#define CALLBACK
#endif
#ifndef WINAPI
#define WINAPI
#endif
#ifndef STDAPICALLTYPE
#define STDAPICALLTYPE
#endif
#ifndef STDMETHODCALLTYPE
#define STDMETHODCALLTYPE
#endif

#ifdef __cplusplus
#define PROJFS_EXTERN_C extern "C"
#else
#define PROJFS_EXTERN_C extern
#endif
#ifndef EXTERN_C
#define EXTERN_C PROJFS_EXTERN_C
#endif
#ifndef STDAPI
#define STDAPI PROJFS_EXTERN_C HRESULT STDAPICALLTYPE
#endif
#ifndef STDAPI_
#define STDAPI_(type) PROJFS_EXTERN_C type STDAPICALLTYPE
#endif

typedef int8_t INT8;
typedef int16_t INT16;
typedef int32_t INT32;
typedef int64_t INT64;
typedef uint8_t UINT8;
typedef uint16_t UINT16;
typedef uint32_t UINT32;
typedef uint64_t UINT64;
typedef uint8_t BYTE;
typedef uint8_t UCHAR;
typedef char CHAR;
typedef int16_t SHORT;
typedef uint16_t USHORT;
typedef uint16_t WORD;
typedef int32_t INT;
typedef uint32_t UINT;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef uint32_t DWORD;
typedef int64_t LONGLONG;
typedef uint64_t ULONGLONG;
typedef int64_t LONG64;
typedef uint64_t ULONG64;
typedef uint64_t DWORD64;
typedef int32_t BOOL;
typedef uint8_t BOOLEAN;
typedef int32_t HRESULT;
typedef int32_t NTSTATUS;
typedef size_t SIZE_T;
typedef uintptr_t ULONG_PTR;
typedef void *PVOID;
typedef void *LPVOID;
typedef const void *LPCVOID;
typedef void *HANDLE;
typedef BYTE *PBYTE;
typedef BYTE *LPBYTE;
typedef UCHAR *PUCHAR;
typedef CHAR *PSTR;
typedef CHAR *LPSTR;
typedef USHORT *PUSHORT;
typedef ULONG *PULONG;
typedef DWORD *PDWORD;
typedef DWORD *LPDWORD;
typedef BOOL *PBOOL;
typedef BOOLEAN *PBOOLEAN;

#ifdef PROJFS_CHAR16
typedef char16_t WCHAR;
#else
typedef wchar_t WCHAR;
#endif
typedef WCHAR *PWSTR;
typedef WCHAR *LPWSTR;
typedef const WCHAR *PCWSTR;
typedef const WCHAR *LPCWSTR;
typedef WCHAR TCHAR;
typedef TCHAR *PTSTR;
typedef TCHAR *LPTSTR;
typedef const TCHAR *PCTSTR;
typedef const TCHAR *LPCTSTR;
typedef const char *PCSTR;
typedef const char *LPCSTR;

/* A literal of TCHAR. */
#ifdef PROJFS_CHAR16
#define PROJFS_TEXT(literal) u##literal
#else
#define PROJFS_TEXT(literal) L##literal
#endif
#ifndef TEXT
#define TEXT(literal) PROJFS_TEXT(literal)
#endif

#ifndef VOID
#define VOID void
#endif
#ifndef CONST
#define CONST const
#endif
#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif
#ifndef MAX_PATH
#define MAX_PATH 260
#endif
#ifndef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#endif
#ifndef FIELD_OFFSET
#define FIELD_OFFSET(type, field) ((LONG)offsetof(type, field))
#endif
#ifndef ARRAYSIZE
#define ARRAYSIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

typedef struct _GUID {
    UINT32 Data1;
    UINT16 Data2;
    UINT16 Data3;
    UINT8 Data4[8];
} GUID;
typedef GUID IID;
typedef GUID CLSID;
typedef const GUID *LPCGUID;

typedef union _LARGE_INTEGER {
    __extension__ struct {
        DWORD LowPart;
        LONG HighPart;
    };
    LONGLONG QuadPart;
} LARGE_INTEGER;

#ifndef FILE_NEED_EA
#define FILE_NEED_EA 0x00000080
#endif

/* The layout of the chain that PRJ_PLACEHOLDER_INFO.EaInformation leads to. Each entry begins at a multiple of four bytes;
 * the name is followed by a NUL, and that by the value. */
typedef struct _FILE_FULL_EA_INFORMATION {
    ULONG NextEntryOffset;
    UCHAR Flags;
    UCHAR EaNameLength;
    USHORT EaValueLength;
    CHAR EaName[1];
} FILE_FULL_EA_INFORMATION;

#ifndef DECLARE_HANDLE
#define DECLARE_HANDLE(name) \
    struct name##__ { int unused; }; \
    typedef struct name##__ *name
#endif

#ifndef DUMMYUNIONNAME
#define DUMMYUNIONNAME
#endif

#ifdef __cplusplus
#ifndef DEFINE_ENUM_FLAG_OPERATORS
#define DEFINE_ENUM_FLAG_OPERATORS(type) \
    extern "C++" { \
    inline constexpr type operator|(type a, type b) { return type(static_cast<unsigned>(a) | static_cast<unsigned>(b)); } \
    inline constexpr type operator&(type a, type b) { return type(static_cast<unsigned>(a) & static_cast<unsigned>(b)); } \
    inline constexpr type operator^(type a, type b) { return type(static_cast<unsigned>(a) ^ static_cast<unsigned>(b)); } \
    inline constexpr type operator~(type a) { return type(~static_cast<unsigned>(a)); } \
    inline type &operator|=(type &a, type b) { return a = a | b; } \
    inline type &operator&=(type &a, type b) { return a = a & b; } \
    inline type &operator^=(type &a, type b) { return a = a ^ b; } \
    }
#endif
#else
#ifndef DEFINE_ENUM_FLAG_OPERATORS
#define DEFINE_ENUM_FLAG_OPERATORS(type)
#endif
#endif

/* HRESULT */

#ifndef SUCCEEDED
#define SUCCEEDED(result) (((HRESULT)(result)) >= 0)
#endif
#ifndef FAILED
#define FAILED(result) (((HRESULT)(result)) < 0)
#endif
#ifndef FACILITY_WIN32
#define FACILITY_WIN32 7
#endif
#ifndef FACILITY_NT_BIT
#define FACILITY_NT_BIT 0x10000000
#endif
#ifndef HRESULT_CODE
#define HRESULT_CODE(result) ((result) & 0xFFFF)
#endif
#ifndef HRESULT_FACILITY
#define HRESULT_FACILITY(result) (((result) >> 16) & 0x1FFF)
#endif
#ifndef HRESULT_FROM_WIN32
#define HRESULT_FROM_WIN32(error) \
    ((HRESULT)((HRESULT)(error) <= 0 ? (UINT32)(error) : (((UINT32)(error) & 0xFFFFu) | 0x80070000u)))
#endif
#ifndef HRESULT_FROM_NT
#define HRESULT_FROM_NT(status) ((HRESULT)((UINT32)(status) | (UINT32)FACILITY_NT_BIT))
#endif

#define PROJFS_HRESULT(value) ((HRESULT)(value##u))
#define PROJFS_NTSTATUS(value) ((NTSTATUS)(value##u))

#ifndef S_OK
#define S_OK ((HRESULT)0)
#endif
#ifndef S_FALSE
#define S_FALSE ((HRESULT)1)
#endif
#ifndef E_NOTIMPL
#define E_NOTIMPL PROJFS_HRESULT(0x80004001)
#endif
#ifndef E_POINTER
#define E_POINTER PROJFS_HRESULT(0x80004003)
#endif
#ifndef E_ABORT
#define E_ABORT PROJFS_HRESULT(0x80004004)
#endif
#ifndef E_FAIL
#define E_FAIL PROJFS_HRESULT(0x80004005)
#endif
#ifndef E_UNEXPECTED
#define E_UNEXPECTED PROJFS_HRESULT(0x8000FFFF)
#endif
#ifndef E_ACCESSDENIED
#define E_ACCESSDENIED PROJFS_HRESULT(0x80070005)
#endif
#ifndef E_HANDLE
#define E_HANDLE PROJFS_HRESULT(0x80070006)
#endif
#ifndef E_OUTOFMEMORY
#define E_OUTOFMEMORY PROJFS_HRESULT(0x8007000E)
#endif
#ifndef E_INVALIDARG
#define E_INVALIDARG PROJFS_HRESULT(0x80070057)
#endif

#ifndef ERROR_SUCCESS
#define ERROR_SUCCESS 0
#define ERROR_INVALID_FUNCTION 1
#define ERROR_FILE_NOT_FOUND 2
#define ERROR_PATH_NOT_FOUND 3
#define ERROR_TOO_MANY_OPEN_FILES 4
#define ERROR_ACCESS_DENIED 5
#define ERROR_INVALID_HANDLE 6
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_INVALID_DATA 13
#define ERROR_OUTOFMEMORY 14
#define ERROR_NOT_SAME_DEVICE 17
#define ERROR_NO_MORE_FILES 18
#define ERROR_WRITE_PROTECT 19
#define ERROR_NOT_READY 21
#define ERROR_CRC 23
#define ERROR_SHARING_VIOLATION 32
#define ERROR_LOCK_VIOLATION 33
#define ERROR_HANDLE_EOF 38
#define ERROR_NOT_SUPPORTED 50
#define ERROR_FILE_EXISTS 80
#define ERROR_INVALID_PARAMETER 87
#define ERROR_BROKEN_PIPE 109
#define ERROR_DISK_FULL 112
#define ERROR_CALL_NOT_IMPLEMENTED 120
#define ERROR_INSUFFICIENT_BUFFER 122
#define ERROR_INVALID_NAME 123
#define ERROR_DIR_NOT_EMPTY 145
#define ERROR_BAD_PATHNAME 161
#define ERROR_BUSY 170
#define ERROR_ALREADY_EXISTS 183
#define ERROR_FILENAME_EXCED_RANGE 206
#define ERROR_FILE_TOO_LARGE 223
#define ERROR_MORE_DATA 234
#define ERROR_INVALID_EA_NAME 254
#define ERROR_EA_LIST_INCONSISTENT 255
#define ERROR_NO_MORE_ITEMS 259
#define ERROR_DIRECTORY 267
#define ERROR_EAS_DIDNT_FIT 275
#define ERROR_EAS_NOT_SUPPORTED 282
#define ERROR_DELETE_PENDING 303
#define ERROR_OFFSET_ALIGNMENT_VIOLATION 327
#define ERROR_DIRECTORY_NOT_SUPPORTED 336
#define ERROR_FILE_SYSTEM_VIRTUALIZATION_UNAVAILABLE 369
#define ERROR_FILE_SYSTEM_VIRTUALIZATION_METADATA_CORRUPT 370
#define ERROR_FILE_SYSTEM_VIRTUALIZATION_BUSY 371
#define ERROR_FILE_SYSTEM_VIRTUALIZATION_PROVIDER_UNKNOWN 372
#define ERROR_FILE_SYSTEM_VIRTUALIZATION_INVALID_OPERATION 385
#define ERROR_ARITHMETIC_OVERFLOW 534
#define ERROR_OPERATION_ABORTED 995
#define ERROR_IO_PENDING 997
#define ERROR_NOACCESS 998
#define ERROR_IO_DEVICE 1117
#define ERROR_POSSIBLE_DEADLOCK 1131
#define ERROR_TOO_MANY_LINKS 1142
#define ERROR_NOT_FOUND 1168
#define ERROR_CANCELLED 1223
#define ERROR_ALREADY_INITIALIZED 1247
#define ERROR_DISK_QUOTA_EXCEEDED 1295
#define ERROR_PRIVILEGE_NOT_HELD 1314
#define ERROR_INTERNAL_ERROR 1359
#define ERROR_FILE_CORRUPT 1392
#define ERROR_DISK_CORRUPT 1393
#define ERROR_NO_SYSTEM_RESOURCES 1450
#define ERROR_TIMEOUT 1460
#define ERROR_BAD_CONFIGURATION 1610
#define ERROR_CANT_ACCESS_FILE 1920
#define ERROR_CANT_RESOLVE_FILENAME 1921
#define ERROR_REPARSE_TAG_MISMATCH 4394
#define ERROR_REPARSE_POINT_ENCOUNTERED 4395
#endif

#ifndef STATUS_CANNOT_DELETE
#define STATUS_CANNOT_DELETE PROJFS_NTSTATUS(0xC0000121)
#endif
#ifndef STATUS_ACCESS_DENIED
#define STATUS_ACCESS_DENIED PROJFS_NTSTATUS(0xC0000022)
#endif
#ifndef STATUS_OBJECT_NAME_NOT_FOUND
#define STATUS_OBJECT_NAME_NOT_FOUND PROJFS_NTSTATUS(0xC0000034)
#endif
#ifndef STATUS_IO_REPARSE_TAG_NOT_HANDLED
#define STATUS_IO_REPARSE_TAG_NOT_HANDLED PROJFS_NTSTATUS(0xC0000279)
#endif

#ifndef IO_REPARSE_TAG_PROJFS
#define IO_REPARSE_TAG_PROJFS 0x9000001Cu
#endif
#ifndef IO_REPARSE_TAG_PROJFS_TOMBSTONE
#define IO_REPARSE_TAG_PROJFS_TOMBSTONE 0xA0000022u
#endif

#ifndef FILE_ATTRIBUTE_READONLY
#define FILE_ATTRIBUTE_READONLY 0x00000001u
#define FILE_ATTRIBUTE_HIDDEN 0x00000002u
#define FILE_ATTRIBUTE_SYSTEM 0x00000004u
#define FILE_ATTRIBUTE_DIRECTORY 0x00000010u
#define FILE_ATTRIBUTE_ARCHIVE 0x00000020u
#define FILE_ATTRIBUTE_NORMAL 0x00000080u
#define FILE_ATTRIBUTE_TEMPORARY 0x00000100u
#define FILE_ATTRIBUTE_SPARSE_FILE 0x00000200u
#define FILE_ATTRIBUTE_REPARSE_POINT 0x00000400u
#define FILE_ATTRIBUTE_COMPRESSED 0x00000800u
#define FILE_ATTRIBUTE_OFFLINE 0x00001000u
#define FILE_ATTRIBUTE_NOT_CONTENT_INDEXED 0x00002000u
#define FILE_ATTRIBUTE_ENCRYPTED 0x00004000u
#define FILE_ATTRIBUTE_INTEGRITY_STREAM 0x00008000u
#define FILE_ATTRIBUTE_NO_SCRUB_DATA 0x00020000u
#define FILE_ATTRIBUTE_RECALL_ON_OPEN 0x00040000u
#define FILE_ATTRIBUTE_PINNED 0x00080000u
#define FILE_ATTRIBUTE_UNPINNED 0x00100000u
#define FILE_ATTRIBUTE_RECALL_ON_DATA_ACCESS 0x00400000u
#endif

#endif /* PROJFS_NO_WIN32_TYPES */
#endif
