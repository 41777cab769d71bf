/*
 * A provider that ends, or goes on for ever, in the middle of a callback: faults ROOT FAULT. It has one file and one
 * directory. Stopped by the end of its input.
 */
#define _GNU_SOURCE
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <projectedfslib.h>

#define WIN32(name) HRESULT_FROM_WIN32(ERROR_##name)

enum { SIZE = 300000 };

static const char *fault;

static int Is(const char *name)
{
    return strcmp(fault, name) == 0;
}

static HRESULT CALLBACK Start(const PRJ_CALLBACK_DATA *data, const GUID *id)
{
    UNREFERENCED_PARAMETER(data);
    UNREFERENCED_PARAMETER(id);
    return S_OK;
}

static HRESULT CALLBACK End(const PRJ_CALLBACK_DATA *data, const GUID *id)
{
    if (Is("lists-for-ever")) {
        puts("ended");
        fflush(stdout);
    }
    UNREFERENCED_PARAMETER(data);
    UNREFERENCED_PARAMETER(id);
    return S_OK;
}

static HRESULT CALLBACK Get(
    const PRJ_CALLBACK_DATA *data, const GUID *id, PCWSTR expression, PRJ_DIR_ENTRY_BUFFER_HANDLE buffer)
{
    UNREFERENCED_PARAMETER(id);
    UNREFERENCED_PARAMETER(expression);
    static int again;
    PRJ_FILE_BASIC_INFO file = { .FileSize = SIZE };
    /* Endless: the same on every call. */
    if (wcscmp(data->FilePathName, L"dir") != 0
        || (!(data->Flags & PRJ_CB_DATA_FLAG_ENUM_RESTART_SCAN) && !Is("lists-for-ever"))) {
        return S_OK;
    }
    if (Is("lists-for-ever") && again++ == 3) {
        puts("listing");
        fflush(stdout);
    }
    PrjFillDirEntryBuffer(L"a", &file, buffer);
    if (Is("exits-while-it-lists")) {
        _exit(0);
    }
    if (Is("crashes-while-it-lists")) {
        raise(SIGKILL);
    }
    return PrjFillDirEntryBuffer(L"b", &file, buffer);
}

static HRESULT CALLBACK Placeholder(const PRJ_CALLBACK_DATA *data)
{
    PRJ_PLACEHOLDER_INFO info;
    memset(&info, 0, sizeof(info));
    info.FileBasicInfo.IsDirectory = wcscmp(data->FilePathName, L"dir") == 0;
    info.FileBasicInfo.FileSize = info.FileBasicInfo.IsDirectory ? 0 : SIZE;
    if (!info.FileBasicInfo.IsDirectory && wcscmp(data->FilePathName, L"file") != 0) {
        return WIN32(FILE_NOT_FOUND);
    }
    if (!info.FileBasicInfo.IsDirectory && Is("exits-while-it-describes")) {
        exit(0);
    }
    return PrjWritePlaceholderInfo(
        data->NamespaceVirtualizationContext, data->FilePathName, &info, sizeof(info));
}

static HRESULT CALLBACK Data(const PRJ_CALLBACK_DATA *data, UINT64 offset, UINT32 length)
{
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance = data->NamespaceVirtualizationContext;
    static char content[SIZE];
    for (int at = 0; at < SIZE; at++) {
        content[at] = (char)(at % 251 + 1);
    }
    if (Is("exits-before-the-data")) {
        exit(0);
    }
    HRESULT result = PrjWriteFileData(instance, &data->DataStreamId, content, offset, length / 2);
    if (Is("exits-mid-data")) {
        _exit(0);
    }
    if (Is("crashes-mid-data")) {
        raise(SIGKILL);
    }
    if (result != S_OK) {
        return result;
    }
    UINT64 half = offset + length / 2;
    return PrjWriteFileData(instance, &data->DataStreamId, content + half, half, length - length / 2);
}

int main(int argc, char **argv)
{
    static const GUID id = { 0x01234567, 0x89ab, 0xcdef, { 1, 2, 3, 4, 5, 6, 7, 9 } };
    static const PRJ_CALLBACKS callbacks = { .StartDirectoryEnumerationCallback = Start,
        .EndDirectoryEnumerationCallback = End,
        .GetDirectoryEnumerationCallback = Get,
        .GetPlaceholderInfoCallback = Placeholder,
        .GetFileDataCallback = Data };
    wchar_t root[4096];
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT instance;
    setlocale(LC_ALL, "C.UTF-8");
    if (argc != 3 || mbstowcs(root, argv[1], ARRAYSIZE(root)) == (size_t)-1) {
        return 2;
    }
    fault = argv[2];
    PrjMarkDirectoryAsPlaceholder(root, NULL, NULL, &id);
    HRESULT result = PrjStartVirtualizing(root, &callbacks, NULL, NULL, &instance);
    if (result != S_OK) {
        fprintf(stderr, "not started: 0x%x\n", (unsigned)result);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    PrjStopVirtualizing(instance);
    return 0;
}
