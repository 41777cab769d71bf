//! Trees of files that look like sources, the same in every run.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;

/// Files in each directory of a tree.
const EACH: usize = 20;

/// Functions in a source that is compiled.
const FUNCTIONS: usize = 60;

/// Crates in the cargo project.
const CRATES: usize = 6;

/// Numbers that look like random ones.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// `files` text files, of some hundred bytes to 40 KB and 8 KB on average, in directories three deep.
pub(super) fn tree(dir: &Path, files: usize) -> Result<()> {
    let mut numbers = Numbers(1);
    for number in 0..files {
        let directory = number / EACH;
        let dir = dir.join(format!("part{:02}/sub{directory:04}/src", directory / 50));
        if number % EACH == 0 {
            fs::create_dir_all(&dir)?;
        }
        let lines = if number % 10 == 0 { 300 + numbers.below(600) } else { 5 + numbers.below(240) };
        let mut text = String::new();
        for line in 0..lines {
            let (one, other) = (numbers.below(1 << 20), numbers.below(1 << 30));
            writeln!(text, "static const int value_{number}_{line} = {one}; /* {other:x} */")?;
        }
        fs::write(dir.join(format!("source_{number:06}.c")), text)?;
    }
    Ok(())
}

/// A program of so many C sources, and a makefile that builds it into `$(OUT)`.
pub(super) fn c_project(dir: &Path, sources: usize) -> Result<()> {
    fs::create_dir_all(dir)?;
    let mut declared = String::new();
    let mut called = String::new();
    for source in 0..sources {
        let mut text = String::from(
            "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include \"all.h\"\n",
        );
        for function in 0..FUNCTIONS {
            writeln!(
                text,
                "static int f{function}(int n)\n{{\n\tint i, sum = {source};\n\tfor (i = 0; i < n; i++)\n\t\t\
                 sum = sum * 31 + (i ^ {function}) % 7;\n\treturn sum;\n}}"
            )?;
        }
        writeln!(text, "int source_{source}(int n)\n{{\n\tint sum = 0;")?;
        for function in 0..FUNCTIONS {
            writeln!(text, "\tsum += f{function}(n);")?;
        }
        writeln!(text, "\treturn sum;\n}}")?;
        fs::write(dir.join(format!("source_{source}.c")), text)?;
        writeln!(declared, "int source_{source}(int n);")?;
        writeln!(called, "\tprintf(\"%d\\n\", source_{source}(10));")?;
    }
    fs::write(dir.join("all.h"), declared)?;
    let main =
        format!("#include <stdio.h>\n#include \"all.h\"\nint main(void)\n{{\n{called}\treturn 0;\n}}\n");
    fs::write(dir.join("main.c"), main)?;
    fs::write(
        dir.join("Makefile"),
        "SOURCES := $(wildcard *.c)\n$(OUT)/program: $(SOURCES:%.c=$(OUT)/%.o)\n\t$(CC) -o $@ $^\n\
         $(OUT)/%.o: %.c all.h\n\t$(CC) -O1 -c -o $@ $<\n",
    )?;
    Ok(())
}

/// A workspace of crates that need nothing else, and a program that uses them.
pub(super) fn cargo_project(dir: &Path, sources: usize) -> Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join("Cargo.toml"), "[workspace]\nresolver = \"2\"\nmembers = [\"program\", \"part*\"]\n")?;
    let manifest = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{dependencies}"
        )
    };
    let (mut dependencies, mut called) = (String::new(), String::new());
    for number in 0..CRATES {
        let (name, src) = (format!("part{number}"), dir.join(format!("part{number}/src")));
        fs::create_dir_all(&src)?;
        fs::write(dir.join(&name).join("Cargo.toml"), manifest(&name, ""))?;
        let mut library = String::new();
        for source in 0..sources {
            let mut text = String::new();
            for function in 0..FUNCTIONS / 3 {
                writeln!(
                    text,
                    "pub fn f{function}(items: &[u32]) -> u32 {{\n    items.iter().map(|item| item.wrapping_mul({function}) ^ \
                     {number}).filter(|item| item % 7 != {source} % 7).fold(0, u32::wrapping_add)\n}}"
                )?;
            }
            fs::write(src.join(format!("source_{source}.rs")), text)?;
            writeln!(library, "pub mod source_{source};")?;
        }
        fs::write(src.join("lib.rs"), library)?;
        writeln!(dependencies, "{name} = {{ path = \"../{name}\" }}")?;
        writeln!(called, "    println!(\"{{}}\", {name}::source_0::f1(&[1, 2, 3]));")?;
    }
    fs::create_dir_all(dir.join("program/src"))?;
    fs::write(dir.join("program/Cargo.toml"), manifest("program", &dependencies))?;
    fs::write(dir.join("program/src/main.rs"), format!("fn main() {{\n{called}}}\n"))?;
    Ok(())
}
