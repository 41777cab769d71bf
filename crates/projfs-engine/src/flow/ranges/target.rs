//! `Target`: where a provider writes a range.

use std::io;
use std::ops::Range;

use projfs_provider::DataSink;
use projfs_provider::DataTarget;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::RangeSet;
use rustix::io::Errno;

use super::file::Failure;
use super::file::RangeFile;

/// Where a provider writes a range.
///
/// More than was asked for is welcome, but a provider that fails on the way, or is wrong, must not spoil what came before
/// or what another command brings: such bytes are dropped.
pub(super) struct Target {
    file: Arc<RangeFile>,
    asked: Range<u64>,
    written: Mutex<RangeSet>,
    /// What the store said, which a provider need not pass on.
    failed: Mutex<Option<Errno>>,
}

impl Target {
    pub(super) fn new(file: Arc<RangeFile>, asked: Range<u64>) -> Self {
        Self { file, asked, written: Mutex::default(), failed: Mutex::default() }
    }

    /// The provider has answered. What it delivered counts if it delivered all of what it was asked for; then more
    /// than that counts too.
    pub(super) fn end(&self, answer: Result<(), ProviderError>, delivered: &DataSink) -> Result<(), Failure> {
        delivered.close();
        if let Some(errno) = *self.failed.lock() {
            return Err(Failure::Store(errno));
        }
        answer.map_err(Failure::Provider)?;
        let wrong = |message| Err(Failure::Provider(ProviderError::new(ProviderErrorKind::Io, message)));
        if delivered.has_refused() {
            let size = delivered.size();
            return wrong(format!("the provider has more than the {size} bytes that it declared"));
        }
        if let Some(gap) = delivered.received().missing(self.asked.clone()).first() {
            return wrong(format!("the provider left out bytes {}..{}", gap.start, gap.end));
        }
        for range in self.written.lock().iter() {
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
        for range in self.file.lacks(&self.asked, &(offset..offset + data.len() as u64)) {
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at - offset).unwrap_or(0));
            self.file.file().write_at(range.start, &data[start..end]).map_err(|error| {
                *self.failed.lock() = Some(error.errno());
                io::Error::from(error.errno())
            })?;
            self.written.lock().insert(range);
        }
        Ok(())
    }
}
