//! Changes of the view by the provider: placeholders ahead of time, updates, deletions, directories that merge again,
//! and everything at once.

use std::time::Duration;
use std::time::Instant;

use projfs_engine::Context;
use projfs_engine::Engine;
use projfs_engine::Switched;
use projfs_engine::Updated;
use projfs_engine::is_answering;
use projfs_provider::Adapter;
use projfs_provider::CancelToken;
use projfs_provider::CommandHandler;
use projfs_provider::Provider;
use projfs_sync::Arc;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPath;
use projfs_types::UpdateFlags;
use projfs_types::VersionInfo;

use crate::Error;
use crate::Result;
use crate::VirtualizationInstance;
use crate::instance::Shared;
use crate::instance::context;

/// How long is waited for the kernel to forget. It does at once, unless a request on the same directory waits for the
/// provider.
const FORGET: Duration = Duration::from_secs(5);

/// The same for the provider while it answers: if the kernel does not forget by then it waits for that answer.
const FORGET_ANSWERING: Duration = Duration::from_millis(50);

/// What each of these changes is visible to everybody when the call returns: the kernel has forgotten what it knew. Only a
/// call that a provider makes while it answers may not be able to wait for that, as the kernel may be waiting for the
/// answer: it waits for a twentieth of a second at most, and the kernel forgets as soon as it has the answer. A provider
/// that answers later, from a thread of its own, should answer first: such a call waits for five seconds at most. A
/// provider that answers must not have itself asked: directories on the way to
/// [`create_placeholder`](Self::create_placeholder) and [`mark_directory`](Self::mark_directory) must be local then, and
/// it cannot [`switch`](Self::switch).
///
/// Every path is the one that users see, below the root.
impl VirtualizationInstance {
    /// Makes a placeholder ahead of time, at any path (`PrjWritePlaceholderInfo`). The provider is asked for directories
    /// on the way that are virtual.
    ///
    /// # Errors
    /// [`Exists`](crate::ErrorKind::Exists) if anything is local there, a tombstone included;
    /// [`PathNotFound`](crate::ErrorKind::PathNotFound) if there is no such directory;
    /// [`Invalid`](crate::ErrorKind::Invalid); the provider's and the store's, as
    /// [`Operation`](crate::ErrorKind::Operation).
    ///
    /// # References
    /// <https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjwriteplaceholderinfo>
    pub fn create_placeholder(&self, path: &RelPath, info: &PlaceholderInfo) -> Result<()> {
        self.shared().change("make a placeholder of", path, |engine, context| {
            engine.create_placeholder(context, path, info)
        })
    }

    /// Makes what is local at a path a clean placeholder with this metadata, if its content id is another
    /// (`PrjUpdateFileIfNeeded`). `flags` say which local changes may be given up for that. An item that was moved here
    /// keeps its origin. A directory stays a directory, whatever `info` says; nothing else becomes one.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if nothing is local there: a virtual item needs no update;
    /// [`PathNotFound`](crate::ErrorKind::PathNotFound) if a directory on the way is not local;
    /// [`NotEmpty`](crate::ErrorKind::NotEmpty) if anything is local in the directory;
    /// [`Kept`](crate::ErrorKind::Kept) with every reason that `flags` did not give up; the store's, as
    /// [`Operation`](crate::ErrorKind::Operation).
    ///
    /// # References
    /// <https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjupdatefileifneeded>
    pub fn update(&self, path: &RelPath, info: &PlaceholderInfo, flags: UpdateFlags) -> Result<Updated> {
        self.shared().change("update", path, |engine, context| engine.update(context, path, info, flags))
    }

    /// Drops what is local at a path, and leaves no tombstone (`PrjDeleteFile`): what the provider has there is virtual
    /// again. A directory must be empty but for tombstones.
    ///
    /// # Errors
    /// Those of [`update`](Self::update).
    ///
    /// # References
    /// <https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjdeletefile>
    pub fn delete(&self, path: &RelPath, flags: UpdateFlags) -> Result<()> {
        self.shared().change("delete", path, |engine, context| engine.delete(context, path, flags))
    }

