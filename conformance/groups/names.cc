// The functions on names: what matches, what comes first, what is a pattern.
#include "../groups.h"

namespace {

struct Match {
    const char *name;     // nullptr: NULL
    const char *pattern;  // nullptr: NULL
    bool matches;
};

const Match matches[] = {
    {"Test", "", true},
    {"Test", nullptr, true},
    {"", "Test", false},
    {"", "", false},
    {nullptr, nullptr, false},
    {"Test", "Test", true},
    {"Test", "TEST", true},
    {"TEST", "Test", true},
    {"Test", "*", true},
    {"Test", "*.*", false},
    {"Test.txt", "*.*", true},
    {"D.", "*.*", true},
    {".txt", "*.*", true},
    {"Test", "*est", true},
    {"Test", "*EST", true},
    {"a.txt", "*.TXT", true},
    {"Test", "<est", true},
    {"Test", "<EST", true},
    {"Test.txt", "<txt", true},
    {"Test.txt", "<TXT", true},
    {"Test", "Test>", true},
    {"Test", "???", false},
    {"Test", "????", true},
    {"Test", "?????", false},
    {"Test", "T?st", true},
    {"Test", "T??ST", false},
    {"Test", "T*est", true},
    {"Test", "T*t", true},
    {"Test", "T*?est", false},
    {"Test", "T*?t", true},
    {"Test", "T*?", true},
    {"Test", "t*?", true},
    {"Test", "T<", true},
    {"Test.txt", "t<txt", true},
    {"Test", "Test\"", true},
    {"Test.", "Test\"", true},
    {"Test.txt", "Test\"", false},
    {"X.txt.temp", "X.txt\"", false},
    {"Test", ">>>", false},
    {"Test", ">>>>>", true},
    {"Test", "Te>", false},
    {"Test", "te>>>", true},
    {"D.txt", "<.txt", true},
    {".txt", "<.txt", true},
    {"E..log", "<.txt", false},
    {".txt", ">.txt", true},
    {".txt", "?.txt", false},
    {"E", "E\"*", true},
    {"E..log", "e\"*", true},
    {"B", "B\"*", true},
    {"Test.txt", "Test", false},
    {"Test", "T", false},
    {"Test", "<", true},
    {"Test.", "<", true},
    {"Test.txt", "<", false},
    {"a.b.c", "<", false},
    {"a.b.txt", "<.txt", true},
    {"a.b.txt", "<txt", true},
    {"a.b.c", "a<.c", true},
    {"a.b.c", "a<b", false},
    {"a.b.c", "<.b", false},
    {"foo.tar.gz", "<.gz", true},
    {"foo.tar.gz", "foo<gz", true},
    {"foo.tar.gz", "foo<tar.gz", true},
    {"ab.txt", ">>>.txt", true},
    {"ab", ">>>.txt", false},
    {"abcd.txt", ">>>.txt", false},
    {"ab.c", ">>>>>>>>\">>>", true},
    {"ab", ">>>>>>>>\">>>", true},
    {"longname1.c", ">>>>>>>>\">>>", false},
    {"foo", "foo\">>>", true},
    {"foo.", "foo\">>>", true},
    {"foo.html", "foo\">>>", false},
    {"foo", "foo\"\"", true},
    {"foo..", "foo\"\"", true},
    {"HKEY_LOCAL_MACHINE", "HKEY_LOCAL_MACHIN>", true},
    {"HKEY_LOCAL_MACHIN", "HKEY_LOCAL_MACHIN>", true},
    {"a.b", "a?b", true},
    {"a.b", "a>b", false},
    {"a.b", "a>.b", true},
    {"a", "a?", false},
    {"a", "a*", true},
    {"ac", "a*c", true},
    {"abc", "a**c", true},
    {"abc", "*b", false},
    {"\u00c9.TXT", "\u00e9.txt", true},
    {"stra\u00dfe", "STRASSE", false},
    {"\u03c3", "\u03c2", true},
    {"\u0131", "I", false},
    {"\U0001f600", "?", false},
    {"\U0001f600", "??", true},
    {"\U00010428", "\U00010400", false},
    {"..", "*", true},
    {"E..log", "E.???", false},
    {"E.bat", "E.???", true},
    {"D.txt", "?.txt", true},
    {"D.txt", ">.txt", true},
    {"Test", ">>>>", true},
    {"Test", "TE>>", true},
    {"\u05d0\u05d1", "\u05d0\u05d1", true},
    {"e\u0301", "E\u0301", true},
};

struct Order {
    const char *first;
    const char *second;
    int sign;
};

const Order orders[] = {
    {"a", "A", 0},
    {"FILE.TXT", "File.txt", 0},
    {"a", "B", -1},
    {"B", "a", 1},
    {"a", "ab", -1},
    {"", "a", -1},
    {"a_b", "aB", 1},
    {"Z", "_", -1},
    {"file10", "file2", -1},
    {"a-b", "a.b", -1},
    {"a b", "a-b", -1},
    {"[", "z", 1},
    {"\u00e9", "\u00c9", 0},
    {"\u00ff", "\u0178", 0},
    {"\u03c3", "\u03c2", 0},
    {"\u00df", "ss", 1},
    {"\u00b5", "\u039c", -1},
    {"\u0131", "i", 1},
    {"\U0001f600", "\uff5e", -1},
    {"\U00010428", "\U00010400", 1},
    {"123", "newfileInPackage.txt", -1},
    {"a.txt", "a0txt", -1},
    {"A1", "a_", -1},
};

const std::pair<const char *, bool> patterns[] = {
    {"", false},   {"abc", false}, {"a*", true},    {"?", true},    {"<.txt", true}, {"foo>", true},
    {"E\"*", true}, {"a.b", false}, {"a|b", false},  {"a:b", false}, {"a\\b", false}, {"[ab]", false},
};

std::string quoted(const char *text) {
    return text == nullptr ? "NULL" : "\"" + std::string(text) + "\"";
}

// Upper case by the table of NTFS, in the notation "first-last/step+delta".
const char *const upcase_table =
    "0061-007A-32 00E0-00F6-32 00F8-00FE-32 00FF+121 0101-012F/2-1 0133-0137/2-1 013A-0148/2-1 014B-0177/2-1 "
    "017A-017E/2-1 0180+195 0183-0185/2-1 0188-1 018C-1 0192-1 0195+97 0199-1 019A+163 019E+130 01A1-01A5/2-1 "
    "01A8-1 01AD-1 01B0-1 01B4-01B6/2-1 01B9-1 01BD-1 01BF+56 01C6-2 01C9-2 01CC-2 01CE-01DC/2-1 01DD-79 "
    "01DF-01EF/2-1 01F3-2 01F5-1 01F9-021F/2-1 0223-0233/2-1 023A+10795 023C-1 023E+10792 0242-1 0247-024F/2-1 "
    "0253-210 0254-206 0256-0257-205 0259-202 025B-203 0260-205 0263-207 0268-209 0269-211 026B+10743 026F-211 "
    "0272-213 0275-214 027D+10727 0280-218 0283-218 0288-218 0289-69 028A-028B-217 028C-71 0292-219 037B-037D+130 "
    "03AC-38 03AD-03AF-37 03B1-03C1-32 03C2-31 03C3-03CB-32 03CC-64 03CD-03CE-63 03D9-03EF/2-1 03F2+7 03F8-1 "
    "03FB-1 0430-044F-32 0450-045F-80 0461-0481/2-1 048B-04BF/2-1 04C2-04CE/2-1 04CF-15 04D1-0513/2-1 0561-0586-48 "
    "1D7D+3814 1E01-1E95/2-1 1EA1-1EF9/2-1 1F00-1F07+8 1F10-1F15+8 1F20-1F27+8 1F30-1F37+8 1F40-1F45+8 "
    "1F51-1F57/2+8 1F60-1F67+8 1F70-1F71+74 1F72-1F75+86 1F76-1F77+100 1F78-1F79+128 1F7A-1F7B+112 1F7C-1F7D+126 "
    "1F80-1F87+8 1F90-1F97+8 1FA0-1FA7+8 1FB0-1FB1+8 1FB3+9 1FCC-9 1FD0-1FD1+8 1FE0-1FE1+8 1FE5+7 1FFC-9 214E-28 "
    "2170-217F-16 2184-1 24D0-24E9-26 2C30-2C5E-48 2C61-1 2C68-2C6C/2-1 2C76-1 2C81-2CE3/2-1 2D00-2D25-7264 "
    "FF41-FF5A-32";

std::vector<uint16_t> upcase() {
    std::vector<uint16_t> table(65536);
    for (size_t unit = 0; unit < table.size(); unit++) {
        table[unit] = static_cast<uint16_t>(unit);
    }
    for (const char *at = upcase_table; *at != 0;) {
        char *end = nullptr;
        const unsigned long first = std::strtoul(at, &end, 16);
        unsigned long last = first;
        unsigned long step = 1;
        // A range goes on with four digits in hexadecimal; a delta has no leading zero, and fewer digits or another sign.
        if (*end == '-' && std::string(end + 1).find_first_not_of("0123456789ABCDEF") >= 4) {
            last = std::strtoul(end + 1, &end, 16);
        }
        if (*end == '/') {
            step = std::strtoul(end + 1, &end, 10);
        }
        const long delta = std::strtol(end, &end, 10);
        for (unsigned long unit = first; unit <= last; unit += step) {
            table[unit] = static_cast<uint16_t>(static_cast<long>(unit) + delta);
        }
        at = *end == ' ' ? end + 1 : end;
    }
    return table;
}

int sign(int value) {
    return value < 0 ? -1 : value > 0 ? 1 : 0;
}

}  // namespace

