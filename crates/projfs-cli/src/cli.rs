//! The arguments, and the help that teaches them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

use crate::logging::Format;

const EXAMPLES: &str = "\
Examples:
  projfs mount ~/src/linux@v6.12 ~/tree    a tag of a repository, in a directory
  ls ~/tree; cat ~/tree/README             names are asked for, files are fetched
  projfs state ~/tree/README               hydrated
  projfs unmount ~/tree                    what was fetched and changed stays, as plain files
  projfs run . -- make test                a commit, a command in it, and gone again

SOURCE is one of
  git:PATH[@REV]   a commit of a local repository, bare or not; REV is what git rev-parse takes, HEAD if it is left out
  git-raw:...      the same, with files as they are stored, not as they are checked out
  dir:PATH         another directory
  PATH[@REV]       git: if PATH is a repository or a work tree, else dir:

States, one word each:
  virtual      only the source has it               placeholder  its name and size are known here
  hydrated     its content is here too              dirty        its mode, owner or times were changed here
  full         it is yours; the source is not asked tombstone    it was deleted here

Exit codes:
  0  done                       4  the source does not exist, or cannot be read
  1  it could not be done       5  no FUSE, or no permission
  2  wrong arguments            6  the directory cannot be a root: missing, not empty and not ours, nested,
  3  mounted already               of another source, or on a file system that lacks what a root needs
  7  changes that were asked for are gone

--json prints one JSON object a line. Paths in it are text: a byte that is not UTF-8 is \\xHH, a backslash \\\\.";

/// Makes a tree that is somewhere else appear as ordinary files in a directory.
///
/// Nothing is copied in advance: listing asks for names, opening a file fetches it and keeps it, changing it makes it
/// yours. The directory under the mount holds what was fetched and what was changed.
#[derive(Debug, Parser)]
#[command(name = "projfs", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What is logged to standard error, or to the daemon's log: error, warn, info, debug, trace, or a filter such as
    /// `projfs_fuse=debug,warn`.
    #[arg(long, global = true, value_name = "LEVEL|FILTER", default_value = "warn", env = "PROJFS_LOG")]
    pub(crate) log: String,
    /// How it is logged.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: Format,
    /// Set for the process in the background: standard output leads to the one that waits for it.
    #[arg(long, hide = true)]
    pub(crate) daemonized: bool,
    /// Set for the process that keeps the mount, and starts the one in the background.
    #[arg(long, hide = true)]
    pub(crate) keeping: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Project SOURCE into DIR; returns when DIR can be used.
    #[command(after_help = "\
DIR must be empty, or have been a root of the same source before: what was fetched and changed then is there again.
A root is for one commit. To see another, mount it over another directory.

Examples:
  projfs mount git:/srv/linux.git@v6.12 tree
  projfs mount dir:/mnt/share tree
  projfs mount -f . tree                   stay in the foreground; Ctrl-C unmounts")]
    Mount(Mount),
    /// Unmount DIR. Files that were fetched or changed stay in it.
    Unmount {
        /// The directory over which it is mounted.
        dir: PathBuf,
        /// Also if programs use it: they get errors from then on.
        #[arg(long)]
        force: bool,
    },
    /// Replace the daemon of DIR by the program that is installed now, with no interruption. DIR must have a keeper.
    Upgrade {
        /// A directory in the mount.
        dir: PathBuf,
    },
    /// Print in which format a daemon leaves what the next one must know: asked by `upgrade` of the new program.
    #[command(hide = true)]
    MemoryFormat,
    /// Mount SOURCE, run CMD in it, unmount, and exit as CMD did.
    #[command(after_help = "\
Without --at the root is temporary and is removed afterwards, with all that CMD changed in it.
CMD ended by signal N gives exit code 128+N. Failures before CMD runs have the exit codes of `projfs --help`;
a CMD that cannot be found gives 127, one that cannot be run 126.

Examples:
  projfs run git:.@HEAD -- sh -c 'ls -l && wc -c Cargo.toml'
  projfs run --at tree ~/src/project@v1.0 -- make")]
    Run(Run),
    /// Make another working tree of a repository: all of a commit's files are there at once, and `git` works in it.
    #[command(after_help = "\
It is registered with `git worktree add`, which chooses the branch and refuses what it refuses. A working tree that is
there and not mounted is mounted again by `projfs worktree DIR`.

