//! A tree that is held in memory: `cargo run --example memory -- DIR`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use projectedfs::*;

/// Files by path. A directory is there when a file in it is.
pub struct Memory(pub BTreeMap<&'static str, &'static str>);

impl Memory {
    fn look(&self, path: &RelPath) -> Option<PlaceholderInfo> {
        let path = path.to_string();
        match self.0.get(path.as_str()) {
            Some(text) => Some(PlaceholderInfo::file(text.len() as u64)),
            None => self.0.keys().any(|file| below(file, &path).is_some()).then(PlaceholderInfo::directory),
        }
    }
}

/// What is left of `file` below the directory `dir`.
fn below<'a>(file: &'a str, dir: &str) -> Option<&'a str> {
    if dir.is_empty() { Some(file) } else { file.strip_prefix(dir)?.strip_prefix('/') }
}

impl Provider for Memory {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let (_, name) = request.path().split_last().ok_or_else(ProviderError::not_found)?;
        let info = self.look(request.path()).ok_or_else(ProviderError::not_found)?;
        Ok(ProjectedItem::new(name.to_owned(), info))
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        let dir = request.path().to_string();
        let names = self.0.keys().filter_map(|file| below(file, &dir)?.split('/').next());
        let mut names: Vec<&str> = names.collect();
        names.dedup();
        let names = names.into_iter().filter_map(|name| ItemNameBuf::new(name).ok());
        let entry = |name: ItemNameBuf| Some((self.look(&request.path().join(&name))?, name));
        DirEntries::unsorted(
            names.filter_map(entry).map(|(info, name)| ProjectedItem::new(name, info)).collect(),
        )
    }

    fn file_data(&self, request: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let text = self.0.get(request.path().to_string().as_str()).ok_or_else(ProviderError::not_found)?;
        sink.write_at(0, text.as_bytes())
    }
}

/// Mounts a small tree over `dir`.
pub fn mount(dir: &Path) -> Result<VirtualizationInstance> {
    let files = [("hello.txt", "Hello from nowhere.\n"), ("poems/haiku.txt", "An old silent pond\n")];
    let root = VirtualizationRoot::mark(dir)?;
    VirtualizationInstance::builder(root).source("memory").start(Memory(files.into()))
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args_os().nth(1).ok_or("usage: memory DIR")?;
    let instance = mount(dir.as_ref())?;
    println!("mounted at {}; press Enter to unmount", instance.path().display());
    std::io::stdin().read_line(&mut String::new())?;
    instance.stop();
    Ok(())
}
