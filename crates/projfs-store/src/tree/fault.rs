//! `Fault`: what went wrong inside, before it is known what was being done and to what.

use projfs_types::RelPathBuf;
use rustix::io::Errno;

use crate::StoreError;
use crate::StoreErrorKind;
use crate::codec::Damage;

/// The kind of an error to be.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) StoreErrorKind);

/// The result of a step of an operation.
pub(crate) type Done<T> = Result<T, Fault>;

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self(StoreErrorKind::Os(errno))
    }
}

impl From<Damage> for Fault {
    fn from(damage: Damage) -> Self {
        Self(StoreErrorKind::Corrupt(damage.0.to_owned()))
    }
}

/// Makes an error of a fault; the path is asked for only then.
pub(crate) fn about(
    operation: &'static str,
    path: impl FnOnce() -> RelPathBuf,
) -> impl FnOnce(Fault) -> StoreError {
    move |fault| StoreError::new(fault.0, operation, path())
}
