//! `PRJ_NOTIFICATION_CB`: what is about to happen, and what has happened.

use projectedfs::Closed;
use projectedfs::Command;
use projectedfs::CommandId;
use projectedfs::ItemKind;
use projectedfs::MaskChange;
use projectedfs::NameChange;
use projectedfs::NotifyMask;
use projectedfs::PostOperation;
use projectedfs::PreOperation;
use projectedfs::RelPathBuf;
use projectedfs::Reply;
use projectedfs::Request;
use projectedfs::VersionInfo;
use projfs_sync::Arc;

use crate::abi::NotificationParameters;
use crate::abi::USE_EXISTING_MASK;
use crate::callbacks::Bridge;
use crate::callbacks::Task;
use crate::complete::Completion;
use crate::complete::Extended;
use crate::hresult;
use crate::hresult::HResult;
use crate::path;
use crate::wide::Text;

/// Every bit of `PRJ_NOTIFY_TYPES`.
pub(crate) const KNOWN_MASK: u32 = NotifyMask::PRJ.bits();

/// One notification.
pub(crate) struct NotifyTask {
    request: Request,
    what: What,
    answer: Answer,
}

/// What a notification says.
struct What {
    notification: NotifyMask,
    is_directory: bool,
    destination: Option<RelPathBuf>,
    /// The file was modified before it was deleted.
    is_modified: bool,
}

/// How it is answered.
enum Answer {
    /// An error refuses.
    May(Reply<()>),
    /// An error refuses; a mask is taken.
    MayWithMask(Reply<MaskChange>),
    /// An error changes nothing; a mask is taken.
    Mask(Reply<MaskChange>),
    /// An error changes nothing.
    Heard(Reply<()>),
}

impl What {
    fn new(notification: NotifyMask, kind: ItemKind) -> Self {
        let is_directory = kind == ItemKind::Directory;
        Self { notification, is_directory, destination: None, is_modified: false }
    }

    fn to(self, destination: &RelPathBuf) -> Self {
        Self { destination: Some(destination.clone()), ..self }
    }

    /// Nothing for what Windows has no notification for: it is not asked for.
    fn authorize(operation: &PreOperation) -> Option<Self> {
        Some(match operation {
            PreOperation::ConvertToFull => Self::new(NotifyMask::FILE_PRE_CONVERT_TO_FULL, ItemKind::File),
            PreOperation::Delete { kind } => Self::new(NotifyMask::PRE_DELETE, *kind),
            PreOperation::Rename { kind, to } => Self::new(NotifyMask::PRE_RENAME, *kind).to(to),
            PreOperation::SetHardlink { to } => {
                Self::new(NotifyMask::PRE_SET_HARDLINK, ItemKind::File).to(to)
            }
            PreOperation::OpenForWrite | PreOperation::Truncate { .. } | PreOperation::SetMetadata { .. } => {
                return None;
            }
        })
    }

    fn changed(change: &NameChange) -> Self {
        match change {
            NameChange::Created { kind } => Self::new(NotifyMask::NEW_FILE_CREATED, *kind),
            NameChange::Overwritten => Self::new(NotifyMask::FILE_OVERWRITTEN, ItemKind::File),
            NameChange::Renamed { kind, to } => Self::new(NotifyMask::FILE_RENAMED, *kind).to(to),
        }
    }

    fn observe(operation: &PostOperation) -> Self {
        match operation {
            PostOperation::HardlinkCreated { to } => {
                Self::new(NotifyMask::HARDLINK_CREATED, ItemKind::File).to(to)
            }
            PostOperation::Closed { kind, how } => {
                let (notification, is_modified) = match how {
                    Closed::Unmodified => (NotifyMask::FILE_HANDLE_CLOSED_NO_MODIFICATION, false),
                    Closed::Modified => (NotifyMask::FILE_HANDLE_CLOSED_FILE_MODIFIED, false),
                    Closed::Deleted { modified } => (NotifyMask::FILE_HANDLE_CLOSED_FILE_DELETED, *modified),
                };
                Self { is_modified, ..Self::new(notification, *kind) }
            }
        }
    }
}