Examples:
  projfs worktree ../review origin/topic   a tree next to this one
  projfs worktree -b fix ../fix v6.1       a new branch from a tag")]
    Worktree(Worktree),
    /// Clone a repository, and have a working tree of it at once: no file is checked out.
    #[command(after_help = "\
The repository is next to DIR, in DIR.git: what is below a mount cannot be reached. `git clone` fetches it.

Example:
  projfs clone https://example.org/project.git project")]
    Clone(Clone),
    /// Remove a working tree that `worktree` or `clone` made, and all that is on disk for it.
    #[command(after_help = "\
It is refused as `git worktree remove` refuses: if files were changed or are untracked, unless with --force; if it is
locked, unless with --force twice. The repository of a clone stays.")]
    Remove {
        /// The working tree.
        dir: PathBuf,
        /// Also if something in it would be lost; twice: also if it is locked.
        #[arg(short, long, action = clap::ArgAction::Count)]
        force: u8,
    },
    /// Answer `git` what has changed since a token: what `core.fsmonitor` runs.
    #[command(hide = true)]
    GitFsmonitor {
        /// Of the protocol.
        version: String,
        /// What was answered last.
        token: String,
    },
    /// List what is mounted.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show how mounts are: process, source, transport, data path, features, states, provider calls.
    Status {
        /// A directory in the mount; all mounts of this user if it is left out.
        dir: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say in a word what state items are in. Nothing changes by asking.
    #[command(after_help = "\
It works without a mount too, for what is on disk. `..` in PATH is taken as it is written.

Examples:
  projfs state tree/README                 hydrated
  projfs state -v tree/src/*.c             also the version, and where in the source it comes from")]
    State {
        /// The items.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Also print the version and the origin.
        #[arg(short, long)]
        verbose: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Fetch files now, directories with all that is in them.
    Hydrate {
        /// Files and directories.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Print JSON: an object for each file that is there.
        #[arg(long)]
        json: bool,
    },
    /// Make what was fetched virtual again; local changes are kept, and named.
    Dehydrate {
        /// Files and directories.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Give up local changes, where the source has something beneath.
        #[arg(long)]
        discard: bool,
        /// Print JSON: an object for each item.
        #[arg(long)]
        json: bool,
    },
    /// Print changes: as they happen, until the mount ends, or those since a cursor.
    #[command(after_help = "\
A cursor is a place in the root's journal; it holds after a restart. With --since or --once,
`cursor` is where to go on from, and `writing` names files that are open for writing: look at
them again the next time, too.

Examples:
  projfs watch tree                        until the mount ends
  projfs watch --once tree                 nothing but the cursor of now
  projfs watch --once --since 17:42 tree   what changed since then; exit code 7 if that is not known any more")]
    Watch(Watch),
    /// Check a root that is not mounted, and mend it.
    #[command(after_help = "\
Nothing is deleted that may be someone's: what cannot be told to be the source's becomes full.
The exit code is 1 if something is wrong and was not mended.")]
    Fsck {
        /// The root.
        dir: PathBuf,
        /// Change nothing.
        #[arg(short = 'n', long)]
        check: bool,
        /// Print JSON: an object for each finding.
        #[arg(long)]
        json: bool,
    },
}

/// What `mount` is given.
#[derive(Debug, Args)]
pub(crate) struct Mount {
    /// What is projected; see `projfs --help`.
    pub(crate) source: OsString,
    /// Where it appears: an existing directory.
    pub(crate) dir: PathBuf,
    /// Stay in the foreground until Ctrl-C or an unmount.
    #[arg(short, long)]
    pub(crate) foreground: bool,
    /// Whether the mount outlives its daemon: a process that does nothing else holds it, and starts the daemon again if
    /// it dies. Programs wait meanwhile. Requests then come by /dev/fuse.
    #[arg(long, value_name = "WHEN", default_value = "auto", conflicts_with = "foreground")]
    pub(crate) keeper: KeeperChoice,
    /// After how many lives in a row of less than a second the keeper gives up. Programs get errors from then on.
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) short_lives: u32,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What `run` is given.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What is projected; see `projfs --help`.
    pub(crate) source: OsString,
    /// Where it appears: an existing directory, which is kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) at: Option<PathBuf>,
    /// Print no summary.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) options: Options,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// What `worktree` is given.
#[derive(Debug, Args)]
pub(crate) struct Worktree {
    /// Where it appears.
    pub(crate) dir: PathBuf,
    /// What it shows, as for `git worktree add`: a branch, a commit, or a new branch named as DIR if it is left out.
    pub(crate) rev: Option<OsString>,
    /// The repository: its directory, or one of its working trees.
    #[arg(long, value_name = "PATH", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// Make a new branch.
    #[arg(short = 'b', value_name = "BRANCH")]
    pub(crate) new_branch: Option<OsString>,
    /// Make a branch, or have it begin here.
    #[arg(short = 'B', value_name = "BRANCH")]
    pub(crate) reset_branch: Option<OsString>,
    /// Be on no branch.
    #[arg(short, long)]
    pub(crate) detach: bool,
    /// Also if another working tree has the branch.
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Leave `core.fsmonitor` and `core.untrackedCache` alone: `git status` then looks at every name.
    #[arg(long)]
    pub(crate) no_hooks: bool,
    /// Print nothing.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What `clone` is given.
#[derive(Debug, Args)]
pub(crate) struct Clone {
    /// What is cloned, as for `git clone`.
    pub(crate) url: OsString,
    /// Where the working tree appears.
    pub(crate) dir: PathBuf,
    /// Show this branch or tag.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) branch: Option<OsString>,
    /// Fetch only so many commits of the history.
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<OsString>,
    /// Fetch these objects now, and others when they are read; see `git clone`. Without it no content is fetched.
    #[arg(long, value_name = "SPEC")]
    pub(crate) filter: Option<OsString>,
    /// Fetch everything now.
    #[arg(long, conflicts_with = "filter")]
    pub(crate) no_filter: bool,
    /// Call the remote by this name.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) origin: Option<OsString>,
    /// Where the repository is to be.
    #[arg(long, value_name = "PATH")]
    pub(crate) separate_git_dir: Option<PathBuf>,
    /// Leave `core.fsmonitor` and `core.untrackedCache` alone: `git status` then looks at every name.
    #[arg(long)]
    pub(crate) no_hooks: bool,
    /// Print nothing.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// What `watch` is given.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// A directory in a root. If nothing is mounted there, what is in its journal is printed.
    pub(crate) dir: PathBuf,
    /// Begin with what happened since this cursor; `start` is the first that there is.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) since: Option<String>,
    /// Print what there is, and exit.
    #[arg(long)]
    pub(crate) once: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How an instance is to be.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many threads ask the source; twice the processors unless set.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) provider_threads: Option<u16>,
    /// How requests come from the kernel.
    #[arg(long, default_value = "auto")]
    pub(crate) transport: Transport,
    /// Whether the kernel reads and writes fetched files by itself.
    #[arg(long, default_value = "auto")]
    pub(crate) passthrough: Passthrough,
    /// Let other users in, as permission bits say.
    #[arg(long)]
    pub(crate) allow_other: bool,
    /// Whether projected directories can be renamed.
    #[arg(long, default_value = "allow")]
    pub(crate) directory_renames: Renames,
    /// How many seconds the source may take to answer; then who waits gets ETIMEDOUT. 0: for ever.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub(crate) timeout: u32,
    /// The same for content, of which there may be much.
    #[arg(long, value_name = "SECONDS", default_value = "600")]
    pub(crate) data_timeout: u32,
    /// Find items under every spelling of their names, upper or lower case.
    #[arg(long)]
    pub(crate) ignore_case: bool,
    /// Programs that get EACCES instead of content that would have to be fetched: indexers, scanners. By the name of the
    /// executable; can be given several times.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) no_hydrate: Vec<OsString>,
}

/// Whether the mount outlives its daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeeperChoice {
    /// It does where the kernel can: Linux 6.9 or later. Not with --transport io_uring.
    Auto,
    /// It does, or is not mounted.
    On,
    /// It does not.
    Off,
}

/// How requests come from the kernel.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Transport {
    /// io_uring where the kernel offers it, else /dev/fuse.
    Auto,
    /// io_uring, or not at all.
    #[value(name = "io_uring")]
    IoUring,
    /// /dev/fuse.
    Classic,
}

/// Whether the kernel reads and writes fetched files by itself.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Passthrough {
    /// Where it can: Linux 6.9, as root.
    Auto,
    /// Never.
    Off,
}

/// Whether projected directories can be renamed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Renames {
    /// At once, whatever is in them.
    Allow,
    /// Refused with EXDEV, so that `mv` copies.
    Refuse,
}
