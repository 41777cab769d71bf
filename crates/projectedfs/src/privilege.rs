//! `give_up_privileges`: what of root's rights a process that serves mounts does without.

use rustix::thread::CapabilitySet;

use crate::Error;
use crate::ErrorKind;
use crate::Result;

/// What is done with mounts: each for a reason.
const NEEDED: CapabilitySet = CapabilitySet::SYS_ADMIN // mounting, passthrough, `trusted.*` attributes
    // Files belong to who makes them, whoever runs this process, and are read and written for who may.
    .union(CapabilitySet::CHOWN)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    // What root may make and set in the mount.
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::SETFCAP);

/// Whether the instance asks which program a process runs, as
/// [`executables_do_not_hydrate`](crate::executables_do_not_hydrate) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Programs {
    /// It does, of processes of every user.
    LookedAt,
    /// It does not.
    Ignored,
}

/// Gives up the capabilities that serving mounts does not need, for good, and has no program that is started from here
/// gain any. For a process that does nothing else, before it has other threads: rights are each thread's own.
///
/// Without `CAP_SYS_ADMIN` nothing happens: `fusermount3` must gain the rights that this process does not have.
///
/// # Errors
/// [`PermissionDenied`](ErrorKind::PermissionDenied), among the system's.
pub fn give_up_privileges(programs: Programs) -> Result<()> {
    let failed = |errno: rustix::io::Errno| {
        Error::new(ErrorKind::PermissionDenied, "give up the privileges of", "").because(errno)
    };
    let sets = rustix::thread::capabilities(None).map_err(failed)?;
    if !sets.effective.contains(CapabilitySet::SYS_ADMIN) {
        return Ok(());
    }
    let needed = match programs {
        Programs::LookedAt => NEEDED | CapabilitySet::SYS_PTRACE,
        Programs::Ignored => NEEDED,
    };
    if sets.effective.contains(CapabilitySet::SETPCAP) {
        for capability in CapabilitySet::all().difference(needed).iter() {
            match rustix::thread::remove_capability_from_bounding_set(capability) {
                // One that this kernel does not have.
                Ok(()) | Err(rustix::io::Errno::INVAL) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
    }
    rustix::thread::clear_ambient_capability_set().map_err(failed)?;
    let sets = rustix::thread::CapabilitySets {
        effective: sets.effective & needed,
        permitted: sets.permitted & needed,
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, sets).map_err(failed)?;
    rustix::thread::set_no_new_privs(true).map_err(failed)
}
