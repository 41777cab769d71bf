//! `DataSink`: where a provider writes a file's bytes.

use std::fmt;
use std::io;
use std::io::Read;
use std::ops::Range;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::RwLock;
use projfs_sync::atomic::AtomicBool;
use projfs_sync::atomic::Ordering;
use projfs_types::RangeSet;

use crate::CancelToken;
use crate::ProviderError;
use crate::ProviderErrorKind;

/// How much [`DataSink::copy_from`] reads at a time, in bytes.
const COPY_SIZE: usize = 256 * 1024;

/// Takes the bytes that a provider delivers.
pub trait DataTarget: Send + Sync {
    /// Writes all of `data` at `offset`.
    ///
    /// # Errors
    /// The file system's.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;
}

/// Where a provider writes a file's bytes (`PrjWriteFileData`). Clones write to the same file.
#[derive(Clone)]
pub struct DataSink {
    shared: Arc<Shared>,
}

struct Shared {
    target: Arc<dyn DataTarget>,
    size: u64,
    cancel: CancelToken,
    received: Mutex<RangeSet>,
    refused: AtomicBool,
    /// False once the command was answered. Held while bytes are written, so that closing waits for them.
    open: RwLock<bool>,
}

impl DataSink {
    /// A sink for a file of `size` bytes. Nothing more is taken once `cancel` is set.
    pub fn new(target: Arc<dyn DataTarget>, size: u64, cancel: CancelToken) -> Self {
        let (received, refused) = (Mutex::default(), AtomicBool::new(false));
        Self { shared: Arc::new(Shared { target, size, cancel, received, refused, open: RwLock::new(true) }) }
    }

    /// Delivers bytes. They may come in any order, more than once, and beyond the range that was asked for.
    ///
    /// # Errors
    /// `InvalidInput` if they go beyond the size that the placeholder has, `Cancelled` once nobody waits any
    /// more or the command was answered, `NoSpace` or `Io` if they cannot be stored. Pass the error on.
    pub fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), ProviderError> {
        let shared = &*self.shared;
        let open = shared.open.read();
        if !*open || shared.cancel.is_cancelled() {
            return Err(ProviderErrorKind::Cancelled.into());
        }
        let end = offset.checked_add(data.len() as u64).filter(|&end| end <= shared.size);
        let Some(end) = end else {
            shared.refused.store(true, Ordering::Release);
            let message = format!(
                "{} bytes at offset {offset} go beyond the file's size of {} bytes",
                data.len(),
                shared.size
            );
            return Err(ProviderError::new(ProviderErrorKind::InvalidInput, message));
        };
        shared.target.write_at(offset, data)?;
        shared.received.lock().insert(offset..end);
        Ok(())
    }

    /// Takes nothing more, in no clone. Waits for writes under way. Whoever answers for the bytes calls this before
    /// looking at what came.
    pub fn close(&self) {
        *self.shared.open.write() = false;
    }

    /// Delivers `range` from a reader that stands at its start.
    ///
    /// # Errors
    /// The reader's, among them `UnexpectedEof`; those of [`write_at`](Self::write_at).
    pub fn copy_from(&self, reader: &mut dyn Read, range: Range<u64>) -> Result<(), ProviderError> {
        let mut buffer =
            vec![
                0;
                COPY_SIZE.min(usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(COPY_SIZE))
            ];
        let mut offset = range.start;
        while offset < range.end {
            let length = buffer.len().min(usize::try_from(range.end - offset).unwrap_or(buffer.len()));
            reader.read_exact(&mut buffer[..length])?;
            self.write_at(offset, &buffer[..length])?;
            offset += length as u64;
        }
        Ok(())
    }

    /// The size that the placeholder has, in bytes: nothing is taken beyond it.
    pub fn size(&self) -> u64 {
        self.shared.size
    }

    /// Whether bytes were refused because they go beyond the size: the file is not what the placeholder says.
    pub fn has_refused(&self) -> bool {
        self.shared.refused.load(Ordering::Acquire)
    }

    /// Which bytes came so far.
    pub fn received(&self) -> RangeSet {
        self.shared.received.lock().clone()
    }
}

impl fmt::Debug for DataSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSink").field("size", &self.shared.size).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a list of one range is a list")]
mod tests;
