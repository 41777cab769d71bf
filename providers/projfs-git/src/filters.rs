//! `Filters`: the programs that content goes through when it is checked out.

mod pointer;

use std::io::Read;

use gix::filter::plumbing::Driver;
use gix::filter::plumbing::driver::Operation;
use gix::filter::plumbing::driver::State;
use gix::filter::plumbing::driver::apply;
use parking_lot::Mutex;
use projfs_types::RelPath;

use crate::objects::Id;
use crate::objects::Unreadable;

/// How many running filter processes of each kind wait for the next file.
const MOST_IDLE: usize = 4;

/// How much of a filter's output is read at a time, in bytes.
const PIECE: usize = 256 << 10;

/// The filter drivers that are configured.
pub(crate) struct Filters {
    drivers: Vec<Driver>,
    context: gix::command::Context,
    pointers: Pointers,
    idle: Mutex<Vec<State>>,
}

/// Whether the size in a pointer of Git LFS is that of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pointers {
    /// The file is fetched.
    Followed,
    /// Some stay as they are: the filter itself must say.
    Maybe,
}

impl Filters {
    /// Takes the drivers from the configuration; those that somebody else could have written are left out. `lfs` is
    /// whether what a commit says of Git LFS is known to leave no pointer as it is.
    ///
    /// # Errors
    /// Configuration that makes no sense.
    pub(crate) fn of(repository: &gix::Repository, lfs: Pointers) -> gix::Result<Self> {
        let mut context = repository.command_context()?;
        // A filter that works in a projection of this very daemon could wait for itself.
        context.worktree_dir = None;
        Ok(Self {
            drivers: gix::filter::Pipeline::options(repository)?.drivers,
            context,
            pointers: lfs.and(Pointers::of(repository)),
            idle: Mutex::default(),
        })
    }

    /// The size of what a filter will make of `content`, if that is known without running it.
    pub(crate) fn size(&self, filter: &[u8], content: &[u8]) -> Option<u64> {
        let driver = self.driver(filter)?;
        let command = driver.process.as_ref().or(driver.smudge.as_ref())?;
        let command = command.to_vec();
        let names = |words: &[u8]| command.windows(words.len()).any(|window| window == words);
        let is_lfs = (names(b"git-lfs") || names(b"git lfs")) && !names(b"--skip");
        if is_lfs && self.pointers == Pointers::Followed { pointer::size(content) } else { None }
    }

    /// Sends `content` through a filter and calls `take` with what comes, piece by piece, until that fails. What a filter
    /// that is not required cannot do is left undone, as `git` does.
    ///
    /// # Errors
    /// The filter's; inside, those of `take`.
    pub(crate) fn smudge<E>(
        &self,
        filter: &[u8],
        path: &RelPath,
        id: Id,
        content: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Result<(), E>, Unreadable> {
        let failed = |words: String| {
            let filter = String::from_utf8_lossy(filter);
            Unreadable::broken(format!("the filter {filter} failed: {words}"))
        };
        let driver = self.driver(filter).ok_or_else(|| failed("it is not configured".into()))?;
        let idle = self.idle.lock().pop();
        let mut state = idle.unwrap_or_else(|| State::new(self.context.clone()));
        let context = apply::Context {
            rela_path: path.as_bytes().into(),
            ref_name: None,
            treeish: None,
            blob: Some(id.to_gix()),
        };
        let mut taken = 0_u64;
        let result = match state.apply(driver, &mut &*content, Operation::Smudge, context) {
            Ok(None) if driver.required => return Err(failed("it has no command for this".into())),
            Ok(None) => return Ok(take(content)),
            Ok(Some(mut output)) => {
                let mut piece = vec![0; PIECE];
                loop {
                    match output.read(&mut piece) {
                        Ok(0) => break Ok(()),
                        Ok(length) => {
                            taken += length as u64;
                            if let Err(refused) = take(&piece[..length]) {
                                // What is not read to its end cannot be used again.
                                return Ok(Err(refused));
                            }
                        }
                        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                        Err(error) => break Err(error.to_string()),
                    }
                }
            }
            Err(error) => Err(format!("{error:#}")),
        };
        match result {
            Ok(()) => {
                let mut idle = self.idle.lock();
                if idle.len() < MOST_IDLE {
                    idle.push(state);
                }
                Ok(Ok(()))
            }
            Err(words) if driver.required || taken > 0 => Err(failed(words)),
            Err(words) => {
                tracing::warn!(filter = %String::from_utf8_lossy(filter), words, "a filter failed");
                Ok(take(content))
            }
        }
    }

    fn driver(&self, name: &[u8]) -> Option<&Driver> {
        self.drivers.iter().find(|driver| driver.name.as_slice() == name)
    }
}

/// What makes Git LFS leave pointers as they are, in lower case.
const CHOOSING: [&str; 3] = ["fetchinclude", "fetchexclude", "skipdownloaderrors"];

impl Pointers {
    /// What the `.lfsconfig` of a commit says.
    pub(crate) fn of_file(content: &[u8]) -> Self {
        let content = String::from_utf8_lossy(content).to_lowercase();
        if CHOOSING.iter().any(|key| content.contains(key)) { Self::Maybe } else { Self::Followed }
    }

    fn and(self, other: Self) -> Self {
        if self == Self::Followed { other } else { self }
    }

    fn of(repository: &gix::Repository) -> Self {
        let config = repository.config_snapshot();
        let skipped =
            std::env::var("GIT_LFS_SKIP_SMUDGE").is_ok_and(|value| !matches!(&*value, "" | "0" | "false"));
        let chosen = CHOOSING.iter().any(|key| config.string(format!("lfs.{key}").as_str()).is_some());
        if skipped || chosen { Self::Maybe } else { Self::Followed }
    }
}
