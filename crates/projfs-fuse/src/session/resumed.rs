//! Going on with a connection that another process held while there was no daemon.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use projfs_sync::Rank;
use projfs_sync::mutex;
use projfs_types::NodeId;

use super::Assembly;
use super::Config;
use super::Session;
use super::SessionError;
use super::handshake::Agreed;
use crate::io::Access;
use crate::mount::Mount;
use crate::service::Service;
use crate::takeover::IoRecord;
use crate::takeover::Memory;
use crate::takeover::Recollection;
use crate::transport::Device;

/// What a new daemon is given of the connection.
pub struct Taken {
    /// The descriptor of the connection.
    pub device: OwnedFd,
    /// The file in memory, to be gone on with.
    pub memory: Arc<Memory>,
    /// What was in it.
    pub recollection: Recollection,
}

impl Session {
    /// Goes on with a connection whose daemon has died. What of `config` was decided when it was mounted is taken from
    /// there. The requests that were not answered come again, first and marked.
    ///
    /// # Errors
    /// [`Threads`](SessionError::Threads); [`Device`](SessionError::Device) if the kernel does not send again what was
    /// not answered. The connection is as before then.
    pub fn resume(config: &Config, service: Arc<dyn Service>, taken: Taken) -> Result<Self, SessionError> {
        let Taken { device, memory, recollection } = taken;
        let Recollection { negotiated, path, engine, io, pending, .. } = recollection;
        let device = Arc::new(Device::from(device));
        let agreed = Agreed { negotiated, queues: None, rings_refused: None };
        let open = engine.handles.values().map(|handle| (handle.node, handle.access));
        let config = Config { memory: Some(memory), ..config.clone() };
        let assembly = Assembly::of(&config, &service, &device, agreed, Some((io, open.collect())))?;
        let invalidator = &assembly.kernel.invalidator;
        pending.into_iter().for_each(|notification| invalidator.send(notification));
        // What was changed just before the end was perhaps not told.
        invalidator.attributes_unknown(service.nodes());
        Ok(assembly.into_session(Mount::taken(path)))
    }
}

/// How the kernel reads files, and what is open, for what.
pub(super) type Before = (HashMap<NodeId, IoRecord>, Vec<(NodeId, Access)>);

/// Has everything said again in the memory when it has become long.
pub(super) struct Tidy(Arc<Memory>);

impl Tidy {
    /// Starts the thread.
    pub(super) fn start(assembly: &Assembly, memory: &Arc<Memory>) -> std::io::Result<Self> {
        let (service, io) = (Arc::clone(assembly.connection.service()), Arc::clone(&assembly.kernel.io));
        let tidied = Arc::clone(memory);
        let tidy = move || {
            tidied.tidy(|| {
                service.note_all();
                io.note_all();
            });
        };
        std::thread::Builder::new().name("projfs-memory".into()).spawn(tidy)?;
        Ok(Self(Arc::clone(memory)))
    }
}

impl Drop for Tidy {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Assembly {
    pub(super) fn into_session(self, mount: Mount) -> Session {
        let Self { connection, kernel, census, rings, rings_refused, device, tidy } = self;
        let (mount, stopped) = (Arc::new(mount), mutex(Rank::Stop, None));
        Session { connection, kernel, mount, census, rings, rings_refused, stopped, device, _tidy: tidy }
    }
}
