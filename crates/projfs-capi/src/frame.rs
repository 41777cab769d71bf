//! `Frame`: what a callback is told, held while it runs.

use std::ffi::c_void;

use projectedfs::RelPath;
use projectedfs::Request;
use projectedfs::VersionInfo;
use projfs_types::collation::Collation;

use crate::abi::CallbackData;
use crate::abi::Guid;
use crate::abi::Handle;
use crate::abi::PrjVersionInfo;
use crate::path;
use crate::process::Process;
use crate::wide::Text;
use crate::wide::Width;

/// What is the same for every callback of an instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The instance.
    pub(crate) context: Handle,
    /// What the provider gave at the start, to have it back.
    pub(crate) instance_context: usize,
    /// The units of strings.
    pub(crate) width: Width,
    /// When two names are the same.
    pub(crate) collation: Collation,
}

/// What one callback is told.
pub(crate) struct Frame {
    path: Text,
    version: Option<Box<PrjVersionInfo>>,
    process: Process,
    data: CallbackData,
}

impl Frame {
    /// What a callback about `path` is told.
    pub(crate) fn new(origin: Origin, call: i32, path: &RelPath, process: Process) -> Box<Self> {
        let data = CallbackData {
            size: size_of::<CallbackData>() as u32,
            flags: 0,
            context: origin.context,
            command_id: call,
            file_id: Guid::default(),
            data_stream_id: Guid::default(),
            file_path_name: std::ptr::null(),
            version_info: std::ptr::null(),
            process_id: process.id,
            process_image: std::ptr::null(),
            instance_context: origin.instance_context as *const c_void,
        };
        let path = Text::new(&path::to_units(path.as_bytes()), origin.width);
        Box::new(Self { path, version: None, process, data })
    }

    /// What a question is told.
    pub(crate) fn of(origin: Origin, call: i32, request: &Request) -> Box<Self> {
        let process = Process::of(request.caller().pid, origin.width);
        Self::new(origin, call, request.path(), process).with_version(request.version())
    }

    /// The same with a version.
    fn with_version(mut self: Box<Self>, version: &VersionInfo) -> Box<Self> {
        self.version = Some(Box::new(version.into()));
        self
    }

    /// The same for an item that is not the provider's: it has no version.
    pub(crate) fn without_version(mut self: Box<Self>) -> Box<Self> {
        self.version = None;
        self
    }

    /// The same with flags.
    pub(crate) fn with_flags(mut self: Box<Self>, flags: u32) -> Box<Self> {
        self.data.flags = flags;
        self
    }

    /// The same because of an open file.
    pub(crate) fn with_file(mut self: Box<Self>, file: Guid) -> Box<Self> {
        self.data.file_id = file;
        self
    }

    /// The same for a stream to fill.
    pub(crate) fn with_stream(mut self: Box<Self>, stream: Guid) -> Box<Self> {
        self.data.data_stream_id = stream;
        self
    }

    /// What the callback gets. It is good for as long as the frame is there.
    pub(crate) fn data(&mut self) -> *const CallbackData {
        self.data.file_path_name = self.path.as_ptr();
        self.data.version_info = self.version.as_deref().map_or(std::ptr::null(), std::ptr::from_ref);
        self.data.process_image = self.process.image.as_ref().map_or(std::ptr::null(), Text::as_ptr);
        &raw const self.data
    }
}