impl NotifyTask {
    /// Nothing if it was answered at once: the provider does not want to hear, or the command is no notification.
    pub(crate) fn new(bridge: &Bridge, command: Command) -> Option<Self> {
        let (request, what, answer) = match command {
            Command::Authorize { request, operation, reply } => {
                (request, What::authorize(&operation), Answer::May(reply))
            }
            Command::Opened { request, kind, reply } => {
                (request, Some(What::new(NotifyMask::FILE_OPENED, kind)), Answer::MayWithMask(reply))
            }
            Command::Changed { request, change, reply } => {
                (request, Some(What::changed(&change)), Answer::Mask(reply))
            }
            Command::Observe { request, operation, reply } => {
                (request, Some(What::observe(&operation)), Answer::Heard(reply))
            }
            other => {
                tracing::error!(command = other.name(), "a command that is not known");
                other.fail(hresult::provider_error(hresult::NOT_SUPPORTED));
                return None;
            }
        };
        match what.filter(|_| bridge.callbacks.notify.is_some()) {
            Some(what) => Some(Self { request, what, answer }),
            None => {
                answer.send(Completion::of(hresult::S_OK));
                None
            }
        }
    }
}

impl Task for NotifyTask {
    fn command(&self) -> CommandId {
        self.request.command()
    }

    fn extended(&self) -> Extended {
        match self.answer {
            Answer::MayWithMask(_) | Answer::Mask(_) => Extended::Mask,
            Answer::May(_) | Answer::Heard(_) => Extended::Nothing,
        }
    }

    fn invoke(&mut self, bridge: &Bridge, call: i32) -> Completion {
        let Some(notify) = bridge.callbacks.notify else { return Completion::of(hresult::S_OK) };
        let mut frame = bridge.frame(call, &self.request);
        if *self.request.version() == VersionInfo::default() {
            frame = frame.without_version();
        }
        let to_text = |path: &RelPathBuf| Text::new(&path::to_units(path.as_bytes()), bridge.origin.width);
        let destination = self.what.destination.as_ref().map(to_text);
        let destination = destination.as_ref().map_or(std::ptr::null(), Text::as_ptr);
        let mut parameters = NotificationParameters { mask: 0 };
        if self.what.is_modified {
            parameters.is_modified = 1;
        }
        // SAFETY: the callback takes what the header says.
        let result = unsafe {
            notify(
                frame.data(),
                u8::from(self.what.is_directory),
                self.what.notification.bits() as i32,
                destination,
                &raw mut parameters,
            )
        };
        // SAFETY: every bit pattern is a mask, and all of the union was written.
        Completion { result, mask: unsafe { parameters.mask } }
    }

    fn done(self: Box<Self>, _: &Arc<Bridge>, completion: Completion) -> Option<Box<dyn Task>> {
        self.answer.send(completion);
        None
    }

    fn fail(self: Box<Self>, result: HResult) {
        self.answer.send(Completion::of(result));
    }
}

impl Answer {
    fn send(self, completion: Completion) {
        let allowed = match completion.result {
            hresult::S_OK => Ok(()),
            error => Err(hresult::provider_error(error)),
        };
        match self {
            Self::May(reply) => reply.send(allowed),
            Self::MayWithMask(reply) => reply.send(allowed.map(|()| mask(completion.mask))),
            Self::Mask(reply) => reply.send(Ok(mask(completion.mask))),
            Self::Heard(reply) => reply.send(Ok(())),
        }
    }
}

/// What an answered mask means. Bits that are not known say nothing.
fn mask(mask: u32) -> MaskChange {
    match mask {
        USE_EXISTING_MASK => MaskChange::Keep,
        _ if mask & KNOWN_MASK == 0 => MaskChange::Keep,
        _ => MaskChange::Set(NotifyMask::from_bits_truncate(mask & KNOWN_MASK)),
    }
}

#[cfg(test)]
mod tests;
