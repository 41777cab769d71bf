//! `GitProvider`: a commit as a projection.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use projfs_provider::CancelToken;
use projfs_provider::DataAccess;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Lifetime;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderTraits;
use projfs_provider::Request;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

use crate::Error;
use crate::ErrorKind;
use crate::objects::Objects;
use crate::snapshot::Snapshot;
use crate::version;

/// How much content is handed over at a time, in bytes: between two pieces a fetch can be cancelled.
const PIECE: usize = 1 << 20;

/// Projects one commit of a local repository.
///
/// The commit is chosen once: what happens to the branch afterwards does not matter, and a repository may be
/// repacked or fetched into meanwhile. Attributes and configuration are those of the moment it was opened.
pub struct GitProvider {
    pub(crate) snapshot: Arc<Snapshot>,
    description: Description,
}

/// What is projected, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The repository's own directory (`.git`, or that of a bare repository or of a linked work tree).
    pub repository: PathBuf,
    /// The revision as it was asked for.
    pub revision: String,
    /// The commit that it named, in hexadecimal.
    pub commit: String,
}

/// What the content of a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Content {
    /// What `git checkout` would write: line ends, `$Id$`, encodings and filters, as attributes and configuration say.
    #[default]
    CheckedOut,
    /// The blob as it is stored.
    Stored,
}

impl GitProvider {
    /// Opens a commit of the repository that `repository` is, or is in. Without a revision it is `HEAD`.
    ///
    /// A revision is whatever `git rev-parse` takes that leads to a commit, also through tags. The id of a tree
    /// is not taken: it has no time. The whole commit is projected, also if `repository` is a subdirectory.
    ///
    /// # Errors
    /// Each [`ErrorKind`]; the error names the repository and the revision.
    pub fn open(repository: &Path, revision: Option<&str>) -> Result<Self, Error> {
        Self::open_as(repository, revision, Content::default())
    }

    /// The same, with a choice of what the content of files is.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_as(repository: &Path, revision: Option<&str>, content: Content) -> Result<Self, Error> {
        let revision = revision.unwrap_or("HEAD");
        let objects = Objects::open(repository, revision)?;
        let commit = objects.commit(repository, revision)?;
        let description = Description {
            repository: objects.directory().to_owned(),
            revision: revision.to_owned(),
            commit: commit.id.to_string(),
        };
        let snapshot = Arc::new(Snapshot::new(objects, &commit, content, repository, revision)?);
        // What cannot be read at all is better found before anything is mounted.
        let unreadable =
            |cause: ProviderError| Error::new(ErrorKind::Unreadable, repository, revision).because(cause);
        snapshot.tree(commit.tree, RelPath::root(), &CancelToken::new()).map_err(unreadable)?;
        Ok(Self { snapshot, description })
    }

    /// The projected commit's id, in hexadecimal.
    pub fn commit_id(&self) -> &str {
        &self.description.commit
    }

    /// What is projected, for people.
    pub fn describe(&self) -> &Description {
        &self.description
    }
}

impl Provider for GitProvider {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let (parent, name) = request.path().split_last().ok_or_else(ProviderError::not_found)?;
        self.snapshot.item(parent, name, request.cancellation())
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        DirEntries::unsorted(self.snapshot.list(request.path(), request.cancellation())?)
    }

    /// Delivers the whole file. It is the one that the version names: the file stays what its placeholder says,
    /// also when another commit is projected since.
    fn file_data(&self, request: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let (path, cancel) = (request.path(), request.cancellation());
        let (id, conversion) = match version::object(request.version(), self.snapshot.id_length) {
            Some(known) => known,
            None => self.snapshot.file(path, cancel)?,
        };
        let mut offset = 0;
        self.snapshot.deliver(path, id, conversion.as_ref(), cancel, |data| {
            data.chunks(PIECE).try_for_each(|piece| {
                sink.write_at(offset, piece)?;
                offset += piece.len() as u64;
                Ok(())
            })
        })
    }

    fn prefetch(&self, paths: &[RelPathBuf], cancel: &CancelToken) -> Result<(), ProviderError> {
        self.snapshot.prefetch(paths, cancel)
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { lifetime: Lifetime::Stable, data: DataAccess::WholeFile }
    }
}

impl Drop for GitProvider {
    fn drop(&mut self) {
        // The thread that fetches has the snapshot too.
        if let Some(fetcher) = &self.snapshot.fetcher {
            fetcher.close();
        }
    }
}

impl fmt::Debug for GitProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GitProvider").field(&self.description).finish()
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.revision)?;
        f.write_str(self.commit.get(..12).unwrap_or(&self.commit))?;
        write!(f, ") of {}", self.repository.display())
    }
}

#[cfg(test)]
mod tests;
