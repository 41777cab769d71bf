//! `DirProvider`: a directory as a projection.

use std::fs::File;
use std::io::Seek;
use std::io::SeekFrom;
use std::ops::Range;
use std::os::fd::AsFd;
use std::path::Path;

use projfs_provider::DataAccess;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Lifetime;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::ProviderTraits;
use projfs_provider::Request;
use projfs_types::ItemNameBuf;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::VersionInfo;
use rustix::io::Errno;

use crate::Error;
use crate::source;
use crate::source::Source;

/// Projects a directory, read only.
#[derive(Debug)]
pub struct DirProvider {
    source: Source,
}

impl DirProvider {
    /// Opens the directory at `path`. It stays the same directory when it is renamed.
    ///
    /// # Errors
    /// There is no such directory, it cannot be listed, or the kernel is older than 5.6.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let source = Source::open(path);
        source.map(|source| Self { source }).map_err(|cause| Error { path: path.into(), cause: cause.into() })
    }
}

impl Provider for DirProvider {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let path = request.path();
        let (_, name) = path.split_last().ok_or_else(ProviderError::not_found)?;
        let info = self.source.describe(path).map_err(|error| failed("look at", path, error))?;
        Ok(ProjectedItem::new(name.to_owned(), info.ok_or_else(ProviderError::not_found)?))
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        let path = request.path();
        let items = self.source.list(path).map_err(|error| failed("list", path, error))?;
        let items = items.into_iter().filter_map(|(name, info)| {
            let name = ItemNameBuf::new(name.as_bytes()).ok()?;
            Some(ProjectedItem::new(name, info))
        });
        DirEntries::unsorted(items.collect())
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let path = request.path();
        let (file, version) = self.source.open_file(path).map_err(|error| failed("open", path, error))?;
        let expected = match request.version() {
            known if *known != VersionInfo::default() => known,
            _ => &version,
        };
        if version != *expected {
            return Err(changed(path));
        }
        let mut file = File::from(file);
        file.seek(SeekFrom::Start(range.start))?;
        let copied = sink.copy_from(&mut file, range);
        // A change while it was read also explains an early end.
        match source::version_now(file.as_fd()) {
            Ok(now) if now == *expected => copied,
            Ok(_) => Err(changed(path)),
            Err(error) => Err(failed("look at", path, error)),
        }
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { lifetime: Lifetime::Stable, data: DataAccess::Ranges }
    }
}

fn changed(path: &RelPath) -> ProviderError {
    ProviderError::new(ProviderErrorKind::Io, format!("{path:?} has changed since it was listed"))
}

/// What the system says about `path`. A component that is no directory, or a link, has nothing below it.
fn failed(operation: &str, path: &RelPath, error: Errno) -> ProviderError {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => ProviderError::not_found(),
        _ => {
            let kind = ProviderError::from(std::io::Error::from(error)).kind;
            ProviderError::new(kind, format!("cannot {operation} {path:?}: {error}"))
        }
    }
}

#[cfg(test)]
mod tests;
