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
    pub(crate) file: Option<u64>,
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
        Self { command, path, version, caller, cancel, file: None }
    }

    /// The same question, asked because of an open file.
    #[must_use]
    pub fn for_file(self, file: u64) -> Self {
        Self { file: Some(file), ..self }
    }

    /// A number for the application's open file, unique while the instance runs: what is asked at its open and at its
    /// close has the same. Nothing if the question does not come from an open file.
    pub fn file(&self) -> Option<u64> {
        self.file
    }

    /// The command that this question is.
    pub fn command(&self) -> CommandId {
        self.command
    }

    /// The item. Where the provider is asked for something it is the path that the provider knows: a rename in the mount
    /// does not change it. Where it is notified of something it is the path at which the item is seen.
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
