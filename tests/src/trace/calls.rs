//! `Call`: a system call, as the registers have it at its entry.

use nix::libc;

/// Which calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Those that change what is kept, or make it durable.
    Changing,
    /// Those too that ask what is there, or open it.
    All,
}

/// A system call that is about to be made.
pub(super) struct Call {
    number: libc::c_long,
    arguments: [u64; 4],
}

/// Where a call has its descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    /// The first argument is an open file.
    File,
    /// It is a directory, or there is none.
    Name,
}

const CHANGING: &[(libc::c_long, &str, On)] = &[
    (libc::SYS_write, "write", On::File),
    (libc::SYS_pwrite64, "pwrite64", On::File),
    (libc::SYS_writev, "writev", On::File),
    (libc::SYS_pwritev, "pwritev", On::File),
    (libc::SYS_pwritev2, "pwritev2", On::File),
    (libc::SYS_ftruncate, "ftruncate", On::File),
    (libc::SYS_fallocate, "fallocate", On::File),
    (libc::SYS_copy_file_range, "copy_file_range", On::File),
    (libc::SYS_sendfile, "sendfile", On::File),
    (libc::SYS_fsync, "fsync", On::File),
    (libc::SYS_fdatasync, "fdatasync", On::File),
    (libc::SYS_syncfs, "syncfs", On::File),
    (libc::SYS_sync_file_range, "sync_file_range", On::File),
    (libc::SYS_fchmod, "fchmod", On::File),
    (libc::SYS_fchown, "fchown", On::File),
    (libc::SYS_fsetxattr, "fsetxattr", On::File),
    (libc::SYS_fremovexattr, "fremovexattr", On::File),
    (libc::SYS_truncate, "truncate", On::Name),
    (libc::SYS_chmod, "chmod", On::Name),
    (libc::SYS_fchmodat, "fchmodat", On::Name),
    (libc::SYS_fchownat, "fchownat", On::Name),
    (libc::SYS_utimensat, "utimensat", On::Name),
    (libc::SYS_setxattr, "setxattr", On::Name),
    (libc::SYS_lsetxattr, "lsetxattr", On::Name),
    (libc::SYS_removexattr, "removexattr", On::Name),
    (libc::SYS_lremovexattr, "lremovexattr", On::Name),
    (libc::SYS_mkdir, "mkdir", On::Name),
    (libc::SYS_mkdirat, "mkdirat", On::Name),
    (libc::SYS_mknodat, "mknodat", On::Name),
    (libc::SYS_symlinkat, "symlinkat", On::Name),
    (libc::SYS_linkat, "linkat", On::Name),
    (libc::SYS_unlink, "unlink", On::Name),
    (libc::SYS_unlinkat, "unlinkat", On::Name),
    (libc::SYS_rename, "rename", On::Name),
    (libc::SYS_renameat, "renameat", On::Name),
    (libc::SYS_renameat2, "renameat2", On::Name),
    (libc::SYS_creat, "creat", On::Name),
];

const ASKING: &[(libc::c_long, &str, On)] = &[
    (libc::SYS_open, "open", On::Name),
    (libc::SYS_openat, "openat", On::Name),
    (libc::SYS_openat2, "openat2", On::Name),
    (libc::SYS_statx, "statx", On::Name),
    (libc::SYS_newfstatat, "newfstatat", On::Name),
    (libc::SYS_fstat, "fstat", On::File),
    (libc::SYS_fstatfs, "fstatfs", On::File),
    (libc::SYS_read, "read", On::File),
    (libc::SYS_pread64, "pread64", On::File),
    (libc::SYS_lseek, "lseek", On::File),
    (libc::SYS_getdents64, "getdents64", On::File),
    (libc::SYS_getxattr, "getxattr", On::Name),
    (libc::SYS_lgetxattr, "lgetxattr", On::Name),
    (libc::SYS_fgetxattr, "fgetxattr", On::File),
    (libc::SYS_listxattr, "listxattr", On::Name),
    (libc::SYS_llistxattr, "llistxattr", On::Name),
    (libc::SYS_flistxattr, "flistxattr", On::File),
    (libc::SYS_readlinkat, "readlinkat", On::Name),
];

const MAKES: u64 = (libc::O_CREAT | libc::O_TRUNC) as u64;
/// `FICLONE` and `FICLONERANGE`.
const CLONES: [u64; 2] = [0x4004_9409, 0x4020_940d];

impl Call {
    /// The call that a thread is about to make.
    pub(super) fn of(registers: &libc::user_regs_struct) -> Self {
        let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10];
        Self { number: registers.orig_rax.cast_signed(), arguments }
    }

    /// Whether something is written to the standard output, by which a process says that it is done.
    pub(super) fn is_end(&self) -> bool {
        self.number == libc::SYS_write && self.arguments[0] == libc::STDOUT_FILENO as u64
    }

    fn row(&self) -> Option<(&'static str, On, Counted)> {
        let find = |table: &'static [(libc::c_long, &'static str, On)]| {
            table.iter().find(|(number, ..)| *number == self.number)
        };
        let [_, second, third, _] = self.arguments;
        if let Some(&(_, name, on)) = find(CHANGING) {
            // `futimens` has no name.
            let on = if self.number == libc::SYS_utimensat && second == 0 { On::File } else { on };
            return Some((name, on, Counted::Changing));
        }
        if self.number == libc::SYS_ioctl && CLONES.contains(&second) {
            return Some(("ioctl", On::File, Counted::Changing));
        }
        let &(_, name, on) = find(ASKING)?;
        let nameless = libc::O_TMPFILE as u64;
        let makes = match self.number {
            libc::SYS_open => second & MAKES != 0,
            libc::SYS_openat => third & MAKES != 0 || third & nameless == nameless,
            _ => false,
        };
        Some((name, on, if makes { Counted::Changing } else { Counted::All }))
    }

    /// What the call is called, if it is one of those.
    pub(super) fn counts(&self, counted: Counted) -> Option<&'static str> {
        let (name, _, sort) = self.row()?;
        (sort == Counted::Changing || counted == Counted::All).then_some(name)
    }

    /// The open file that the call is about, if it is about one.
    pub(super) fn descriptor(&self) -> Option<libc::c_int> {
        let (_, on, _) = self.row()?;
        (on == On::File).then_some(self.arguments[0] as libc::c_int)
    }
}
