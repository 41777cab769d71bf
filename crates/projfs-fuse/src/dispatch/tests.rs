//! Tests of the dispatch, with an engine in memory and no kernel.

use std::ops::Range;

use projfs_engine::Access;
use projfs_engine::CancelToken;
use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::OpenHow;
use projfs_engine::Options;
use projfs_provider::Adapter;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::PreOperation;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::NotifyMask;
use projfs_types::ProjectedItem;
use projfs_types::RelPathBuf;

use super::*;
use crate::invalidate::Invalidator;
use crate::io::IoTable;
use crate::wire::abi::InitIn;
use crate::wire::abi::Opcode;
use crate::wire::abi::OpenIn;
use crate::wire::abi::flag;
use crate::wire::init::Wishes;
use crate::wire::init::negotiate;
use crate::wire::reply::Unserved;

const CALLER: Caller = Caller { pid: 1, uid: 1000, gid: 1000 };

/// Has nothing, and lets nobody change metadata.
struct Refusing(Projection);

impl Provider for Refusing {
    fn placeholder_info(&self, request: &projfs_provider::Request) -> Result<ProjectedItem, ProviderError> {
        self.0.placeholder_info(request)
    }

    fn enumerate(&self, request: &projfs_provider::Request) -> Result<DirEntries, ProviderError> {
        self.0.enumerate(request)
    }

    fn file_data(
        &self,
        request: &projfs_provider::Request,
        range: Range<u64>,
        sink: &DataSink,
    ) -> Result<(), ProviderError> {
        self.0.file_data(request, range, sink)
    }

    fn authorize(&self, _: &projfs_provider::Request, operation: &PreOperation) -> Result<(), ProviderError> {
        match operation {
            PreOperation::SetMetadata { .. } => Err(ProviderErrorKind::AccessDenied.into()),
            _ => Ok(()),
        }
    }
}

fn service() -> EngineService {
    let link = Arc::new(KernelLink::default());
    let options = Options {
        notifications: vec![(RelPathBuf::root(), NotifyMask::PRE_SET_METADATA)],
        ..Options::default()
    };
    let handler = Arc::new(Adapter::new(Refusing(Projection::default())));
    let (store, journal) = (Arc::new(MemoryStore::new()), Arc::new(MemoryJournal::new()));
    let engine = Engine::start(store, journal, handler, Arc::clone(&link) as _, options).unwrap();
    let service = EngineService::new(Arc::new(engine), link);
    let offer = InitIn { major: 7, minor: 45, ..InitIn::default() };
    let negotiated = Arc::new(negotiate(&offer, &Wishes::default()).unwrap().0);
    service.start(&Kernel {
        invalidator: Invalidator::new(&negotiated),
        negotiated,
        policy: service.policy(),
        io: Arc::new(IoTable::new(None, 0)),
    });
    service
}

#[test]
fn an_open_that_may_not_take_set_id_bits_away_leaves_no_open_file() {
    let service = service();
    let cancel = CancelToken::new();
    let patience = Patience::Until(&cancel);
    let context = Context { caller: CALLER, patience, request: 0 };
    let new = NewItem { kind: NewKind::File, permissions: 0o4755, uid: CALLER.uid, gid: CALLER.gid };
    let how = OpenHow { access: Access::ReadWrite, truncate: false };
    let name = ItemName::new(b"file").unwrap();
    let (entry, opened) = service.engine.create(&context, NodeId::ROOT, name, &new, how, true).unwrap();
    service.engine.release(&context, opened.handle);

    let request = RequestContext { unique: 2, node: entry.node, caller: CALLER, opcode: Opcode::Open };
    let flags = (libc::O_WRONLY | libc::O_TRUNC) as u32;
    let open = Request::Open(OpenIn { flags, open_flags: flag::OPEN_KILL_SUIDGID });
    let mut body = [0; 256];
    let mut serve = |patience| service.serve(&request, &open, patience, &mut Reply::new(&mut body));
    assert_eq!(serve(Patience::None), Err(Unserved::WouldWait), "the provider has to be asked");
    assert_eq!(service.engine.statistics().handles, 0);
    assert_eq!(serve(patience), Err(Unserved::Errno(Errno::ACCESS)));
    assert_eq!(service.engine.statistics().handles, 0);
}
