//! `Tracer`: follows a process through its system calls, and strikes at one of them.
//!
//! Calls are counted over all threads, in the order in which they begin. Which are counted is said by [`Counted`]; calls
//! on pipes, sockets and devices never are, as they change nothing that is kept, but for what is written to `/dev/fuse`: the
//! answer to a caller.

mod calls;

use std::collections::BTreeSet;
use std::fs;

use nix::errno::Errno as NixErrno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::sys::wait::WaitPidFlag;
use nix::sys::wait::WaitStatus;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use rustix::io::Errno;

pub use calls::Counted;

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// The process is killed, and the call not made.
    Kill,
    /// The call is not made, and fails with this.
    Refuse(Errno),
}

/// What happens when.
#[derive(Clone, Copy, Debug)]
pub struct Strike {
    /// Which calls are counted.
    pub counted: Counted,
    /// At which of them, from 1 on; at none if it is 0, or there are fewer.
    pub at: usize,
    /// What.
    pub blow: Blow,
}

/// What there was to see.
#[derive(Clone, Debug, Default)]
pub struct Followed {
    /// The calls that were counted, in order.
    pub calls: Vec<&'static str>,
    /// Whether the blow fell.
    pub struck: bool,
}

/// A process that is followed, by the thread that made this and no other.
pub struct Tracer {
    leader: Pid,
    followed: Followed,
    strike: Strike,
    /// Whether calls are looked at.
    looking: bool,
    /// Threads in a call that is not made.
    refused: BTreeSet<Pid>,
}

const OPTIONS: ptrace::Options = ptrace::Options::PTRACE_O_TRACESYSGOOD
    .union(ptrace::Options::PTRACE_O_TRACECLONE)
    .union(ptrace::Options::PTRACE_O_EXITKILL);

impl Tracer {
    /// Takes hold of all threads of a process that makes none now. All of them are looked at from here on.
    ///
    /// # Errors
    /// The system's.
    pub fn seize(process: u32, strike: Strike) -> nix::Result<Self> {
        let leader = Pid::from_raw(i32::try_from(process).map_err(|_| NixErrno::ESRCH)?);
        let threads = fs::read_dir(format!("/proc/{leader}/task")).map_err(|_| NixErrno::ESRCH)?;
        let threads = threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        for thread in threads.map(Pid::from_raw) {
            ptrace::seize(thread, OPTIONS)?;
            ptrace::interrupt(thread)?;
            waitpid(thread, Some(WaitPidFlag::__WALL))?;
            ptrace::syscall(thread, None)?;
        }
        let (followed, refused) = (Followed::default(), BTreeSet::new());
        Ok(Self { leader, followed, strike, looking: true, refused })
    }

    /// Follows the process until it writes to its standard output or is dead. Thereafter it goes on as it likes.
    ///
    /// # Errors
    /// The system's.
    pub fn follow(mut self) -> nix::Result<Followed> {
        let any = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        loop {
            match waitpid(None, Some(any)) {
                Ok(WaitStatus::PtraceSyscall(thread)) => self.at_call(thread)?,
                Ok(WaitStatus::PtraceEvent(thread, ..)) => self.go_on(thread, None)?,
                Ok(WaitStatus::Stopped(thread, signal)) => self.go_on(thread, Some(signal))?,
                Ok(WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, ..)) => {
                    if thread == self.leader {
                        return Ok(self.followed);
                    }
                }
                Ok(WaitStatus::Continued(_) | WaitStatus::StillAlive) | Err(NixErrno::EINTR) => {}
                Err(NixErrno::ECHILD) => return Ok(self.followed),
                Err(errno) => return Err(errno),
            }
        }
    }

    fn go_on(&self, thread: Pid, signal: Option<Signal>) -> nix::Result<()> {
        let signal = signal.filter(|signal| !matches!(signal, Signal::SIGTRAP | Signal::SIGSTOP));
        let gone_on =
            if self.looking { ptrace::syscall(thread, signal) } else { ptrace::cont(thread, signal) };
        // It was killed meanwhile; it is waited for as any other.
        if gone_on == Err(NixErrno::ESRCH) { Ok(()) } else { gone_on }
    }

    fn at_call(&mut self, thread: Pid) -> nix::Result<()> {
        match self.look_at(thread) {
            Ok(()) | Err(NixErrno::ESRCH) => self.go_on(thread, None),
            Err(errno) => Err(errno),
        }
    }

    fn look_at(&mut self, thread: Pid) -> nix::Result<()> {
        if ptrace::syscall_info(thread)?.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            if self.refused.remove(&thread)
                && let Blow::Refuse(errno) = self.strike.blow
            {
                let mut registers = ptrace::getregs(thread)?;
                registers.rax = i64::from(-errno.raw_os_error()).cast_unsigned();
                ptrace::setregs(thread, registers)?;
            }
            return Ok(());
        }
        if !self.looking {
            return Ok(());
        }
        let mut registers = ptrace::getregs(thread)?;
        let call = calls::Call::of(&registers);
        if call.is_end() {
            self.looking = false;
            return Ok(());
        }
        let Some(name) = call.counts(self.strike.counted) else { return Ok(()) };
        if !call.descriptor().is_none_or(|descriptor| is_kept(thread, descriptor)) {
            return Ok(());
        }
        self.followed.calls.push(name);
        if self.followed.calls.len() != self.strike.at {
            return Ok(());
        }
        self.followed.struck = true;
        registers.orig_rax = u64::MAX;
        ptrace::setregs(thread, registers)?;
        match self.strike.blow {
            Blow::Kill => kill(self.leader, Signal::SIGKILL)?,
            Blow::Refuse(_) => {
                self.refused.insert(thread);
            }
        }
        Ok(())
    }
}

/// Whether an open file is one that outlives the process.
fn is_kept(thread: Pid, descriptor: libc::c_int) -> bool {
    let target = fs::read_link(format!("/proc/{thread}/fd/{descriptor}")).unwrap_or_default();
    let is_device =
        target.starts_with("/dev/") && !target.starts_with("/dev/shm/") && !target.starts_with("/dev/fuse");
    target.starts_with("/") && !is_device && !target.starts_with("/proc/")
}