void names(Group &group) {
    for (const Match &match : matches) {
        group.test("match " + quoted(match.name) + " " + quoted(match.pattern), [&] {
            const WideString name = wide(match.name == nullptr ? "" : match.name);
            const WideString pattern = wide(match.pattern == nullptr ? "" : match.pattern);
            const BOOLEAN seen = PrjFileNameMatch(match.name == nullptr ? nullptr : name.c_str(),
                                                  match.pattern == nullptr ? nullptr : pattern.c_str());
            same_number(seen, match.matches ? 1 : 0, "PrjFileNameMatch");
        });
    }
    for (const Order &order : orders) {
        group.test("compare " + quoted(order.first) + " " + quoted(order.second), [&] {
            const WideString first = wide(order.first);
            const WideString second = wide(order.second);
            same_number(sign(PrjFileNameCompare(first.c_str(), second.c_str())), order.sign, "PrjFileNameCompare");
            same_number(sign(PrjFileNameCompare(second.c_str(), first.c_str())), -order.sign, "the other way round");
        });
    }
    group.not_applicable("compare \".\" \"!\"",
                         "one source puts \".\" first, but only as the entry that a provider never lists; inside names"
                         " the dot is an ordinary character");
    for (const auto &[name, is_pattern] : patterns) {
        group.test("wildcards in " + quoted(name), [&, name = name, is_pattern = is_pattern] {
            same_number(PrjDoesNameContainWildCards(wide(name).c_str()), is_pattern ? 1 : 0, "PrjDoesNameContainWildCards");
        });
    }
    group.test("wildcards in NULL",
               [] { same_number(PrjDoesNameContainWildCards(nullptr), 0, "PrjDoesNameContainWildCards"); });

    const std::vector<uint16_t> table = upcase();
    group.test("the table of upper case has its 874 units", [&] {
        long long changed = 0;
        for (size_t unit = 0; unit < table.size(); unit++) {
            changed += table[unit] != unit ? 1 : 0;
        }
        same_number(changed, 874, "units that change");
    });
    group.test("every unit equals its upper case, and is ordered by it", [&] {
        int shown = 0;
        for (uint32_t unit = 1; unit < 65536 && shown < 10; unit++) {
            if (sizeof(WCHAR) == 4 && unit >= 0xD800 && unit < 0xE000) {
                continue;
            }
            for (const uint16_t other : {table[unit], static_cast<uint16_t>('M'), static_cast<uint16_t>(0x0400)}) {
                const int expected = sign(static_cast<int>(table[unit]) - static_cast<int>(table[other]));
                const int seen = sign(PrjFileNameCompare(units({static_cast<uint16_t>(unit)}).c_str(), units({other}).c_str()));
                if (seen != expected) {
                    fail("units " + std::to_string(unit) + " and " + std::to_string(other) + ": expected " +
                         std::to_string(expected) + ", seen " + std::to_string(seen));
                    shown++;
                }
            }
        }
    });
    group.test("every unit matches itself and its upper case as a pattern", [&] {
        int shown = 0;
        for (uint32_t unit = 1; unit < 65536 && shown < 10; unit++) {
            const bool wildcard = unit == '*' || unit == '?' || unit == '<' || unit == '>' || unit == '"';
            if (wildcard || (sizeof(WCHAR) == 4 && unit >= 0xD800 && unit < 0xE000)) {
                continue;
            }
            const WideString name = units({'x', static_cast<uint16_t>(unit)});
            if (PrjFileNameMatch(name.c_str(), units({'X', table[unit]}).c_str()) != 1) {
                fail("unit " + std::to_string(unit) + " does not match its upper case");
                shown++;
            }
        }
    });
    group.test("unpaired surrogates are units like others", [] {
        if (sizeof(WCHAR) != 2) {
            return;
        }
        const WideString high = units({0xD83D});
        const WideString low = units({0xDE00});
        check(PrjFileNameCompare(high.c_str(), low.c_str()) < 0, "the order of two surrogates");
        check(PrjFileNameCompare(high.c_str(), high.c_str()) == 0, "a surrogate is itself");
        check(PrjFileNameMatch(high.c_str(), wide("?").c_str()) == 1, "a surrogate is one unit");
    });
    group.test("a long name against many stars ends", [] {
        const WideString name(2000, static_cast<WCHAR>('a'));
        WideString pattern;
        for (int i = 0; i < 200; i++) {
            pattern += wide("*a");
        }
        check(PrjFileNameMatch(name.c_str(), pattern.c_str()) == 1, "it matches");
        pattern += wide("b");
        check(PrjFileNameMatch(name.c_str(), pattern.c_str()) == 0, "it does not match");
    });
}
