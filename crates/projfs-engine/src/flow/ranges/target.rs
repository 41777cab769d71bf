//! `Target`: where a provider writes a range.

use std::io;
use std::ops::Range;

use projfs_provider::DataSink;
use projfs_provider::DataTarget;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use rustix::io::Errno;

use super::file::Failure;
use super::file::RangeFile;

/// Where a provider writes a range.
pub(super) struct Target {
    file: Arc<RangeFile>,
    /// What the store said, which a provider need not pass on.
    failed: Mutex<Option<Errno>>,
}

impl Target {
    pub(super) fn new(file: Arc<RangeFile>) -> Self {
        Self { file, failed: Mutex::default() }
    }

    /// The provider has answered. What it delivered counts if it delivered all of what it was `asked` for; then more
    /// than that counts too.
    pub(super) fn end(
        &self,
        answer: Result<(), ProviderError>,
        delivered: &DataSink,
        asked: &Range<u64>,
    ) -> Result<(), Failure> {
        delivered.close();
        if let Some(errno) = *self.failed.lock() {
            return Err(Failure::Store(errno));
        }
        answer.map_err(Failure::Provider)?;
        let received = delivered.received();
        if let Some(gap) = received.missing(asked.clone()).first() {
            let message = format!("the provider left out bytes {}..{}", gap.start, gap.end);
            return Err(Failure::Provider(ProviderError::new(ProviderErrorKind::Io, message)));
        }
        for range in received.iter() {
            self.file.partial.mark(range.clone()).map_err(|error| Failure::Store(error.errno()))?;
        }
        Ok(())
    }
}

impl DataTarget for Target {
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        // Held while the bytes are written, so that closing waits for them.
        let closed = self.file.closed.read();
        if *closed {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "nobody waits for these bytes"));
        }
        self.file.file().write_at(offset, data).map_err(|error| {
            *self.failed.lock() = Some(error.errno());
            io::Error::from(error.errno())
        })
    }
}
