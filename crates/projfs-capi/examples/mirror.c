/*
 * Projects a directory into another, written as providers for Windows are.
 *
 *     mirror SOURCE ROOT
 *
 * It says "ready" once the root is mounted, and stops when its input ends.
 *
 *     cc mirror.c $(pkg-config --cflags --libs projectedfs) -o mirror
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include <projectedfslib.h>

/* A backslash that is part of a name. */
#define BACKSLASH L'\xF05C'

/* One entry of a listing; a symbolic link has a target. */
typedef struct Entry {
    wchar_t *name;
    wchar_t *target;
    PRJ_FILE_BASIC_INFO info;
} Entry;

/* One listing. */
typedef struct Session {
    GUID id;
    Entry *entries;
    size_t count;
    size_t next;
    wchar_t *expression;
    struct Session *following;
} Session;

/* What every callback gets as InstanceContext. */
typedef struct Mirror {
    const char *source;
    pthread_mutex_t lock;
    Session *sessions;
} Mirror;

static HRESULT FromErrno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND);
    case EACCES:
    case EPERM:
        return HRESULT_FROM_WIN32(ERROR_ACCESS_DENIED);
    case ENOMEM:
        return E_OUTOFMEMORY;
    default:
        return HRESULT_FROM_WIN32(ERROR_INTERNAL_ERROR);
    }
}

/* The path in the source of what the callback is about. To be freed. */
static char *SourcePath(const Mirror *mirror, const wchar_t *relative)
{
    size_t room = wcslen(relative) * MB_CUR_MAX + 1;
    size_t prefix = strlen(mirror->source) + 1;
    char *path = malloc(prefix + room);
    if (path == NULL) {
        return NULL;
    }
    char *at = path + sprintf(path, "%s/", mirror->source);
    mbstate_t state = { 0 };
    for (; *relative != L'\0'; relative++) {
        wchar_t unit = *relative == L'\\' ? L'/' : *relative == BACKSLASH ? L'\\' : *relative;
        size_t length = wcrtomb(at, unit, &state);
        if (length == (size_t)-1) {
            free(path);
            return NULL;
        }
        at += length;
    }
    *at = '\0';
    return path;
}

/* A name as it is called here; NULL if it has no such name. To be freed. */
static wchar_t *ProjectedName(const char *name)
{
    size_t room = strlen(name) + 1;
    wchar_t *wide = calloc(room, sizeof(wchar_t));
    if (wide == NULL || mbstowcs(wide, name, room) == (size_t)-1) {
        free(wide);
        return NULL;
    }
    for (wchar_t *at = wide; *at != L'\0'; at++) {
        if (*at == L'\\') {
            *at = BACKSLASH;
        }
    }
    return wide;
}

static LARGE_INTEGER ToFileTime(struct timespec time)
{
    LARGE_INTEGER filetime;
    filetime.QuadPart = ((LONGLONG)time.tv_sec + 11644473600) * 10000000 + time.tv_nsec / 100;
    return filetime;
}

static void ToBasicInfo(const struct stat *stat, PRJ_FILE_BASIC_INFO *info)
{
    memset(info, 0, sizeof(*info));
    info->IsDirectory = S_ISDIR(stat->st_mode);
    info->FileSize = S_ISREG(stat->st_mode) ? stat->st_size : 0;
    info->CreationTime = ToFileTime(stat->st_mtim);
    info->LastAccessTime = ToFileTime(stat->st_atim);
    info->LastWriteTime = ToFileTime(stat->st_mtim);
    info->ChangeTime = ToFileTime(stat->st_ctim);
    info->FileAttributes = info->IsDirectory ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_NORMAL;
    if ((stat->st_mode & 0222) == 0) {
        info->FileAttributes |= FILE_ATTRIBUTE_READONLY;
    }
}

/* The target of a symbolic link; NULL if it is none. To be freed. */
static wchar_t *LinkTarget(int directory, const char *name, const struct stat *stat)
{
    char target[4096];
    if (!S_ISLNK(stat->st_mode)) {
        return NULL;
    }
    ssize_t length = readlinkat(directory, name, target, sizeof(target) - 1);
    wchar_t *wide = calloc(length < 0 ? 1 : (size_t)length + 1, sizeof(wchar_t));
    if (wide != NULL && length > 0) {
        target[length] = '\0';
        mbstowcs(wide, target, (size_t)length + 1);
    }
    return wide;
}

static void FreeSession(Session *session)
{
    for (size_t i = 0; i < session->count; i++) {
        free(session->entries[i].name);
        free(session->entries[i].target);
    }
    free(session->entries);
    free(session->expression);
    free(session);
}