    /// Makes a directory that was made here a placeholder: what the provider has in it shows from now on, next to what is
    /// in it, which stays as it is and wins (`PrjMarkDirectoryAsPlaceholder` with a target).
    ///
    /// # Errors
    /// [`AlreadyPlaceholder`](crate::ErrorKind::AlreadyPlaceholder), of the root too;
    /// [`NotADirectory`](crate::ErrorKind::NotADirectory); [`NotFound`](crate::ErrorKind::NotFound);
    /// [`PathNotFound`](crate::ErrorKind::PathNotFound); the provider's and the store's, as
    /// [`Operation`](crate::ErrorKind::Operation).
    ///
    /// # References
    /// <https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjmarkdirectoryasplaceholder>
    pub fn mark_directory(&self, path: &RelPath, version: &VersionInfo) -> Result<()> {
        self.shared().change("make a placeholder of", path, |engine, context| {
            engine.mark_directory(context, path, version)
        })
    }

    /// Forgets which names the provider said do not exist, here and in the kernel, and what it listed
    /// (`PrjClearNegativePathCache`). To be called after the provider shows another view. How many names there were.
    ///
    /// # Errors
    /// [`Stopped`](crate::ErrorKind::Stopped).
    ///
    /// # References
    /// <https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjclearnegativepathcache>
    pub fn clear_negative_path_cache(&self) -> Result<u64> {
        self.shared().change("clear the absent names of", RelPath::root(), |engine, _| {
            Ok(engine.clear_negative_path_cache())
        })
    }

    /// Has another provider answer from now on, and makes everything that is local and was not changed here as that one
    /// has it, at once: what has another content id becomes a placeholder of its version, and what it does not have goes.
    /// What was changed or made here is kept, and named if the provider's item beneath has changed.
    ///
    /// The new provider is asked first, while the old one is shown. Then everybody is kept out for a moment. Who comes
    /// after it sees the new version alone; a listing that began before goes on to its end with the old names; what is
    /// open stays as it is, its provider included. A crash in that moment is made good by the next start, which brings
    /// everything to the version of the provider that it is given.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if the new provider's traits differ from those of the old one; the
    /// provider's, as [`Operation`](crate::ErrorKind::Operation), before anything was changed; the store's: everything
    /// may be half-way then, until the next switch or start.
    pub fn switch(&self, provider: impl Provider) -> Result<Switched> {
        self.switch_handler(Arc::new(Adapter::new(provider)))
    }

    /// The same with what answers commands.
    ///
    /// # Errors
    /// Those of [`switch`](Self::switch).
    pub fn switch_handler(&self, handler: Arc<dyn CommandHandler>) -> Result<Switched> {
        self.shared().change("switch", RelPath::root(), |engine, context| engine.switch(context, handler))
    }

    /// The same as [`switch`](Self::switch) after the provider itself has begun to answer in another way. What it
    /// answered before is not known: what was changed here is named if the provider has anything beneath.
    ///
    /// # Errors
    /// Those of [`switch`](Self::switch).
    pub fn refresh(&self) -> Result<Switched> {
        self.shared().change("switch", RelPath::root(), Engine::refresh)
    }

    /// How content is best aligned that is delivered, in bytes (`WriteAlignment`): the block of the root's file system,
    /// a power of two. Nothing depends on it.
    ///
    /// # Errors
    /// [`Stopped`](crate::ErrorKind::Stopped); the system's.
    pub fn write_alignment(&self) -> Result<u32> {
        let alignment = self.shared().live()?.engine.write_alignment();
        alignment.map_err(|error| Error::engine(error, "ask the block size of", self.path()))
    }
}

impl Shared {
    /// Does something that the kernel must hear of before this returns.
    fn change<T>(
        &self,
        operation: &'static str,
        path: &RelPath,
        act: impl FnOnce(&Engine, &Context<'_>) -> projfs_engine::Result<T>,
    ) -> Result<T> {
        let live = self.live()?;
        let changed = act(&live.engine, &context(&CancelToken::new()));
        let answering = is_answering();
        let patience = if answering { FORGET_ANSWERING } else { FORGET };
        if !live.session.kernel().invalidator.flush(Instant::now() + patience) && !answering {
            tracing::warn!(operation, %path, "the kernel has not forgotten what it knew yet");
        }
        changed.map_err(|error| self.failed(error, operation, path))
    }
}
