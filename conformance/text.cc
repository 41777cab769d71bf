#include "text.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace {

// One code point of UTF-8, surrogates included; the input is this program's own.
uint32_t next_point(std::string_view text, size_t &at) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    const uint8_t first = byte(at);
    const size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    uint32_t point = length == 1 ? first : first & (0xFF >> (length + 1));
    for (size_t i = 1; i < length && at + i < text.size(); i++) {
        point = point << 6 | (byte(at + i) & 0x3F);
    }
    at += length;
    return point;
}

void append_point(std::string &text, uint32_t point) {
    if (point < 0x80) {
        text += static_cast<char>(point);
    } else if (point < 0x800) {
        text += static_cast<char>(0xC0 | point >> 6);
        text += static_cast<char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        text += static_cast<char>(0xE0 | point >> 12);
        text += static_cast<char>(0x80 | (point >> 6 & 0x3F));
        text += static_cast<char>(0x80 | (point & 0x3F));
    } else {
        text += static_cast<char>(0xF0 | point >> 18);
        text += static_cast<char>(0x80 | (point >> 12 & 0x3F));
        text += static_cast<char>(0x80 | (point >> 6 & 0x3F));
        text += static_cast<char>(0x80 | (point & 0x3F));
    }
}

std::string number(uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%08X", value);
    return text;
}

}  // namespace

WideString wide(std::string_view text) {
    WideString result;
    for (size_t at = 0; at < text.size();) {
        const uint32_t point = next_point(text, at);
        if (sizeof(WCHAR) == 2 && point >= 0x10000) {
            result += static_cast<WCHAR>(0xD800 + ((point - 0x10000) >> 10));
            result += static_cast<WCHAR>(0xDC00 + ((point - 0x10000) & 0x3FF));
        } else {
            result += static_cast<WCHAR>(point);
        }
    }
    return result;
}

std::string narrow(const WCHAR *text) {
    std::string result;
    for (; text != nullptr && *text != 0; text++) {
        uint32_t point = static_cast<uint32_t>(*text);
        if (sizeof(WCHAR) == 2) {
            point &= 0xFFFF;
            const uint32_t after = static_cast<uint32_t>(text[1]) & 0xFFFF;
            if (point >= 0xD800 && point < 0xDC00 && after >= 0xDC00 && after < 0xE000) {
                point = 0x10000 + ((point - 0xD800) << 10) + (after - 0xDC00);
                text++;
            }
        }
        append_point(result, point);
    }
    return result;
}

WideString units(const std::vector<uint16_t> &of) {
    WideString result;
    for (uint16_t unit : of) {
        result += static_cast<WCHAR>(unit);
    }
    return result;
}

std::string with_slashes(std::string path) {
    for (char &c : path) {
        if (c == '\\') {
            c = '/';
        }
    }
    return path;
}

std::string show(HRESULT result) {
    const struct {
        HRESULT code;
        const char *name;
    } known[] = {
        {hr::ok, "S_OK"},
        {hr::out_of_memory, "E_OUTOFMEMORY"},
        {hr::invalid_argument, "E_INVALIDARG"},
        {hr::handle, "E_HANDLE"},
        {hr::file_not_found, "file not found"},
        {hr::path_not_found, "path not found"},
        {hr::access_denied, "access denied"},
        {hr::not_supported, "not supported"},
        {hr::file_exists, "file exists"},
        {hr::disk_full, "disk full"},
        {hr::insufficient_buffer, "insufficient buffer"},
        {hr::directory_not_empty, "directory not empty"},
        {hr::already_exists, "already exists"},
        {hr::name_too_long, "name too long"},
        {hr::directory, "not a directory"},
        {hr::unavailable, "virtualization unavailable"},
        {hr::provider_unknown, "virtualization provider unknown"},
        {hr::invalid_operation, "virtualization invalid operation"},
        {hr::io_pending, "I/O pending"},
        {hr::already_initialized, "already initialized"},
        {hr::internal_error, "internal error"},
        {hr::reparse_tag_mismatch, "reparse tag mismatch"},
        {hr::reparse_point_encountered, "reparse point encountered"},
        {hr::cannot_delete, "cannot delete"},
    };
    for (const auto &entry : known) {
        if (entry.code == result) {
            return number(static_cast<uint32_t>(result)) + " (" + entry.name + ")";
        }
    }
    return number(static_cast<uint32_t>(result));
}

std::string show_state(PRJ_FILE_STATE state) {
    switch (static_cast<int>(state)) {
        case 0x01: return "P";
        case 0x03: return "H";
        case 0x05: return "DP";
        case 0x07: return "DH";
        case 0x08: return "F";
        case 0x10: return "T";
        default: return number(static_cast<uint32_t>(state));
    }
}

std::string show_notification(PRJ_NOTIFICATION notification) {
    switch (static_cast<int>(notification)) {
        case 0x0002: return "FILE_OPENED";
        case 0x0004: return "NEW_FILE_CREATED";
        case 0x0008: return "FILE_OVERWRITTEN";
        case 0x0010: return "PRE_DELETE";
        case 0x0020: return "PRE_RENAME";
        case 0x0040: return "PRE_SET_HARDLINK";
        case 0x0080: return "FILE_RENAMED";
        case 0x0100: return "HARDLINK_CREATED";
        case 0x0200: return "CLOSED_NO_MODIFICATION";
        case 0x0400: return "CLOSED_FILE_MODIFIED";
        case 0x0800: return "CLOSED_FILE_DELETED";
        case 0x1000: return "PRE_CONVERT_TO_FULL";
        default: return number(static_cast<uint32_t>(notification));
    }
}

std::string show(const GUID &guid) {
    static_assert(sizeof(GUID) == 16);
    uint8_t bytes[16];
    std::memcpy(bytes, &guid, sizeof bytes);
    std::string text;
    for (uint8_t byte : bytes) {
        char pair[4];
        std::snprintf(pair, sizeof pair, "%02x", byte);
        text += pair;
    }
    return text;
}

std::string show_errno(int number) {
    if (number == 0) {
        return "ok";
    }
    const char *name = strerrorname_np(number);
    return name != nullptr ? name : std::to_string(number);
}

std::string joined(const std::vector<std::string> &parts, std::string_view between) {
    std::string text;
    for (size_t i = 0; i < parts.size(); i++) {
        text += i == 0 ? "" : std::string(between);
        text += parts[i];
    }
    return text;
}
