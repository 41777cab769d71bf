//! Threads, simulated.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

pub use shuttle::thread::Result;
pub use shuttle::thread::current;
pub use shuttle::thread::panicking;
pub use shuttle::thread::scope;
pub use shuttle::thread::yield_now;

/// The right to wait for a thread.
#[derive(Debug)]
pub struct JoinHandle<T> {
    inner: shuttle::thread::JoinHandle<T>,
    finished: Arc<AtomicBool>,
}

/// How to start a thread.
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<String>,
}

/// Says that a thread is over, however it ended.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Builder {
    /// With no name.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this name.
    #[must_use]
    pub fn name(self, name: String) -> Self {
        Self { name: Some(name) }
    }

    /// Starts it.
    ///
    /// # Errors
    /// None: there is always another thread.
    pub fn spawn<T: Send + 'static>(
        self,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        let finished = Arc::new(AtomicBool::new(false));
        let over = Over(Arc::clone(&finished));
        let run = move || {
            let _over = over;
            run()
        };
        let builder = shuttle::thread::Builder::new();
        let builder = match self.name {
            Some(name) => builder.name(name),
            None => builder,
        };
        Ok(JoinHandle { inner: builder.spawn(run)?, finished })
    }
}

/// Lets others run. Time does not pass by it.
pub fn sleep(_: std::time::Duration) {
    yield_now();
}

/// Starts a thread.
///
/// # Panics
/// Never: there is always another thread.
pub fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().spawn(run).expect("there is always another thread")
}

impl<T> JoinHandle<T> {
    /// Waits for its end.
    ///
    /// # Errors
    /// It panicked.
    pub fn join(self) -> Result<T> {
        self.inner.join()
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }
}