static BOOL AddEntry(Session *session, wchar_t *name, wchar_t *target, const struct stat *stat)
{
    /* Room is doubled whenever the count is a power of two. */
    if ((session->count & (session->count - 1)) == 0) {
        size_t room = session->count == 0 ? 1 : session->count * 2;
        Entry *entries = realloc(session->entries, room * sizeof(*entries));
        if (entries == NULL) {
            return FALSE;
        }
        session->entries = entries;
    }
    Entry *entry = &session->entries[session->count++];
    entry->name = name;
    entry->target = target;
    ToBasicInfo(stat, &entry->info);
    return TRUE;
}

/* The order in which entries are given. */
static int CompareEntries(const void *one, const void *other)
{
    return PrjFileNameCompare(((const Entry *)one)->name, ((const Entry *)other)->name);
}

static HRESULT ReadEntries(Session *session, const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return FromErrno(errno);
    }
    struct dirent *entry;
    HRESULT result = S_OK;
    while (result == S_OK && (entry = readdir(directory)) != NULL) {
        struct stat stat;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0
            || fstatat(dirfd(directory), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        wchar_t *name = ProjectedName(entry->d_name);
        if (name == NULL) {
            continue;
        }
        wchar_t *target = LinkTarget(dirfd(directory), entry->d_name, &stat);
        if (!AddEntry(session, name, target, &stat)) {
            free(name);
            free(target);
            result = E_OUTOFMEMORY;
        }
    }
    closedir(directory);
    if (session->count > 0) {
        qsort(session->entries, session->count, sizeof(*session->entries), CompareEntries);
    }
    return result;
}

static HRESULT CALLBACK StartEnumeration(const PRJ_CALLBACK_DATA *data, const GUID *id)
{
    Mirror *mirror = data->InstanceContext;
    Session *session = calloc(1, sizeof(*session));
    char *path = SourcePath(mirror, data->FilePathName);
    if (session == NULL || path == NULL) {
        free(session);
        free(path);
        return E_OUTOFMEMORY;
    }
    session->id = *id;
    HRESULT result = ReadEntries(session, path);
    free(path);
    if (FAILED(result)) {
        FreeSession(session);
        return result;
    }
    pthread_mutex_lock(&mirror->lock);
    session->following = mirror->sessions;
    mirror->sessions = session;
    pthread_mutex_unlock(&mirror->lock);
    return S_OK;
}

static Session **FindSession(Mirror *mirror, const GUID *id)
{
    Session **at = &mirror->sessions;
    while (*at != NULL && memcmp(&(*at)->id, id, sizeof(*id)) != 0) {
        at = &(*at)->following;
    }
    return at;
}

static HRESULT CALLBACK EndEnumeration(const PRJ_CALLBACK_DATA *data, const GUID *id)
{
    Mirror *mirror = data->InstanceContext;
    pthread_mutex_lock(&mirror->lock);
    Session **at = FindSession(mirror, id);
    Session *session = *at;
    if (session != NULL) {
        *at = session->following;
    }
    pthread_mutex_unlock(&mirror->lock);
    if (session == NULL) {
        return E_INVALIDARG;
    }
    FreeSession(session);
    return S_OK;
}

static HRESULT CALLBACK GetEnumeration(
    const PRJ_CALLBACK_DATA *data, const GUID *id, PCWSTR expression, PRJ_DIR_ENTRY_BUFFER_HANDLE buffer)
{
    Mirror *mirror = data->InstanceContext;
    pthread_mutex_lock(&mirror->lock);
    Session *session = *FindSession(mirror, id);
    pthread_mutex_unlock(&mirror->lock);
    if (session == NULL) {
        return E_INVALIDARG;
    }
    if (session->expression == NULL || (data->Flags & PRJ_CB_DATA_FLAG_ENUM_RESTART_SCAN)) {
        free(session->expression);
        session->expression = wcsdup(expression != NULL ? expression : L"");
        session->next = 0;
    }
    for (BOOL added = FALSE; session->next < session->count; session->next++) {
        Entry *entry = &session->entries[session->next];
        if (!PrjFileNameMatch(entry->name, session->expression)) {
            continue;
        }
        PRJ_EXTENDED_INFO link = { .InfoType = PRJ_EXT_INFO_TYPE_SYMLINK };
        link.Symlink.TargetName = entry->target;
        HRESULT result = PrjFillDirEntryBuffer2(
            buffer, entry->name, &entry->info, entry->target != NULL ? &link : NULL);
        if (result == HRESULT_FROM_WIN32(ERROR_INSUFFICIENT_BUFFER) && added) {
            return S_OK;
        }
        if (FAILED(result)) {
            return result;
        }
        added = TRUE;
    }
    return S_OK;
}

