//! Everything that `tests/api.txt` lists is in the header, with the same value, and in the library.

use std::collections::HashSet;
use std::fmt::Write;
use std::process::Command;

use crate::support::LANGUAGES;
use crate::support::WIDTHS;
use crate::support::library;
use crate::support::run;

const API: &str = include_str!("../api.txt");

/// One line of the list.
struct Row {
    section: &'static str,
    /// The structure, for a field.
    of: &'static str,
    name: &'static str,
    value: &'static str,
}

fn rows() -> Vec<Row> {
    let (mut section, mut of) = ("", "");
    let mut rows = Vec::new();
    for line in API.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(title) = line.strip_prefix('[') {
            section = title.strip_suffix(']').unwrap();
            continue;
        }
        let (name, value) = line.rsplit_once(" = ").unwrap();
        match name.trim_start().strip_prefix('.') {
            Some(field) => rows.push(Row { section, of, name: field, value }),
            None => {
                of = name;
                rows.push(Row { section, of: "", name, value });
            }
        }
    }
    rows
}

impl Row {
    /// What has to hold, as an expression, in C or in C++.
    fn condition(&self, is_c: bool) -> String {
        let Self { of, name, value, .. } = self;
        let same = |one: &str, other: &str| match is_c {
            true => format!("__builtin_types_compatible_p({one}, {other})"),
            false => format!("std::is_same<{one}, {other}>::value"),
        };
        // The type `R(A, B)`, and the pointer to it, which C compares without regard to how it was declared.
        let pointer = |signature: &str| signature.replacen('(', "(*)(", 1);
        match self.section {
            "functions" => same(&format!("__typeof__(&{name})"), &typed(&pointer(value))),
            "callbacks" => same(&format!("{name} *"), &typed(&pointer(value))),
            "structures" if of.is_empty() => {
                let (size, align) = value.split_once(' ').unwrap();
                let alignof = if is_c { "_Alignof" } else { "alignof" };
                format!("sizeof({name}) == {size} && {alignof}({name}) == {align}")
            }
            "structures" => {
                let mut parts = value.splitn(3, ' ');
                let [offset, size, kind] = std::array::from_fn(|_| parts.next().unwrap());
                let field = format!("__typeof__((({of} *)0)->{name})");
                let kind = same(&field, kind);
                format!(
                    "offsetof({of}, {name}) == {offset} && sizeof((({of} *)0)->{name}) == {size} && {kind}"
                )
            }
            "handles" => format!("sizeof({name}) == {value}"),
            // Values are in hexadecimal.
            "enumerations" if !value.starts_with("0x") => format!("sizeof({name}) == {value}"),
            _ => format!("(UINT32)({name}) == {value}u"),
        }
    }
}

/// `__typeof__` around a type with a declarator inside, which cannot stand where a type is an argument in C++.
fn typed(signature: &str) -> String {
    format!("__typeof__({signature})")
}

#[test]
fn everything_is_in_the_header() {
    let rows = rows();
    assert_eq!(rows.len(), 185);
    for language in LANGUAGES {
        let mut text = String::from("#include <projectedfslib.h>\n#include <stddef.h>\n");
        let word = if language.is_c() { "_Static_assert" } else { "static_assert" };
        if !language.is_c() {
            text.push_str("#include <type_traits>\n");
        }
        for row in &rows {
            let condition = row.condition(language.is_c());
            writeln!(text, "{word}({condition}, \"{} {}\");", row.of, row.name).unwrap();
        }
        for wide in WIDTHS {
            language.check(*wide, &text);
        }
    }
}

/// Sources that were written for Windows use more of its headers than the interface is made of.
#[test]
fn what_such_sources_use_of_windows_is_in_the_header() {
    const TEXT: &str = "#include <projectedfslib.h>
        #define NAME \"name\"
        static const TCHAR literal[] = TEXT(\"a\") TEXT(NAME);
        static LPCTSTR text = literal;
        static DWORD count(PBYTE bytes, LPBYTE more, PDWORD one, LPDWORD other, PULONG third) {
            return (DWORD)(bytes[0] + more[0]) + *one + *other + *third + (DWORD)text[0];
        }
        int __cdecl main(void) {
            FILE_FULL_EA_INFORMATION attribute;
            DWORD number = 1;
            ULONG third = ERROR_BAD_CONFIGURATION;
            BYTE byte = 1;
            attribute.NextEntryOffset = 0;
            attribute.Flags = FILE_NEED_EA;
            if (FAILED(HRESULT_FROM_NT(STATUS_CANNOT_DELETE)) && FAILED(HRESULT_FROM_WIN32(ERROR_EAS_DIDNT_FIT))) {
                return (int)count(&byte, &byte, &number, &number, &third) + attribute.Flags;
            }
            return 0;
        }
";
    const FLAGS: &str = "
        namespace provider {
            enum Methods { None = 0, Notify = 1, Query = 2 };
            DEFINE_ENUM_FLAG_OPERATORS(Methods);
            Methods all() { Methods methods = None; methods |= Notify | Query; return methods; }
        }
";
    for language in LANGUAGES {
        let text = if language.is_c() { TEXT.to_owned() } else { format!("{TEXT}{FLAGS}") };
        for wide in WIDTHS {
            language.check(*wide, &text);
        }
    }
}

#[test]
fn every_function_is_in_the_library() {
    let output =
        run(Command::new("nm").args(["-D", "--defined-only"]).arg(library().join("libprojectedfs.so")));
    let text = String::from_utf8(output.stdout).unwrap();
    let exported: HashSet<&str> =
        text.lines().filter_map(|line| line.split_once(" T ")).map(|(_, name)| name).collect();
    let rows = rows();
    let functions = || rows.iter().filter(|row| row.section == "functions").map(|row| row.name);
    let missing: Vec<&str> = functions().filter(|name| !exported.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");

    // Nothing else is, but the twins of those that take strings.
    let strings = |name: &str| rows.iter().any(|row| row.name == name && row.value.contains("PCWSTR"));
    for name in exported {
        let plain = name.strip_suffix("_w32").unwrap_or(name);
        assert!(functions().any(|function| function == plain), "{name}");
        assert!(plain == name || strings(plain), "{name}");
    }
    for name in functions().filter(|name| strings(name)) {
        assert!(text.contains(&format!(" T {name}_w32\n")), "{name}");
    }
}

#[test]
fn the_library_says_what_it_is_called() {
    let output = run(Command::new("readelf").arg("-d").arg(library().join("libprojectedfs.so")));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("soname: [libprojectedfs.so.0]"), "{text}");
}
