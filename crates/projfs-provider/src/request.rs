//! `Request`: what every question to a provider says.

use projfs_types::Caller;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use crate::CancelToken;

/// Identifies a command among those outstanding on one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// What every question to a provider says (the counterpart of `PRJ_CALLBACK_DATA`).
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) command: CommandId,
    pub(crate) path: RelPathBuf,
    pub(crate) version: VersionInfo,
    pub(crate) caller: Caller,
    pub(crate) cancel: CancelToken,
}

impl Request {
    /// A question about `path`.
    pub fn new(
        command: CommandId,
        path: RelPathBuf,
        version: VersionInfo,
        caller: Caller,
        cancel: CancelToken,
    ) -> Self {
        Self { command, path, version, caller, cancel }
    }

    /// The command that this question is.
    pub fn command(&self) -> CommandId {
        self.command
    }

    /// The item, where the provider knows it: a rename in the mount does not change this path.
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// The version that the item, or for a question about a name its directory, was given by the provider.
    pub fn version(&self) -> &VersionInfo {
        &self.version
    }

    /// The process whose operation led to the question.
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// Set once nobody waits for the answer any more.
    pub fn cancellation(&self) -> &CancelToken {
        &self.cancel
    }
}
