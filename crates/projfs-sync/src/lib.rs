//! Locks, condition variables and atomics, in one place so that a model checker can stand in for them.

pub use std::sync::Arc;
pub use std::sync::Weak;
pub use std::sync::atomic;
pub use std::thread;

pub use parking_lot::Condvar;
pub use parking_lot::Mutex;
pub use parking_lot::MutexGuard;
pub use parking_lot::RwLock;
pub use parking_lot::RwLockReadGuard;
pub use parking_lot::RwLockWriteGuard;
