/*
 * Checks of the library by a provider in C, through a mount: checks DIRECTORY. Says what failed, and how many checks did.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>
#include <dirent.h>

#include <projectedfslib.h>

#define WIN32(name) HRESULT_FROM_WIN32(ERROR_##name)

static int failures;

#define CHECK(condition) Check((condition) != 0, #condition, 0, 1, __LINE__)
#define SAME(value, expected) Check(0, #value, (long long)(value), (long long)(expected), __LINE__)

static void Check(int holds, const char *text, long long value, long long expected, int line)
{
    if (!holds && value != expected) {
        printf("line %d: %s: 0x%llx, not 0x%llx\n", line, text, value, expected);
        failures++;
    }
}

static const GUID InstanceId = { 0x01234567, 0x89ab, 0xcdef, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static const char Content[] = "hello, world\n";
static int InstanceContext;

/* What callbacks saw and did. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance;
    int sessions, started, ended, asked, delivered, cancelled, queries;
    int early, wrong, stopped_inside;
    INT32 pended_call;
    GUID pended_stream;
    char log[1 << 16];
    UINT64 largest_offset;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void Log(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void Log(const char *format, ...)
{
    va_list arguments;
    __builtin_va_start(arguments, format);
    pthread_mutex_lock(&seen.lock);
    size_t length = strlen(seen.log);
    vsnprintf(seen.log + length, sizeof(seen.log) - length, format, arguments);
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
    __builtin_va_end(arguments);
}

/* Where the mount is. */
static char root[4000];
static wchar_t wide_root[4000];

/* What every callback is told. */
static void Expect(const PRJ_CALLBACK_DATA *data)
{
    CHECK(data->Size == sizeof(*data));
    CHECK(data->InstanceContext == &InstanceContext);
    CHECK(data->CommandId != 0);
    CHECK(data->FilePathName != NULL);
    if (seen.instance == NULL || data->NamespaceVirtualizationContext != seen.instance) {
        seen.early++;
    }
    PRJ_VIRTUALIZATION_INSTANCE_INFO info;
    SAME(PrjGetVirtualizationInstanceInfo(data->NamespaceVirtualizationContext, &info), S_OK);
    CHECK((data->TriggeringProcessId == 0) == (data->TriggeringProcessImageFileName == NULL));
}

static HRESULT CALLBACK Start(const PRJ_CALLBACK_DATA *data, const GUID *id)
{
    Expect(data);
    CHECK(id != NULL);
    CHECK(data->VersionInfo != NULL);
    CHECK(data->Flags == 0);
    if (wcscmp(data->FilePathName, L"unlisted") == 0) {
        return WIN32(ACCESS_DENIED);
    }
    pthread_mutex_lock(&seen.lock);
    seen.started++;
    seen.sessions++;
    pthread_mutex_unlock(&seen.lock);
    return S_OK;
}

static HRESULT CALLBACK End(const PRJ_CALLBACK_DATA *data, const GUID *id)
{
    Expect(data);
    CHECK(id != NULL);
    pthread_mutex_lock(&seen.lock);
    seen.ended++;
    seen.sessions--;
    pthread_mutex_unlock(&seen.lock);
    return S_OK;
}

static PRJ_DIR_ENTRY_BUFFER_HANDLE stale_buffer;

static HRESULT CALLBACK Get(
    const PRJ_CALLBACK_DATA *data, const GUID *id, PCWSTR expression, PRJ_DIR_ENTRY_BUFFER_HANDLE buffer)
{
    /* Per session, but the tests list one directory after the other. */
    static int done;
    Expect(data);
    CHECK(id != NULL);
    PRJ_FILE_BASIC_INFO file = { .FileSize = sizeof(Content) - 1 }, directory = { .IsDirectory = TRUE };
    if (data->Flags & PRJ_CB_DATA_FLAG_ENUM_RESTART_SCAN) {
        done = FALSE;
    }
    if (done) {
        return S_OK;
    }
    done = TRUE;
    if (wcscmp(data->FilePathName, L"dir") == 0) {
        /* Not in order, with one twice, and one that is too long for Linux. */
        static const wchar_t *names[] = { L"cd", L"c_d", L"B", L"a", L"cd", L"A", L"b~" };
        wchar_t longest[256 + 1];
        wmemset(longest, L'\u20ac', 200);
        longest[200] = L'\0';
        SAME(PrjFillDirEntryBuffer(longest, &file, buffer), S_OK);
        for (size_t i = 0; i < ARRAYSIZE(names); i++) {
            SAME(PrjFillDirEntryBuffer(names[i], &file, buffer), S_OK);
        }
        return S_OK;
    }
    if (wcscmp(data->FilePathName, L"") != 0) {
        return S_OK;
    }
    PRJ_EXTENDED_INFO link = { .InfoType = PRJ_EXT_INFO_TYPE_SYMLINK };
    link.Symlink.TargetName = L"hello.txt";
    PRJ_EXTENDED_INFO unknown = { .InfoType = (PRJ_EXT_INFO_TYPE)7 };
    PRJ_FILE_BASIC_INFO negative = { .FileSize = -1 };
    SAME(PrjFillDirEntryBuffer2(buffer, L"link", &file, &link), S_OK);
    SAME(PrjFillDirEntryBuffer2(buffer, L"bad", &file, &unknown), E_INVALIDARG);
    SAME(PrjFillDirEntryBuffer(L"negative", &negative, buffer), E_INVALIDARG);
    SAME(PrjFillDirEntryBuffer(NULL, &file, buffer), E_INVALIDARG);
    SAME(PrjFillDirEntryBuffer(L"", &file, buffer), E_INVALIDARG);
    SAME(PrjFillDirEntryBuffer(L".", &file, buffer), E_INVALIDARG);
    SAME(PrjFillDirEntryBuffer(L"..", &file, buffer), E_INVALIDARG);
    SAME(PrjFillDirEntryBuffer(L"a\\b", &file, buffer), E_INVALIDARG);
    SAME(PrjFillDirEntryBuffer(L"a/b", &file, buffer), E_INVALIDARG);
    SAME(PrjFillDirEntryBuffer(L"x", &file, NULL), E_INVALIDARG);
    SAME(PrjFillDirEntryBuffer(L"x", &file, (PRJ_DIR_ENTRY_BUFFER_HANDLE)seen.instance), E_INVALIDARG);
    if (PrjFileNameMatch(L"hello.txt", expression)) {
        SAME(PrjFillDirEntryBuffer(L"hello.txt", &file, buffer), S_OK);
    }
    SAME(PrjFillDirEntryBuffer(L"empty", NULL, buffer), S_OK);
    SAME(PrjFillDirEntryBuffer(L"dir", &directory, buffer), S_OK);
    stale_buffer = buffer;
    return S_OK;
}