static HRESULT CALLBACK GetPlaceholderInfo(const PRJ_CALLBACK_DATA *data)
{
    struct stat stat;
    char *path = SourcePath(data->InstanceContext, data->FilePathName);
    if (path == NULL) {
        return E_OUTOFMEMORY;
    }
    if (lstat(path, &stat) != 0) {
        int error = errno;
        free(path);
        return FromErrno(error);
    }
    PRJ_PLACEHOLDER_INFO info = { 0 };
    ToBasicInfo(&stat, &info.FileBasicInfo);
    memcpy(info.VersionInfo.ContentID, &stat.st_mtim, sizeof(stat.st_mtim));
    PRJ_EXTENDED_INFO link = { .InfoType = PRJ_EXT_INFO_TYPE_SYMLINK };
    wchar_t *target = LinkTarget(AT_FDCWD, path, &stat);
    link.Symlink.TargetName = target;
    free(path);
    HRESULT result = PrjWritePlaceholderInfo2(data->NamespaceVirtualizationContext, data->FilePathName, &info,
        sizeof(info), target != NULL ? &link : NULL);
    free(target);
    return result;
}

static HRESULT CALLBACK GetFileData(const PRJ_CALLBACK_DATA *data, UINT64 byteOffset, UINT32 length)
{
    enum { CHUNK = 1 << 20 };
    char *path = SourcePath(data->InstanceContext, data->FilePathName);
    int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    HRESULT result = file < 0 ? FromErrno(errno) : S_OK;
    free(path);
    void *buffer = PrjAllocateAlignedBuffer(data->NamespaceVirtualizationContext, CHUNK);
    if (buffer == NULL && result == S_OK) {
        result = E_OUTOFMEMORY;
    }
    UINT64 end = byteOffset + length;
    for (UINT64 at = byteOffset; result == S_OK && at < end;) {
        size_t wanted = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        ssize_t got = pread(file, buffer, wanted, (off_t)at);
        if (got <= 0) {
            result = HRESULT_FROM_WIN32(ERROR_INTERNAL_ERROR);
        } else {
            result = PrjWriteFileData(
                data->NamespaceVirtualizationContext, &data->DataStreamId, buffer, at, (UINT32)got);
            at += (UINT64)got;
        }
    }
    PrjFreeAlignedBuffer(buffer);
    if (file >= 0) {
        close(file);
    }
    return result;
}

static HRESULT CALLBACK QueryFileName(const PRJ_CALLBACK_DATA *data)
{
    struct stat stat;
    char *path = SourcePath(data->InstanceContext, data->FilePathName);
    HRESULT result = path == NULL ? E_OUTOFMEMORY : lstat(path, &stat) == 0 ? S_OK : FromErrno(errno);
    free(path);
    return result;
}

int main(int argc, char **argv)
{
    static const GUID InstanceId = { 0x6d1f3b52, 0x9c0e, 0x4a77, { 0x8b, 0x21, 0x5e, 0x0d, 0x44, 0x1c, 0x9a, 0x10 } };
    if (argc != 3) {
        fprintf(stderr, "usage: %s SOURCE ROOT\n", argv[0]);
        return 2;
    }
    setlocale(LC_ALL, "C.UTF-8");

    Mirror mirror = { .source = argv[1], .lock = PTHREAD_MUTEX_INITIALIZER };
    size_t room = strlen(argv[2]) + 1;
    wchar_t *root = calloc(room, sizeof(wchar_t));
    if (root == NULL || mbstowcs(root, argv[2], room) == (size_t)-1) {
        return 1;
    }
    HRESULT result = PrjMarkDirectoryAsPlaceholder(root, NULL, NULL, &InstanceId);
    if (FAILED(result) && result != HRESULT_FROM_WIN32(ERROR_REPARSE_POINT_ENCOUNTERED)) {
        fprintf(stderr, "PrjMarkDirectoryAsPlaceholder: 0x%08x\n", (unsigned)result);
        return 1;
    }
    PRJ_CALLBACKS callbacks = {
        .StartDirectoryEnumerationCallback = StartEnumeration,
        .EndDirectoryEnumerationCallback = EndEnumeration,
        .GetDirectoryEnumerationCallback = GetEnumeration,
        .GetPlaceholderInfoCallback = GetPlaceholderInfo,
        .GetFileDataCallback = GetFileData,
        .QueryFileNameCallback = QueryFileName,
    };
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance = NULL;
    result = PrjStartVirtualizing(root, &callbacks, &mirror, NULL, &instance);
    free(root);
    if (FAILED(result)) {
        fprintf(stderr, "PrjStartVirtualizing: 0x%08x\n", (unsigned)result);
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    PrjStopVirtualizing(instance);
    return 0;
}
