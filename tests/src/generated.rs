//! `Generated`: a tree of any size that takes no memory, as every answer is made when it is asked for.

use std::ops::Range;

use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::Request;
use projfs_types::ItemNameBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::VersionInfo;

use crate::TIME;

/// How long each file is, in bytes.
const SIZE: u64 = 16;

/// Directories `00000000` and so on, with files of such names in each.
pub struct Generated {
    directories: u32,
    files: u32,
    generation: u32,
}

/// What a path leads to.
enum Place {
    Root,
    Directory,
    File(u32),
}

impl Generated {
    /// A tree of so many directories, of so many files each.
    pub fn new(directories: u32, files: u32) -> Self {
        Self { directories, files, generation: 0 }
    }

    /// The same with another content, and another version, of each file; 0 is the one without versions.
    #[must_use]
    pub fn generation(self, generation: u32) -> Self {
        Self { generation, ..self }
    }

    fn file(&self) -> Result<PlaceholderInfo, ProviderError> {
        if self.generation == 0 {
            return Ok(PlaceholderInfo::file(SIZE));
        }
        let version = VersionInfo::of_content(&self.generation.to_le_bytes());
        Ok(PlaceholderInfo::file(SIZE).with_version(version.map_err(|_| ProviderError::not_found())?))
    }

    fn find(&self, path: &RelPath) -> Result<Place, ProviderError> {
        let numbers: Option<Vec<u32>> = path.components().map(|name| number(name.as_bytes())).collect();
        match numbers.as_deref() {
            Some([]) => Ok(Place::Root),
            Some([directory]) if *directory < self.directories => Ok(Place::Directory),
            Some([directory, file]) if *directory < self.directories && *file < self.files => {
                Ok(Place::File(directory.wrapping_mul(31).wrapping_add(*file).wrapping_add(self.generation)))
            }
            Some(_) | None => Err(ProviderError::not_found()),
        }
    }
}

/// The number that a name is.
fn number(name: &[u8]) -> Option<u32> {
    std::str::from_utf8(name).ok().filter(|text| text.len() == 8)?.parse().ok()
}

/// The content of the file `file` in the directory `directory`.
fn content(seed: u32) -> Vec<u8> {
    format!("{seed:0width$}", width = SIZE as usize).into_bytes()
}

/// The content of a file of a [`Generated`] tree.
pub fn generated(directory: u32, file: u32) -> Vec<u8> {
    content(directory.wrapping_mul(31).wrapping_add(file))
}

impl Provider for Generated {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let info = match self.find(request.path())? {
            Place::Root => return Err(ProviderError::not_found()),
            Place::Directory => PlaceholderInfo::directory(),
            Place::File(_) => self.file()?,
        };
        let (_, name) = request.path().split_last().ok_or_else(ProviderError::not_found)?;
        Ok(ProjectedItem::new(name.to_owned(), info.with_time(TIME)))
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        let (count, info) = match self.find(request.path())? {
            Place::Root => (self.directories, PlaceholderInfo::directory()),
            Place::Directory => (self.files, self.file()?),
            Place::File(_) => return Err(ProviderError::not_found()),
        };
        let info = info.with_time(TIME);
        let entry = |number: u32| {
            let name = ItemNameBuf::new(format!("{number:08}")).map_err(|_| ProviderError::not_found())?;
            Ok(ProjectedItem::new(name, info.clone()))
        };
        DirEntries::sorted((0..count).map(entry).collect::<Result<_, ProviderError>>()?)
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let Place::File(seed) = self.find(request.path())? else { return Err(ProviderError::not_found()) };
        let bytes = content(seed);
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(bytes.len()));
        sink.write_at(range.start, &bytes[start..end])
    }
}
