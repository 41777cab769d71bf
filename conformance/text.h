// Strings of the API and of this program, names of its numbers.
//
// The program thinks in UTF-8 (unpaired surrogates as three bytes each); the API has strings of WCHAR, which has two or
// four bytes, as the header was told.
#pragma once

#include <projectedfslib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <cwchar>
#include <ios>
#include <string>
#include <string_view>
#include <vector>

#ifndef HRESULT_FROM_WIN32
#error "the header has no HRESULT_FROM_WIN32"
#endif

// The C++ library has strings of wchar_t compiled with four bytes each, and its functions for them take four bytes: where
// wchar_t has two, neither may be used.
struct WideTraits {
    using char_type = WCHAR;
    using int_type = uint32_t;
    using off_type = std::streamoff;
    using pos_type = std::streampos;
    using state_type = std::mbstate_t;
    static constexpr void assign(WCHAR &to, const WCHAR &from) { to = from; }
    static constexpr WCHAR *assign(WCHAR *to, size_t count, WCHAR unit) { return std::fill_n(to, count, unit) - count; }
    static constexpr bool eq(WCHAR one, WCHAR other) { return one == other; }
    static constexpr bool lt(WCHAR one, WCHAR other) { return one < other; }
    static constexpr WCHAR *move(WCHAR *to, const WCHAR *from, size_t count) {
        std::memmove(to, from, count * sizeof(WCHAR));
        return to;
    }
    static constexpr WCHAR *copy(WCHAR *to, const WCHAR *from, size_t count) { return std::copy_n(from, count, to) - count; }
    static constexpr int compare(const WCHAR *one, const WCHAR *other, size_t count) {
        for (size_t i = 0; i < count; i++) {
            if (one[i] != other[i]) {
                return one[i] < other[i] ? -1 : 1;
            }
        }
        return 0;
    }
    static constexpr size_t length(const WCHAR *text) {
        size_t count = 0;
        while (text[count] != 0) {
            count++;
        }
        return count;
    }
    static constexpr const WCHAR *find(const WCHAR *text, size_t count, const WCHAR &unit) {
        const WCHAR *found = std::find(text, text + count, unit);
        return found == text + count ? nullptr : found;
    }
    static constexpr int_type to_int_type(WCHAR unit) { return static_cast<int_type>(unit); }
    static constexpr WCHAR to_char_type(int_type unit) { return static_cast<WCHAR>(unit); }
    static constexpr bool eq_int_type(int_type one, int_type other) { return one == other; }
    static constexpr int_type eof() { return ~int_type{0}; }
    static constexpr int_type not_eof(int_type unit) { return unit == eof() ? 0 : unit; }
};

using WideString = std::basic_string<WCHAR, WideTraits>;

// Numbers that the header of another implementation may not have.
namespace hr {
constexpr HRESULT of(uint32_t code) { return static_cast<HRESULT>(code); }
constexpr HRESULT ok = 0;
constexpr HRESULT out_of_memory = of(0x8007000E);
constexpr HRESULT invalid_argument = of(0x80070057);
constexpr HRESULT handle = of(0x80070006);
constexpr HRESULT file_not_found = of(0x80070002);
constexpr HRESULT path_not_found = of(0x80070003);
constexpr HRESULT access_denied = of(0x80070005);
constexpr HRESULT not_supported = of(0x80070032);
constexpr HRESULT file_exists = of(0x80070050);
constexpr HRESULT disk_full = of(0x80070070);
constexpr HRESULT insufficient_buffer = of(0x8007007A);
constexpr HRESULT directory_not_empty = of(0x80070091);
constexpr HRESULT already_exists = of(0x800700B7);
constexpr HRESULT name_too_long = of(0x800700CE);
constexpr HRESULT directory = of(0x8007010B);
constexpr HRESULT attributes_did_not_fit = of(0x80070113);
constexpr HRESULT unavailable = of(0x80070171);
constexpr HRESULT provider_unknown = of(0x80070174);
constexpr HRESULT invalid_operation = of(0x80070181);
constexpr HRESULT io_pending = of(0x800703E5);
constexpr HRESULT already_initialized = of(0x800704DF);
constexpr HRESULT internal_error = of(0x8007054F);
constexpr HRESULT reparse_tag_mismatch = of(0x8007112A);
constexpr HRESULT reparse_point_encountered = of(0x8007112B);
constexpr HRESULT cannot_delete = of(0xD0000121);
}  // namespace hr

// UTF-8 to the API's strings, and back. A null pointer becomes an empty string.
WideString wide(std::string_view text);
std::string narrow(const WCHAR *text);

// One unit after the other, for strings that no UTF-8 can say.
WideString units(const std::vector<uint16_t> &of);

// The paths of the API have backslashes; those of Linux do not.
std::string with_slashes(std::string path);

// "0x80070002 (file not found)".
std::string show(HRESULT result);

// "H", "P", "DP", "DH", "F", "T", or the number.
std::string show_state(PRJ_FILE_STATE state);

// "FILE_OPENED", or the number.
std::string show_notification(PRJ_NOTIFICATION notification);

std::string show(const GUID &guid);

inline bool operator==(const GUID &a, const GUID &b) {
    return show(a) == show(b);
}

// "EEXIST", "ok" for 0, or the number.
std::string show_errno(int number);

std::string joined(const std::vector<std::string> &parts, std::string_view between);