static PRJ_PLACEHOLDER_INFO Info(BOOLEAN is_directory, INT64 size, char version)
{
    PRJ_PLACEHOLDER_INFO info;
    memset(&info, 0, sizeof(info));
    info.FileBasicInfo.IsDirectory = is_directory;
    info.FileBasicInfo.FileSize = size;
    info.VersionInfo.ContentID[0] = (UINT8)version;
    return info;
}

static void *DescribeLater(void *call)
{
    PRJ_PLACEHOLDER_INFO info = Info(FALSE, sizeof(Content) - 1, '1');
    SAME(PrjWritePlaceholderInfo(seen.instance, L"described", &info, sizeof(info)), S_OK);
    SAME(PrjCompleteCommand(seen.instance, (INT32)(intptr_t)call, S_OK, NULL), S_OK);
    return NULL;
}

static HRESULT CALLBACK Placeholder(const PRJ_CALLBACK_DATA *data)
{
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance = data->NamespaceVirtualizationContext;
    const wchar_t *path = data->FilePathName;
    Expect(data);
    CHECK(data->VersionInfo != NULL);
    pthread_mutex_lock(&seen.lock);
    seen.asked++;
    pthread_mutex_unlock(&seen.lock);
    INT64 size = sizeof(Content) - 1;
    PRJ_PLACEHOLDER_INFO info = Info(wcscmp(path, L"dir") == 0 || wcscmp(path, L"unlisted") == 0, size, '1');
    if (wcscmp(path, L"described") == 0) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, DescribeLater, (void *)(intptr_t)data->CommandId) == 0);
        pthread_detach(thread);
        return WIN32(IO_PENDING);
    }
    if (wcscmp(path, L"refused") == 0) {
        return WIN32(ACCESS_DENIED);
    }
    if (wcscmp(path, L"unwritten") == 0) {
        return S_OK;
    }
    if (wcscmp(path, L"internal") == 0) {
        return (HRESULT)0x8badf00d;
    }
    if (wcscmp(path, L"success") == 0) {
        return S_FALSE;
    }
    if (wcscmp(path, L"otherpath") == 0) {
        return WIN32(PATH_NOT_FOUND);
    }
    if (wcscmp(path, L"empty") == 0) {
        info.FileBasicInfo.FileSize = 0;
    }
    if (wcscmp(path, L"readonly") == 0) {
        info.FileBasicInfo.FileAttributes = FILE_ATTRIBUTE_READONLY;
    }
    if (wcscmp(path, L"dated") == 0) {
        /* 2001-02-03 04:05:06.1234567 */
        info.FileBasicInfo.LastWriteTime.QuadPart = 126256467061234567;
    }
    if (wcscmp(path, L"link") == 0) {
        PRJ_EXTENDED_INFO link = { .InfoType = PRJ_EXT_INFO_TYPE_SYMLINK };
        link.Symlink.TargetName = L"hello.txt";
        return PrjWritePlaceholderInfo2(instance, path, &info, sizeof(info), &link);
    }
    if (wcscmp(path, L"program") == 0) {
        /* A mode in the form of the Windows Subsystem for Linux. */
        struct {
            PRJ_PLACEHOLDER_INFO info;
            UINT8 ea[20];
        } with_ea = { .info = info };
        static const UINT8 ea[] = { 0, 0, 0, 0, 0, 6, 4, 0, '$', 'L', 'X', 'M', 'O', 'D', 0, 0xed, 0x81, 0, 0 };
        memcpy(with_ea.ea, ea, sizeof(ea));
        with_ea.info.EaInformation.OffsetToFirstEa = (UINT32)((UINT8 *)with_ea.ea - (UINT8 *)&with_ea);
        with_ea.info.EaInformation.EaBufferSize = sizeof(ea);
        SAME(PrjWritePlaceholderInfo(instance, path, &with_ea.info, sizeof(with_ea.info)), E_INVALIDARG);
        return PrjWritePlaceholderInfo(instance, path, &with_ea.info, sizeof(with_ea));
    }
    static const wchar_t *known[] = { L"hello.txt", L"empty", L"dir", L"dir\\a", L"dir\\B", L"dir\\c_d", L"dir\\cd",
        L"dir\\A", L"dir\\b~", L"readonly", L"dated", L"short", L"over", L"failing", L"never", L"later", L"early",
        L"stopping", L"unlisted", L"aligned", L"Spelled" };
    for (size_t i = 0; i < ARRAYSIZE(known); i++) {
        if (PrjFileNameCompare(path, known[i]) != 0) {
            continue;
        }
        SAME(PrjWritePlaceholderInfo(instance, known[i], NULL, sizeof(info)), E_INVALIDARG);
        SAME(PrjWritePlaceholderInfo(instance, known[i], &info, 336), WIN32(INSUFFICIENT_BUFFER));
        SAME(PrjWritePlaceholderInfo(instance, L"", &info, sizeof(info)), E_INVALIDARG);
        SAME(PrjWritePlaceholderInfo(instance, NULL, &info, sizeof(info)), E_INVALIDARG);
        SAME(PrjWritePlaceholderInfo(instance, L"\\a", &info, sizeof(info)), E_INVALIDARG);
        HRESULT result = PrjWritePlaceholderInfo(instance, known[i], &info, sizeof(info));
        SAME(PrjWritePlaceholderInfo(instance, known[i], &info, sizeof(info)), WIN32(ALREADY_EXISTS));
        return result;
    }
    return WIN32(FILE_NOT_FOUND);
}

