//! `projfs-hot`: does one thing so many times, for those who count instructions.
//!
//! Whatever the number, the same is made ready first, so the difference between two runs is what the thing itself takes.

mod engine;
mod store;

use std::hint::black_box;

use anyhow::Context;
use anyhow::Result;
use projfs_types::ItemName;
use projfs_types::collation;

/// Goes a path so many times.
type Path = fn(u32) -> Result<()>;

/// What is done most often, by name.
const PATHS: [(&str, Path); 12] = [
    ("lookup", engine::lookup),
    ("lookup-absent", engine::lookup_absent),
    ("readdirplus", engine::readdirplus),
    ("getattr", engine::getattr),
    ("open", engine::open),
    ("hydrate", engine::hydrate),
    ("name-compare", name_compare),
    ("name-match", name_match),
    ("log-append", store::log_append),
    ("log-replay", store::log_replay),
    ("journal-append", store::journal_append),
    ("journal-replay", store::journal_replay),
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(count)) = (arguments.next(), arguments.next()) else {
        for (name, _) in PATHS {
            println!("{name}");
        }
        return Ok(());
    };
    let (_, path) = PATHS.iter().find(|(other, _)| *other == name).context("no such path")?;
    path(count.parse()?)
}

/// Names as they are in sources.
fn names() -> impl Iterator<Item = String> {
    let stems =
        ["main", "README", "mod", "Makefile", "lib", "drivers", "a_longer_name_of_a_file", "caf\u{e9}"];
    (0..64).map(move |number| format!("{}_{number:02}.rs", stems[number % stems.len()]))
}

/// Once is each of 64 names with each.
fn name_compare(count: u32) -> Result<()> {
    let names: Vec<_> = names().collect();
    let names: Vec<&ItemName> =
        names.iter().map(|name| ItemName::new(name.as_bytes())).collect::<Result<_, _>>()?;
    for _ in 0..count {
        for one in &names {
            for other in &names {
                black_box(collation::compare(black_box(one), black_box(other)));
            }
        }
    }
    Ok(())
}

/// Once is each of 64 names with each of some patterns.
fn name_match(count: u32) -> Result<()> {
    let units = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    let names: Vec<Vec<u16>> = names().map(|name| units(&name)).collect();
    let patterns = ["*", "*.rs", "m*_0?.rs", "*long*file*", "README_01.rs"].map(units);
    for _ in 0..count {
        for name in &names {
            for pattern in &patterns {
                black_box(collation::file_name_match(black_box(name), black_box(pattern)));
            }
        }
    }
    Ok(())
}
