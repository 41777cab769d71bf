//! Locks that watch the order in which they are taken.

mod order;

use std::fmt;
use std::ops::Deref;
use std::ops::DerefMut;
use std::time::Duration;
use std::time::Instant;

pub use parking_lot::WaitTimeoutResult;

use crate::Rank;
use order::Class;

/// A mutual exclusion.
pub struct Mutex<T> {
    class: Class,
    inner: parking_lot::Mutex<T>,
}

/// A mutex that is held.
pub struct MutexGuard<'a, T> {
    inner: parking_lot::MutexGuard<'a, T>,
    _held: order::Held,
}

/// A lock that is shared, or held by one.
pub struct RwLock<T> {
    class: Class,
    inner: parking_lot::RwLock<T>,
}

/// A lock that is held together with others.
pub struct RwLockReadGuard<'a, T> {
    inner: parking_lot::RwLockReadGuard<'a, T>,
    _held: order::Held,
}

/// A lock that is held alone.
pub struct RwLockWriteGuard<'a, T> {
    inner: parking_lot::RwLockWriteGuard<'a, T>,
    _held: order::Held,
}

/// Something to wait for while a mutex is let go.
#[derive(Debug, Default)]
pub struct Condvar(parking_lot::Condvar);

/// A mutex that stands elsewhere than a table.
#[track_caller]
pub const fn mutex<T>(rank: Rank, value: T) -> Mutex<T> {
    Mutex { class: Class::new::<T>(rank), inner: parking_lot::Mutex::new(value) }
}

/// A lock that stands elsewhere than a table.
#[track_caller]
pub const fn rw_lock<T>(rank: Rank, value: T) -> RwLock<T> {
    RwLock { class: Class::new::<T>(rank), inner: parking_lot::RwLock::new(value) }
}

impl<T> Mutex<T> {
    /// A mutex of a table.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        mutex(Rank::Table, value)
    }

    /// Waits for the mutex, and takes it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let held = order::take(&self.class, std::ptr::from_ref(self).addr());
        MutexGuard { inner: self.inner.lock(), _held: held }
    }

    /// The value, for whom there is nobody else.
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T> RwLock<T> {
    /// A lock of a table.
    #[track_caller]
    pub const fn new(value: T) -> Self {
        rw_lock(Rank::Table, value)
    }

    /// Waits until nobody holds it alone, and shares it.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        let held = order::take(&self.class, std::ptr::from_ref(self).addr());
        RwLockReadGuard { inner: self.inner.read(), _held: held }
    }

    /// Waits until nobody holds it, and takes it.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        let held = order::take(&self.class, std::ptr::from_ref(self).addr());
        RwLockWriteGuard { inner: self.inner.write(), _held: held }
    }
}

impl Condvar {
    /// Something that nobody waits for yet.
    pub const fn new() -> Self {
        Self(parking_lot::Condvar::new())
    }

    /// Lets the mutex go and waits. No other lock may be held.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        order::wait(&guard._held);
        self.0.wait(&mut guard.inner);
    }

    /// The same, for so long at most.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, time: Duration) -> WaitTimeoutResult {
        order::wait(&guard._held);
        self.0.wait_for(&mut guard.inner, time)
    }

    /// The same, until then at most.
    pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, end: Instant) -> WaitTimeoutResult {
        order::wait(&guard._held);
        self.0.wait_until(&mut guard.inner, end)
    }

    /// Wakes one of those who wait.
    pub fn notify_one(&self) -> bool {
        self.0.notify_one()
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) -> usize {
        self.0.notify_all()
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}