static HRESULT Deliver(
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance, const GUID *stream, UINT64 offset, UINT32 length)
{
    char content[sizeof(Content)];
    memcpy(content, Content, sizeof(content));
    return PrjWriteFileData(instance, stream, content + offset, offset, length);
}

static struct {
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance;
    GUID stream;
    INT32 call;
    UINT32 length;
} later;

static void *CompleteLater(void *unused)
{
    UNREFERENCED_PARAMETER(unused);
    SAME(Deliver(later.instance, &later.stream, 0, later.length), S_OK);
    PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS wrong = { .CommandType = PRJ_COMPLETE_COMMAND_TYPE_NOTIFICATION };
    SAME(PrjCompleteCommand(later.instance, later.call, WIN32(IO_PENDING), NULL), E_INVALIDARG);
    SAME(PrjCompleteCommand(later.instance, later.call, S_OK, &wrong), E_INVALIDARG);
    SAME(PrjCompleteCommand(later.instance, later.call, S_OK, NULL), S_OK);
    SAME(PrjCompleteCommand(later.instance, later.call, S_OK, NULL), E_INVALIDARG);
    SAME(Deliver(later.instance, &later.stream, 0, later.length), E_HANDLE);
    return NULL;
}

static HRESULT CALLBACK Data(const PRJ_CALLBACK_DATA *data, UINT64 offset, UINT32 length)
{
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance = data->NamespaceVirtualizationContext;
    const wchar_t *path = data->FilePathName;
    const GUID *stream = &data->DataStreamId;
    static int failed;
    Expect(data);
    CHECK(offset == 0 && length == sizeof(Content) - 1);
    CHECK(data->VersionInfo != NULL && data->VersionInfo->ContentID[0] == '1');
    if (wcscmp(path, L"hello.txt") == 0) {
        char buffer[1] = { 'h' };
        GUID other = *stream;
        other.Data1 ^= 1;
        SAME(PrjWriteFileData(instance, stream, NULL, 0, 1), E_INVALIDARG);
        SAME(PrjWriteFileData(instance, stream, buffer, 0, 0), E_INVALIDARG);
        SAME(PrjWriteFileData(instance, NULL, buffer, 0, 1), E_INVALIDARG);
        SAME(PrjWriteFileData(instance, &other, buffer, 0, 1), E_HANDLE);
        SAME(PrjWriteFileData(NULL, stream, buffer, 0, 1), E_HANDLE);
        /* In any order, one byte twice. */
        SAME(Deliver(instance, stream, 5, length - 5), S_OK);
        SAME(Deliver(instance, stream, 0, 6), S_OK);
        pthread_mutex_lock(&seen.lock);
        seen.delivered++;
        pthread_mutex_unlock(&seen.lock);
        CHECK(data->TriggeringProcessId != 0);
        return S_OK;
    }
    if (wcscmp(path, L"short") == 0) {
        return Deliver(instance, stream, 0, length - 1);
    }
    if (wcscmp(path, L"over") == 0) {
        char buffer[64] = { 0 };
        return PrjWriteFileData(instance, stream, buffer, 0, length + 1);
    }
    if (wcscmp(path, L"failing") == 0 && !failed++) {
        SAME(Deliver(instance, stream, 0, length), S_OK);
        return HRESULT_FROM_NT(STATUS_CANNOT_DELETE);
    }
    if (wcscmp(path, L"never") == 0) {
        pthread_mutex_lock(&seen.lock);
        seen.pended_call = data->CommandId;
        seen.pended_stream = *stream;
        pthread_cond_broadcast(&seen.changed);
        pthread_mutex_unlock(&seen.lock);
        return WIN32(IO_PENDING);
    }
    if (wcscmp(path, L"stopping") == 0) {
        PrjStopVirtualizing(instance);
        seen.stopped_inside++;
        return Deliver(instance, stream, 0, length);
    }
    if (wcscmp(path, L"aligned") == 0) {
        PRJ_VIRTUALIZATION_INSTANCE_INFO info;
        SAME(PrjGetVirtualizationInstanceInfo(instance, &info), S_OK);
        CHECK(memcmp(&info.InstanceID, &InstanceId, sizeof(InstanceId)) == 0);
        CHECK(info.WriteAlignment >= 512 && (info.WriteAlignment & (info.WriteAlignment - 1)) == 0);
        void *buffer = PrjAllocateAlignedBuffer(instance, length);
        CHECK(buffer != NULL && (uintptr_t)buffer % info.WriteAlignment == 0);
        memcpy(buffer, Content, length);
        HRESULT result = PrjWriteFileData(instance, stream, buffer, 0, length);
        PrjFreeAlignedBuffer(buffer);
        PrjFreeAlignedBuffer(buffer);
        return result;
    }
    later.instance = instance;
    later.stream = *stream;
    later.call = data->CommandId;
    later.length = length;
    if (wcscmp(path, L"early") == 0) {
        /* Completed before the callback has returned. */
        SAME(Deliver(instance, stream, 0, length), S_OK);
        SAME(PrjCompleteCommand(instance, data->CommandId, S_OK, NULL), S_OK);
        SAME(PrjCompleteCommand(instance, data->CommandId, S_OK, NULL), E_INVALIDARG);
        SAME(Deliver(instance, stream, 0, length), E_HANDLE);
        return WIN32(IO_PENDING);
    }
    if (wcscmp(path, L"later") == 0) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, CompleteLater, NULL) == 0);
        pthread_detach(thread);
        return WIN32(IO_PENDING);
    }
    return Deliver(instance, stream, 0, length);
}

