//! `Provider`: what a person implements.

use std::ops::Range;
use std::time::Duration;

use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ProjectedItem;
use projfs_types::RelPathBuf;

use crate::CancelToken;
use crate::DataSink;
use crate::DirEntries;
use crate::MaskChange;
use crate::NameChange;
use crate::PostOperation;
use crate::PreOperation;
use crate::ProviderError;
use crate::ProviderErrorKind;
use crate::Request;

/// A source of files and directories.
///
/// Methods are called on the instance's provider threads, several at once, for any paths. A method may
/// block; it should return early once [`Request::cancellation`] is set. A panic is an internal error of that
/// one call. The root itself always exists and is never asked about by
/// [`placeholder_info`](Self::placeholder_info).
pub trait Provider: Send + Sync + 'static {
    /// Describes the item at `request.path()` (`PRJ_GET_PLACEHOLDER_INFO_CB`).
    ///
    /// The answer must equal the entry in the directory's listing.
    ///
    /// # Errors
    /// `NotFound` if there is no such item. Any other error fails the application's operation.
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError>;

    /// Lists the directory at `request.path()`, the root's path being empty (`PRJ_GET_DIRECTORY_ENUMERATION_CB`).
    ///
    /// While somebody walks the tree, directories are listed before he comes to them, up to eight at a time, unless
    /// listings do not last ([`Lifetime`]).
    ///
    /// # Errors
    /// Any error fails the application's listing.
    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError>;

    /// Writes the bytes of `range`, at least, into `sink` (`PRJ_GET_FILE_DATA_CB`).
    ///
    /// The range is never empty and lies within the size that the placeholder has.
    ///
    /// # Errors
    /// Any error, or returning before all bytes were written, fails the application's operation; the file
    /// stays a placeholder and the next access asks again.
    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError>;

    /// Says whether the item exists (`PRJ_QUERY_FILE_NAME_CB`).
    ///
    /// # Errors
    /// An error counts as "exists": hiding is safer than bringing back what was deleted.
    fn exists(&self, request: &Request) -> Result<bool, ProviderError> {
        match self.placeholder_info(request) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == ProviderErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Hears that everything at and below `paths` is about to be asked for, and may get it ready; it has no counterpart on
    /// Windows. What of it is not there is to be passed over. Called on a thread of whoever wants it, not on a provider thread; it may take as long as that takes,
    /// and should return early once `cancel` is set.
    ///
    /// # Errors
    /// Any error is logged: what cannot be had is found out when it is asked for.
    fn prefetch(&self, paths: &[RelPathBuf], cancel: &CancelToken) -> Result<(), ProviderError> {
        let _ = (paths, cancel);
        Ok(())
    }

    /// What of the projection the kernel may keep, and how files may be fetched.
    fn traits(&self) -> ProviderTraits {
        ProviderTraits::default()
    }

    /// Says whether something may happen (`PRJ_NOTIFICATION_PRE_*`). Asked about the paths and operations that the
    /// instance was started with notifications for, and, like the three methods below, never about what the provider's
    /// own process does. The request's path is the one at which the item is seen.
    ///
    /// # Errors
    /// An error refuses the operation, and is the application's; nothing has changed then.
    fn authorize(&self, request: &Request, operation: &PreOperation) -> Result<(), ProviderError> {
        let _ = (request, operation);
        Ok(())
    }

    /// Hears that an existing item was opened, and may change which notifications it sends from now on
    /// (`PRJ_NOTIFICATION_FILE_OPENED`).
    ///
    /// # Errors
    /// An error undoes the open, and is the application's.
    fn opened(&self, request: &Request, kind: ItemKind) -> Result<MaskChange, ProviderError> {
        let _ = (request, kind);
        Ok(MaskChange::Keep)
    }

    /// Hears what happened to a name, and may change which notifications the item sends from now on
    /// (`PRJ_NOTIFICATION_NEW_FILE_CREATED`, `FILE_OVERWRITTEN`, `FILE_RENAMED`).
    fn changed(&self, request: &Request, change: &NameChange) -> MaskChange {
        let _ = (request, change);
        MaskChange::Keep
    }

    /// Hears what happened (`PRJ_NOTIFICATION_HARDLINK_CREATED`, `FILE_HANDLE_CLOSED_*`).
    fn observe(&self, request: &Request, operation: &PostOperation) {
        let _ = (request, operation);
    }
}

/// What of the projection the kernel may keep, and how files may be fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProviderTraits {
    /// How long what the provider said stays true.
    pub lifetime: Lifetime,
    /// How files may be fetched.
    pub data: DataAccess,
}

/// How long what a provider said stays true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifetime {
    /// For as long as the instance runs: changes are announced.
    #[default]
    Stable,
    /// For as long as the instance runs once an item was looked up, unless it is announced otherwise; but each listing is
    /// asked for again, and so is each name that did not exist, as on Windows.
    Pinned,
    /// Names and attributes must be asked for again after this time.
    Chosen(Duration),
}

/// How files may be fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataAccess {
    /// From the beginning to the end, in one command.
    #[default]
    WholeFile,
    /// Any range by itself.
    Ranges,
}

/// A provider behind a pointer is a provider, so that a program can choose one while it runs.
macro_rules! forward {
    ($pointer:ident) => {
        impl<P: Provider + ?Sized> Provider for $pointer<P> {
            fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
                (**self).placeholder_info(request)
            }

            fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
                (**self).enumerate(request)
            }

            fn file_data(
                &self,
                request: &Request,
                range: Range<u64>,
                sink: &DataSink,
            ) -> Result<(), ProviderError> {
                (**self).file_data(request, range, sink)
            }

            fn exists(&self, request: &Request) -> Result<bool, ProviderError> {
                (**self).exists(request)
            }

            fn prefetch(&self, paths: &[RelPathBuf], cancel: &CancelToken) -> Result<(), ProviderError> {
                (**self).prefetch(paths, cancel)
            }

            fn traits(&self) -> ProviderTraits {
                (**self).traits()
            }

            fn authorize(&self, request: &Request, operation: &PreOperation) -> Result<(), ProviderError> {
                (**self).authorize(request, operation)
            }

            fn opened(&self, request: &Request, kind: ItemKind) -> Result<MaskChange, ProviderError> {
                (**self).opened(request, kind)
            }

            fn changed(&self, request: &Request, change: &NameChange) -> MaskChange {
                (**self).changed(request, change)
            }

            fn observe(&self, request: &Request, operation: &PostOperation) {
                (**self).observe(request, operation);
            }
        }
    };
}

forward!(Box);
forward!(Arc);
