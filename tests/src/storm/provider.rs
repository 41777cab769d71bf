//! The provider of a storm, in one generation or the next, and the daemon that is told to change.

use std::io::BufRead;
use std::io::Write;
use std::ops::Range;
use std::path::Path;

use anyhow::Context;
use anyhow::Result;
use projectedfs::Control;
use projectedfs::LocalChanges;
use projectedfs::Passthrough;
use projectedfs::Transport;
use projectedfs::VirtualizationInstance;
use projectedfs::VirtualizationRoot;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::Request;
use projfs_types::ItemName;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::UpdateFlags;
use projfs_types::VersionInfo;

use super::content::Content;
use super::content::OWNERS;
use crate::Options;

/// The directories of the projection.
const DIRECTORIES: [&str; 9] = ["a", "a/a", "a/b", "b", "b/a", "b/b", "c", "c/a", "c/b"];

/// How many files each owner has in each of them.
const EACH: usize = 2;

/// How many files are projected.
pub const PROJECTED: usize = DIRECTORIES.len() * OWNERS * EACH;

/// One generation.
struct Storm(u64);

fn version(generation: u64) -> Option<VersionInfo> {
    VersionInfo::of_content(&generation.to_le_bytes()).ok()
}

fn described(generation: u64) -> Result<PlaceholderInfo, ProviderError> {
    let mut info = PlaceholderInfo::file(Content::size(generation));
    info.version = version(generation).ok_or_else(ProviderError::not_found)?;
    Ok(info)
}

impl Storm {
    fn list(&self, directory: &str) -> Result<Vec<ProjectedItem>, ProviderError> {
        if !directory.is_empty() && !DIRECTORIES.contains(&directory) {
            return Err(ProviderError::not_found());
        }
        let mut items = Vec::new();
        for path in DIRECTORIES {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            if parent == directory {
                items.push(item(name, PlaceholderInfo::directory())?);
            }
        }
        for owner in (0..OWNERS).filter(|_| !directory.is_empty()) {
            for number in 0..EACH {
                items.push(item(&format!("p{owner}-{number}"), described(self.0)?)?);
            }
        }
        Ok(items)
    }
}

fn item(name: &str, info: PlaceholderInfo) -> Result<ProjectedItem, ProviderError> {
    let name = ItemName::new(name.as_bytes()).map_err(|_| ProviderError::not_found())?;
    Ok(ProjectedItem::new(name.to_owned(), info))
}

impl Provider for Storm {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let path = request.path().to_string();
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let items = self.list(parent)?;
        let found = items.into_iter().find(|item| item.name.as_bytes() == name.as_bytes());
        found.ok_or_else(ProviderError::not_found)
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        DirEntries::unsorted(self.list(&request.path().to_string())?)
    }

    fn file_data(&self, request: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        // Without trailing zeros.
        let generation = request.version().content.as_bytes().iter().rev();
        let generation = generation.fold(0, |number, &byte| number << 8 | u64::from(byte));
        sink.write_at(0, &Content::Projected { origin: request.path().to_string(), generation }.bytes())
    }
}

/// Mounts a storm over `root`, and does what its input says, a line each, until that ends: `switch GENERATION`,
/// `update PATH GENERATION`, `dehydrate PATH`, `clear`. Each is answered with a line. The generation of the last switch
/// is kept beside the root.
///
/// # Errors
/// It cannot be mounted.
pub fn serve_storm(root: &Path, options: &Options) -> Result<()> {
    let kept = root.with_extension("generation");
    let generation = std::fs::read_to_string(&kept).ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let marked = root.join(".projfs").exists();
    let root = if marked { VirtualizationRoot::open(root)? } else { VirtualizationRoot::mark(root)? };
    let passthrough = if options.passthrough { Passthrough::Auto } else { Passthrough::Off };
    let transport = if options.uring { Transport::Auto } else { Transport::Classic };
    let builder = VirtualizationInstance::builder(root).control(Control::Off);
    let builder = builder.passthrough(passthrough).transport(transport);
    let instance = builder.start(Storm(generation)).context("cannot mount")?;
    println!("mounted");
    for line in std::io::stdin().lock().lines() {
        let answer = match obey(&instance, &kept, &line?) {
            Ok(()) => "done".to_owned(),
            Err(error) => format!("{error:#}").replace('\n', " "),
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    instance.stop();
    Ok(())
}

fn obey(instance: &VirtualizationInstance, kept: &Path, line: &str) -> Result<()> {
    let words: Vec<_> = line.split(' ').collect();
    match words[..] {
        ["switch", generation] => {
            instance.switch(Storm(generation.parse()?))?;
            std::fs::write(kept, generation)?;
        }
        ["update", path, generation] => {
            let info = described(generation.parse()?)?;
            instance.update(RelPath::new(path.as_bytes())?, &info, UpdateFlags::empty())?;
        }
        ["dehydrate", path] => {
            let path = RelPath::new(path.as_bytes())?;
            instance.dehydrate(path, LocalChanges::Keep, |_, _| ())?;
        }
        ["clear"] => drop(instance.clear_negative_path_cache()?),
        _ => anyhow::bail!("no such thing to do: {line}"),
    }
    Ok(())
}