static GUID opened_file;

static HRESULT CALLBACK Notify(const PRJ_CALLBACK_DATA *data, BOOLEAN isDirectory, PRJ_NOTIFICATION notification,
    PCWSTR destination, PRJ_NOTIFICATION_PARAMETERS *parameters)
{
    Expect(data);
    CHECK(parameters != NULL && isDirectory <= TRUE);
    Log("%x %ls%s%ls%s%s\n", (unsigned)notification, data->FilePathName, destination ? " > " : "",
        destination ? destination : L"", isDirectory ? " dir" : "",
        notification == PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_FILE_DELETED
                && parameters->FileDeletedOnHandleClose.IsFileModified
            ? " modified"
            : "");
    /* A directory that was made here is to show what the provider has in it, from the start. */
    if (notification == PRJ_NOTIFICATION_NEW_FILE_CREATED && wcscmp(data->FilePathName, L"merged") == 0) {
        wchar_t path[4096];
        swprintf(path, ARRAYSIZE(path), L"%s/merged", root);
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        SAME(PrjMarkDirectoryAsPlaceholder(wide_root, path, NULL, &InstanceId), S_OK);
        clock_gettime(CLOCK_MONOTONIC, &end);
        /* The kernel holds the directory for the program that makes it: nobody waits for it here. */
        CHECK(end.tv_sec - begin.tv_sec <= 2);
    }
    /* An open file has one id. */
    if (wcscmp(data->FilePathName, L"aligned") == 0) {
        if (notification == PRJ_NOTIFICATION_FILE_OPENED) {
            opened_file = data->FileId;
        } else {
            CHECK(memcmp(&opened_file, &data->FileId, sizeof(GUID)) == 0);
        }
    }
    if (notification == PRJ_NOTIFICATION_FILE_OPENED && wcscmp(data->FilePathName, L"dated") == 0) {
        parameters->PostCreate.NotificationMask = PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS;
    }
    if (notification == PRJ_NOTIFICATION_PRE_DELETE && wcscmp(data->FilePathName, L"hello.txt") == 0) {
        return HRESULT_FROM_NT(STATUS_CANNOT_DELETE);
    }
    if (notification == PRJ_NOTIFICATION_FILE_PRE_CONVERT_TO_FULL && wcscmp(data->FilePathName, L"readonly") == 0) {
        return WIN32(ACCESS_DENIED);
    }
    return S_OK;
}

static HRESULT CALLBACK Query(const PRJ_CALLBACK_DATA *data)
{
    Expect(data);
    pthread_mutex_lock(&seen.lock);
    seen.queries++;
    pthread_mutex_unlock(&seen.lock);
    return wcscmp(data->FilePathName, L"hello.txt") == 0 ? S_OK : WIN32(FILE_NOT_FOUND);
}

static void CALLBACK Cancel(const PRJ_CALLBACK_DATA *data)
{
    CHECK(data->Size == sizeof(*data) && data->VersionInfo == NULL);
    pthread_mutex_lock(&seen.lock);
    CHECK(data->CommandId == seen.pended_call);
    seen.cancelled++;
    pthread_cond_broadcast(&seen.changed);
    pthread_mutex_unlock(&seen.lock);
}


