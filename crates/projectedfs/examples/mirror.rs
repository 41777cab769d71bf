//! Another directory, projected: `cargo run --example mirror -- SOURCE DIR`.
//!
//! The crate `projfs-dir` does this with more care: it notices a source that changes while it is read.

use std::fs::File;
use std::io::Seek;
use std::io::SeekFrom;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use projectedfs::*;

/// The directory that is shown.
pub struct Mirror(pub PathBuf);

impl Mirror {
    fn source(&self, path: &RelPath) -> PathBuf {
        self.0.join(std::ffi::OsStr::from_bytes(path.as_bytes()))
    }
}

/// What is at `path`; sockets and their like are left out.
fn describe(path: &Path) -> std::io::Result<Option<PlaceholderInfo>> {
    let found = path.symlink_metadata()?;
    let info = match found.file_type() {
        kind if kind.is_dir() => PlaceholderInfo::directory(),
        kind if kind.is_file() => PlaceholderInfo::file(found.len()),
        kind if kind.is_symlink() => PlaceholderInfo::symlink(path.read_link()?.as_os_str().as_bytes()),
        _ => return Ok(None),
    };
    let seconds = found.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let info = info.with_time(Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(0)));
    let mode = u16::try_from(found.permissions().mode() & 0o777).unwrap_or(0);
    Ok(Some(if found.is_symlink() { info } else { info.with_mode(mode) }))
}

impl Provider for Mirror {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let (_, name) = request.path().split_last().ok_or_else(ProviderError::not_found)?;
        let info = describe(&self.source(request.path()))?;
        Ok(ProjectedItem::new(name.to_owned(), info.ok_or_else(ProviderError::not_found)?))
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        let mut items = Vec::new();
        for entry in std::fs::read_dir(self.source(request.path()))? {
            let entry = entry?;
            if let (Ok(name), Some(info)) =
                (ItemNameBuf::new(entry.file_name().as_bytes()), describe(&entry.path())?)
            {
                items.push(ProjectedItem::new(name, info));
            }
        }
        DirEntries::unsorted(items)
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let mut file = File::open(self.source(request.path()))?;
        file.seek(SeekFrom::Start(range.start))?;
        sink.copy_from(&mut file, range)
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { data: DataAccess::Ranges, ..ProviderTraits::default() }
    }
}

/// Mounts `source` over `dir`.
pub fn mount(source: &Path, dir: &Path) -> Result<VirtualizationInstance> {
    let root = VirtualizationRoot::mark(dir)?;
    let shown = format!("mirror:{}", source.display());
    VirtualizationInstance::builder(root).source(shown).start(Mirror(source.to_owned()))
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(source), Some(dir)) = (arguments.next(), arguments.next()) else {
        return Err("usage: mirror SOURCE DIR".into());
    };
    let instance = mount(Path::new(&source).canonicalize()?.as_ref(), dir.as_ref())?;
    println!("mounted at {}; press Enter to unmount", instance.path().display());
    std::io::stdin().read_line(&mut String::new())?;
    instance.stop();
    Ok(())
}
