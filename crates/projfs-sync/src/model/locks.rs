//! Locks and condition variables, simulated.

use std::fmt;
use std::ops::Deref;
use std::ops::DerefMut;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use shuttle::sync;

use super::time;
use crate::Rank;

/// A mutual exclusion.
#[derive(Default)]
pub struct Mutex<T>(sync::Mutex<T>);

/// A mutex that is held.
pub struct MutexGuard<'a, T>(Option<sync::MutexGuard<'a, T>>);

/// A lock that is shared, or held by one.
#[derive(Default)]
pub struct RwLock<T>(sync::RwLock<T>);

/// A lock that is held together with others.
pub struct RwLockReadGuard<'a, T>(sync::RwLockReadGuard<'a, T>);

/// A lock that is held alone.
pub struct RwLockWriteGuard<'a, T>(sync::RwLockWriteGuard<'a, T>);

/// Something to wait for while a mutex is let go.
#[derive(Debug, Default)]
pub struct Condvar(Arc<sync::Condvar>);

/// How a wait ended that had an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

const HELD: &str = "a guard is only without its lock while it waits";

/// A mutex that stands elsewhere than a table.
pub const fn mutex<T>(_rank: Rank, value: T) -> Mutex<T> {
    Mutex::new(value)
}

/// A lock that stands elsewhere than a table.
pub const fn rw_lock<T>(_rank: Rank, value: T) -> RwLock<T> {
    RwLock::new(value)
}

impl<T> Mutex<T> {
    /// A mutex of a table.
    pub const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    /// Waits for the mutex, and takes it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The value, for whom there is nobody else.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> RwLock<T> {
    /// A lock of a table.
    pub const fn new(value: T) -> Self {
        Self(sync::RwLock::new(value))
    }

    /// Waits until nobody holds it alone, and shares it.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard(self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until nobody holds it, and takes it.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard(self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Condvar {
    /// Something that nobody waits for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the mutex go and waits.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect(HELD);
        guard.0 = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
    }

    /// The same, for so long at most.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, time: Duration) -> WaitTimeoutResult {
        self.wait_until(guard, time::now() + time)
    }

    /// The same, until then at most.
    pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, end: Instant) -> WaitTimeoutResult {
        if time::now() < end {
            let _waiting = time::wait(end, &self.0);
            self.wait(guard);
        }
        WaitTimeoutResult(time::now() >= end)
    }

    /// Wakes one of those who wait.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

impl WaitTimeoutResult {
    /// Whether the time was over.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}

impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RwLock")
    }
}

impl<T: fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect(HELD)
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect(HELD)
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