static const char *Path(const char *name)
{
    static __thread char path[4096];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static int OpenError(const char *name, int flags)
{
    int file = open(Path(name), flags, 0644);
    int error = file < 0 ? errno : 0;
    if (file >= 0) {
        close(file);
    }
    return error;
}

static int ReadError(const char *name)
{
    char buffer[64];
    int file = open(Path(name), O_RDONLY);
    if (file < 0) {
        return errno;
    }
    ssize_t got = read(file, buffer, sizeof(buffer));
    int error = got < 0 ? errno : 0;
    if (got >= 0) {
        CHECK(got == sizeof(Content) - 1 && memcmp(buffer, Content, sizeof(Content) - 1) == 0);
    }
    close(file);
    return error;
}

/* Runs a command of the shell in the mount: another process. */
static int Shell(const char *command)
{
    char line[8192];
    snprintf(line, sizeof(line), "cd '%s' && { %s; } 2>/dev/null", root, command);
    int status = system(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static PRJ_FILE_STATE State(const wchar_t *name, HRESULT expected)
{
    wchar_t path[4096];
    PRJ_FILE_STATE state = (PRJ_FILE_STATE)0;
    swprintf(path, ARRAYSIZE(path), L"%ls\\%ls", wide_root, name);
    SAME(PrjGetOnDiskFileState(path, &state), expected);
    return state;
}

static PRJ_CALLBACKS callbacks = {
    .StartDirectoryEnumerationCallback = Start,
    .EndDirectoryEnumerationCallback = End,
    .GetDirectoryEnumerationCallback = Get,
    .GetPlaceholderInfoCallback = Placeholder,
    .GetFileDataCallback = Data,
    .QueryFileNameCallback = Query,
    .NotificationCallback = Notify,
    .CancelCommandCallback = Cancel,
};

static void Misuse(PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT wrong)
{
    PRJ_PLACEHOLDER_INFO info = Info(FALSE, 1, '1');
    PRJ_UPDATE_FAILURE_CAUSES causes = PRJ_UPDATE_FAILURE_CAUSE_TOMBSTONE;
    PRJ_VIRTUALIZATION_INSTANCE_INFO instance;
    UINT32 count;
    GUID stream = InstanceId;
    char byte = 0;
    SAME(PrjWritePlaceholderInfo(wrong, L"a", &info, sizeof(info)), E_HANDLE);
    SAME(PrjWritePlaceholderInfo2(wrong, L"a", &info, sizeof(info), NULL), E_HANDLE);
    SAME(PrjUpdateFileIfNeeded(wrong, L"a", &info, sizeof(info), PRJ_UPDATE_NONE, &causes), E_HANDLE);
    SAME(causes, PRJ_UPDATE_FAILURE_CAUSE_NONE);
    SAME(PrjDeleteFile(wrong, L"a", PRJ_UPDATE_NONE, NULL), E_HANDLE);
    SAME(PrjWriteFileData(wrong, &stream, &byte, 0, 1), E_HANDLE);
    SAME(PrjClearNegativePathCache(wrong, &count), E_HANDLE);
    SAME(PrjGetVirtualizationInstanceInfo(wrong, &instance), E_HANDLE);
    SAME(PrjCompleteCommand(wrong, 1, S_OK, NULL), E_HANDLE);
    CHECK(PrjAllocateAlignedBuffer(wrong, 1) == NULL);
    PrjStopVirtualizing(wrong);
}

int main(int argc, char **argv)
{
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance = (PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT)&failures;
    CHECK(argc == 2);
    setlocale(LC_ALL, "C.UTF-8");
    signal(SIGALRM, SIG_DFL);
    snprintf(root, sizeof(root), "%s", argv[1]);
    mbstowcs(wide_root, root, ARRAYSIZE(wide_root));

    /* Before the start. */
    wchar_t missing[4096];
    swprintf(missing, ARRAYSIZE(missing), L"%ls/missing", wide_root);
    PRJ_CALLBACKS incomplete = callbacks;
    incomplete.GetFileDataCallback = NULL;
    SAME(PrjStartVirtualizing(wide_root, &callbacks, NULL, NULL, &instance), WIN32(REPARSE_TAG_MISMATCH));
    CHECK(instance == NULL);
    SAME(PrjStartVirtualizing(NULL, &callbacks, NULL, NULL, &instance), E_INVALIDARG);
    SAME(PrjStartVirtualizing(wide_root, NULL, NULL, NULL, &instance), E_INVALIDARG);
    SAME(PrjStartVirtualizing(wide_root, &callbacks, NULL, NULL, NULL), E_INVALIDARG);
    SAME(PrjStartVirtualizing(wide_root, &incomplete, NULL, NULL, &instance), E_INVALIDARG);
    SAME(PrjStartVirtualizing(missing, &callbacks, NULL, NULL, &instance), WIN32(FILE_NOT_FOUND));
    SAME(PrjStartVirtualizing(L"/dev/null", &callbacks, NULL, NULL, &instance), WIN32(DIRECTORY));
    SAME(PrjMarkDirectoryAsPlaceholder(NULL, NULL, NULL, &InstanceId), E_INVALIDARG);
    SAME(PrjMarkDirectoryAsPlaceholder(L"", NULL, NULL, &InstanceId), E_INVALIDARG);
    SAME(PrjMarkDirectoryAsPlaceholder(wide_root, NULL, NULL, NULL), E_INVALIDARG);
    SAME(PrjMarkDirectoryAsPlaceholder(missing, NULL, NULL, &InstanceId), WIN32(FILE_NOT_FOUND));
    SAME(PrjMarkDirectoryAsPlaceholder(L"/dev/null", NULL, NULL, &InstanceId), WIN32(DIRECTORY));
    CHECK(mkdir(Path("nested"), 0755) == 0);
    SAME(PrjMarkDirectoryAsPlaceholder(wide_root, L"", NULL, &InstanceId), S_OK);
    SAME(PrjMarkDirectoryAsPlaceholder(wide_root, NULL, NULL, &InstanceId), WIN32(REPARSE_POINT_ENCOUNTERED));
    swprintf(missing, ARRAYSIZE(missing), L"%ls/nested", wide_root);
    SAME(PrjMarkDirectoryAsPlaceholder(missing, NULL, NULL, &InstanceId),
        WIN32(FILE_SYSTEM_VIRTUALIZATION_INVALID_OPERATION));
    PRJ_NOTIFICATION_MAPPING mappings[] = {
        { (PRJ_NOTIFY_TYPES)0x1ffe, L"" },
        { PRJ_NOTIFY_SUPPRESS_NOTIFICATIONS, L"dir" },
    };
    PRJ_STARTVIRTUALIZING_OPTIONS options = { .PoolThreadCount = 4, .NotificationMappings = mappings,
        .NotificationMappingsCount = ARRAYSIZE(mappings) };
    PRJ_STARTVIRTUALIZING_OPTIONS bad = options;
    bad.Flags = (PRJ_STARTVIRTUALIZING_FLAGS)2;
    SAME(PrjStartVirtualizing(wide_root, &callbacks, NULL, &bad, &instance), E_INVALIDARG);
    bad.Flags = PRJ_FLAG_NONE;
    bad.NotificationMappings = NULL;
    SAME(PrjStartVirtualizing(wide_root, &callbacks, NULL, &bad, &instance), E_INVALIDARG);
    PRJ_NOTIFICATION_MAPPING wrong[] = { { PRJ_NOTIFY_FILE_OPENED, L"." } };
    bad.NotificationMappings = wrong;
    bad.NotificationMappingsCount = 1;
    SAME(PrjStartVirtualizing(wide_root, &callbacks, NULL, &bad, &instance), E_INVALIDARG);
    wrong[0].NotificationRoot = L"";
    wrong[0].NotificationBitMask = PRJ_NOTIFY_USE_EXISTING_MASK;
    SAME(PrjStartVirtualizing(wide_root, &callbacks, NULL, &bad, &instance), E_INVALIDARG);

    /* Started. */
    SAME(PrjStartVirtualizing(wide_root, &callbacks, &InstanceContext, &options, &seen.instance), S_OK);
    instance = seen.instance;
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT second = instance;
    SAME(PrjStartVirtualizing(wide_root, &callbacks, NULL, NULL, &second), WIN32(ALREADY_INITIALIZED));
    CHECK(second == NULL);
    SAME(PrjMarkDirectoryAsPlaceholder(wide_root, NULL, NULL, &InstanceId), WIN32(REPARSE_POINT_ENCOUNTERED));
    Misuse(NULL);
    Misuse((PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT)&failures);
    Misuse((PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT)UINTPTR_MAX);
    SAME(PrjGetVirtualizationInstanceInfo(instance, NULL), E_INVALIDARG);
    SAME(PrjCompleteCommand(instance, 12345, S_OK, NULL), E_INVALIDARG);

    /* Listings. */
    SAME(Shell("test \"$(ls | tr '\\n' ' ')\" = 'dir empty hello.txt link nested '"), 0);
    SAME(Shell("test \"$(LC_ALL=C ls dir | tr '\\n' ' ')\" = 'A B a b~ c_d cd '"), 0);
    SAME(Shell("ls unlisted"), 2);
    SAME(PrjFillDirEntryBuffer(L"x", NULL, stale_buffer), E_INVALIDARG);
    CHECK(seen.started == seen.ended && seen.sessions == 0);

    /* Placeholders. */
    struct stat stat;
    SAME(State(L"hello.txt", WIN32(FILE_NOT_FOUND)), 0);
    CHECK(lstat(Path("link"), &stat) == 0 && S_ISLNK(stat.st_mode));
    CHECK(lstat(Path("readonly"), &stat) == 0 && (stat.st_mode & 07777) == 0444);
    CHECK(lstat(Path("program"), &stat) == 0 && (stat.st_mode & 07777) == 0755);
    CHECK(lstat(Path("dated"), &stat) == 0 && stat.st_mtim.tv_sec == 981173106
        && stat.st_mtim.tv_nsec == 123456700);
    CHECK(lstat(Path("hello.txt"), &stat) == 0 && stat.st_size == sizeof(Content) - 1);
    SAME(State(L"hello.txt", S_OK), PRJ_FILE_STATE_PLACEHOLDER);
    SAME(OpenError("refused", O_RDONLY), EACCES);
    SAME(OpenError("refused", O_RDWR | O_CREAT), EACCES);
    SAME(OpenError("unwritten", O_RDONLY), EIO);
    SAME(OpenError("internal", O_RDONLY), EIO);
    SAME(OpenError("success", O_RDONLY), EIO);
    SAME(OpenError("otherpath", O_RDONLY), ENOENT);
    SAME(OpenError("otherpath", O_RDWR | O_CREAT), ENOENT);
    SAME(OpenError("nothing", O_RDONLY), ENOENT);
    /* Names that differ in case are two names. */
    SAME(OpenError("Spelled", O_RDONLY), 0);
    SAME(OpenError("sPELLED", O_RDONLY), ENOENT);

    /* Content. */
    SAME(Shell("test \"$(cat hello.txt)\" = 'hello, world'"), 0);
    SAME(ReadError("hello.txt"), 0);
    CHECK(seen.delivered == 1);
    SAME(State(L"hello.txt", S_OK), PRJ_FILE_STATE_PLACEHOLDER | PRJ_FILE_STATE_HYDRATED_PLACEHOLDER);
    SAME(ReadError("short"), EIO);
    SAME(ReadError("short"), EIO);
    SAME(State(L"short", S_OK), PRJ_FILE_STATE_PLACEHOLDER);
    SAME(ReadError("over"), EINVAL);
    SAME(ReadError("failing"), EPERM);
    SAME(State(L"failing", S_OK), PRJ_FILE_STATE_PLACEHOLDER);
    SAME(ReadError("failing"), 0);
    SAME(ReadError("aligned"), 0);
    SAME(ReadError("described"), 0);
    SAME(ReadError("early"), 0);
    SAME(ReadError("later"), 0);
    SAME(ReadError("stopping"), 0);
    CHECK(seen.stopped_inside == 1);

    /* Whoever waits is killed: the provider hears of it, and may complete. */
    pid_t child = fork();
    if (child == 0) {
        execlp("cat", "cat", Path("never"), (char *)NULL);
        _exit(127);
    }
    pthread_mutex_lock(&seen.lock);
    while (seen.pended_call == 0) {
        pthread_cond_wait(&seen.changed, &seen.lock);
    }
    kill(child, SIGINT);
    while (seen.cancelled == 0) {
        pthread_cond_wait(&seen.changed, &seen.lock);
    }
    INT32 call = seen.pended_call;
    GUID stream = seen.pended_stream;
    seen.pended_call = 0;
    pthread_mutex_unlock(&seen.lock);
    waitpid(child, NULL, 0);
    SAME(Deliver(instance, &stream, 0, 1), E_HANDLE);
    SAME(PrjCompleteCommand(instance, call, S_OK, NULL), S_OK);
    SAME(PrjCompleteCommand(instance, call, S_OK, NULL), E_INVALIDARG);
    SAME(State(L"never", S_OK), PRJ_FILE_STATE_PLACEHOLDER);

    /* Notifications. */
    pthread_mutex_lock(&seen.lock);
    seen.log[0] = '\0';
    pthread_mutex_unlock(&seen.lock);
    SAME(Shell("rm hello.txt"), 1);
    SAME(Shell("cat aligned"), 0);
    SAME(Shell("echo x >> readonly"), 2);
    SAME(Shell("mkdir merged && touch merged/own && ls merged"), 0);
    SAME(State(L"merged", S_OK), PRJ_FILE_STATE_PLACEHOLDER | PRJ_FILE_STATE_DIRTY_PLACEHOLDER);
    SAME(Shell("mkdir made && mv made moved && rmdir moved"), 0);
    SAME(Shell("cat dated && cat dir/a"), 0);
    SAME(Shell("ln empty linked && echo x > fresh && mv fresh older"), 0);
    /* Whether a tombstone is needed, the provider is asked. */
    int queries = seen.queries;
    SAME(Shell("rm older"), 0);
    CHECK(seen.queries > queries);
    SAME(Shell("rm over"), 0);
    pthread_mutex_lock(&seen.lock);
    static const char *expected[] = { "2 aligned\n", "200 aligned\n", "10 hello.txt\n", "1000 readonly\n", "4 made dir\n", "20 made > moved dir\n",
        "80 made > moved dir\n", "10 moved dir\n", "800 moved dir\n", "2 dated\n", "40 empty > linked\n",
        "100 empty > linked\n", "4 fresh\n", "400 fresh\n", "20 fresh > older\n", "80 fresh > older\n",
        "10 older\n", "800 older" };
    /* Closes are told after programs have gone on. */
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 10;
    for (size_t i = 0; i < ARRAYSIZE(expected); i++) {
        while (strstr(seen.log, expected[i]) == NULL
            && pthread_cond_timedwait(&seen.changed, &seen.lock, &end) == 0) {
        }
        if (strstr(seen.log, expected[i]) == NULL) {
            printf("not notified: %s", expected[i]);
            failures++;
        }
    }
    CHECK(strstr(seen.log, "200 dated") == NULL);
    CHECK(strstr(seen.log, "dir\\a") == NULL);
    if (failures) {
        printf("%s", seen.log);
    }
    pthread_mutex_unlock(&seen.lock);

    /* The view. */
    PRJ_PLACEHOLDER_INFO info = Info(FALSE, sizeof(Content) - 1, '2');
    PRJ_UPDATE_FAILURE_CAUSES causes = PRJ_UPDATE_FAILURE_CAUSE_READ_ONLY;
    SAME(PrjUpdateFileIfNeeded(instance, L"", &info, sizeof(info), PRJ_UPDATE_NONE, &causes), E_INVALIDARG);
    SAME(PrjUpdateFileIfNeeded(instance, L"hello.txt", &info, 336, PRJ_UPDATE_NONE, &causes),
        WIN32(INSUFFICIENT_BUFFER));
    SAME(PrjUpdateFileIfNeeded(instance, L"hello.txt", &info, sizeof(info), PRJ_UPDATE_RESERVED1, NULL), E_INVALIDARG);
    SAME(PrjUpdateFileIfNeeded(instance, L"nothing", &info, sizeof(info), PRJ_UPDATE_NONE, NULL),
        WIN32(FILE_NOT_FOUND));
    SAME(PrjUpdateFileIfNeeded(instance, L"no\\thing", &info, sizeof(info), PRJ_UPDATE_NONE, NULL),
        WIN32(PATH_NOT_FOUND));
    SAME(PrjUpdateFileIfNeeded(instance, L"hello.txt", &info, sizeof(info), PRJ_UPDATE_NONE, &causes), S_OK);
    SAME(causes, PRJ_UPDATE_FAILURE_CAUSE_NONE);
    SAME(State(L"hello.txt", S_OK), PRJ_FILE_STATE_PLACEHOLDER);
    /* What the kernel knows of an item is what the provider said last. */
    info.VersionInfo.ContentID[0] = '3';
    info.FileBasicInfo.FileSize = 5;
    CHECK(lstat(Path("hello.txt"), &stat) == 0 && stat.st_size == sizeof(Content) - 1);
    SAME(PrjUpdateFileIfNeeded(instance, L"hello.txt", &info, sizeof(info), PRJ_UPDATE_NONE, &causes), S_OK);
    CHECK(lstat(Path("hello.txt"), &stat) == 0 && stat.st_size == 5);
    int asked = seen.asked;
    SAME(PrjDeleteFile(instance, L"hello.txt", PRJ_UPDATE_NONE, &causes), S_OK);
    CHECK(lstat(Path("hello.txt"), &stat) == 0 && stat.st_size == sizeof(Content) - 1);
    CHECK(lstat(Path("hello.txt"), &stat) == 0 && seen.asked == asked + 1);
    SAME(chmod(Path("failing"), 0600), 0);
    SAME(PrjUpdateFileIfNeeded(instance, L"failing", &info, sizeof(info), PRJ_UPDATE_NONE, &causes),
        WIN32(FILE_SYSTEM_VIRTUALIZATION_INVALID_OPERATION));
    SAME(causes, PRJ_UPDATE_FAILURE_CAUSE_DIRTY_METADATA);
    SAME(PrjDeleteFile(instance, L"failing", PRJ_UPDATE_ALLOW_DIRTY_DATA, &causes),
        WIN32(FILE_SYSTEM_VIRTUALIZATION_INVALID_OPERATION));
    SAME(PrjDeleteFile(instance, L"failing", PRJ_UPDATE_ALLOW_DIRTY_METADATA, &causes), S_OK);
    SAME(State(L"failing", WIN32(FILE_NOT_FOUND)), 0);
    SAME(PrjDeleteFile(instance, L"dir", PRJ_UPDATE_ALLOW_DIRTY_METADATA, NULL), WIN32(DIR_NOT_EMPTY));
    SAME(PrjWritePlaceholderInfo(instance, L"ahead", &info, sizeof(info)), S_OK);
    SAME(PrjWritePlaceholderInfo(instance, L"ahead", &info, sizeof(info)), WIN32(ALREADY_EXISTS));
    SAME(PrjWritePlaceholderInfo(instance, L"no\\such", &info, sizeof(info)), WIN32(PATH_NOT_FOUND));
    SAME(State(L"ahead", S_OK), PRJ_FILE_STATE_PLACEHOLDER);
    UINT32 count = 1;
    SAME(PrjClearNegativePathCache(instance, &count), S_OK);
    SAME(count, 0);
    SAME(PrjClearNegativePathCache(instance, NULL), S_OK);
    GUID other = InstanceId;
    other.Data1++;
    swprintf(missing, ARRAYSIZE(missing), L"%ls\\nested", wide_root);
    SAME(PrjMarkDirectoryAsPlaceholder(wide_root, missing, NULL, &other), E_INVALIDARG);
    SAME(PrjMarkDirectoryAsPlaceholder(wide_root, L"/tmp", NULL, &InstanceId), E_INVALIDARG);
    SAME(State(L"nested", S_OK), PRJ_FILE_STATE_FULL);
    SAME(PrjMarkDirectoryAsPlaceholder(wide_root, missing, NULL, &InstanceId), S_OK);
    SAME(PrjMarkDirectoryAsPlaceholder(wide_root, missing, NULL, &InstanceId), WIN32(REPARSE_POINT_ENCOUNTERED));
    SAME(State(L"nested", S_OK), PRJ_FILE_STATE_PLACEHOLDER);

    /* Stopped, while somebody waits for a command that is pended. */
    child = fork();
    if (child == 0) {
        execlp("cat", "cat", Path("never"), (char *)NULL);
        _exit(127);
    }
    pthread_mutex_lock(&seen.lock);
    while (seen.pended_call == 0) {
        pthread_cond_wait(&seen.changed, &seen.lock);
    }
    pthread_mutex_unlock(&seen.lock);
    PrjStopVirtualizing(instance);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    CHECK(seen.cancelled == 2);
    CHECK(seen.sessions == 0);
    CHECK(seen.early == 0);
    Misuse(instance);
    SAME(PrjCompleteCommand(instance, seen.pended_call, S_OK, NULL), E_HANDLE);
    SAME(State(L"older", WIN32(FILE_NOT_FOUND)), 0);
    SAME(State(L"over", S_OK), PRJ_FILE_STATE_TOMBSTONE);

    /* And again, by default. */
    SAME(PrjStartVirtualizing(wide_root, &callbacks, &InstanceContext, NULL, &seen.instance), S_OK);
    CHECK(seen.instance != instance);
    SAME(ReadError("early"), 0);
    PrjStopVirtualizing(seen.instance);

    /* Names as on Windows, and absent ones remembered. */
    PRJ_STARTVIRTUALIZING_OPTIONS as_windows = { .Flags
        = (PRJ_STARTVIRTUALIZING_FLAGS)(PROJFS_FLAG_IGNORE_CASE | PROJFS_FLAG_ALL_USERS
            | PRJ_FLAG_USE_NEGATIVE_PATH_CACHE) };
    SAME(PrjStartVirtualizing(wide_root, &callbacks, &InstanceContext, &as_windows, &seen.instance), S_OK);
    SAME(OpenError("sPELLED", O_RDONLY), 0);
    SAME(OpenError("EARLY", O_RDONLY), 0);
    SAME(OpenError("absent", O_RDONLY), ENOENT);
    asked = seen.asked;
    SAME(OpenError("absent", O_RDONLY), ENOENT);
    CHECK(seen.asked == asked);
    SAME(PrjClearNegativePathCache(seen.instance, &count), S_OK);
    CHECK(count >= 1);
    SAME(OpenError("absent", O_RDONLY), ENOENT);
    CHECK(seen.asked > asked);
    PrjStopVirtualizing(seen.instance);
    printf("%d failures\n", failures);
    return failures != 0;
}
