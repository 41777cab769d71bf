//! `projfs worktree`: another working tree of a repository, at once.

pub(crate) mod fsmonitor;
pub(crate) mod git;
mod index;
pub(crate) mod project;

use std::ffi::OsString;
use std::path::Path;

use projectedfs::VirtualizationRoot;
use projectedfs::is_root;

use crate::cli::Worktree;
use crate::locate::Located;
use crate::mount;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;

use git::Git;
use project::Hooks;
use project::Tree;

pub(crate) fn run(worktree: &Worktree) -> Outcome<u8> {
    let cannot = |error: std::io::Error| Failure::system(format!("find {}", worktree.dir.display()), &error);
    let dir = std::path::absolute(&worktree.dir).map_err(cannot)?;
    if let Ok((located, mount)) = Located::find_mounted(&dir)
        && located.path.is_root()
        && !mount.clear_dead()?
    {
        let message = format!("{} is mounted already: git switch changes what it shows", dir.display());
        return Err(Failure::new(Exit::Mounted, message));
    }
    let hooks = if worktree.no_hooks { Hooks::None } else { Hooks::Monitor };
    if is_root(&dir) {
        return again(worktree, &dir, hooks);
    }
    // Who says which branch it is, what is refused, and where it is registered, is git.
    let mut add = Git::new(&worktree.repo).show();
    add.args(["worktree", "add", "--no-checkout"]);
    for (option, value) in [("-b", &worktree.new_branch), ("-B", &worktree.reset_branch)] {
        if let Some(branch) = value {
            add.arg(option).arg(branch);
        }
    }
    let flags = [("--detach", worktree.detach), ("--force", worktree.force), ("--quiet", worktree.quiet)];
    add.args(flags.iter().filter(|(_, given)| *given).map(|(flag, _)| flag));
    add.arg("--").arg(&dir).args(&worktree.rev);
    if let Some(code) = add.refused()? {
        return Ok(code);
    }
    let tree = Tree::find(&dir)?;
    let projected = tree.project(hooks);
    if !matches!(projected, Ok(0)) {
        // What was registered leads to a directory that shows nothing.
        let mut remove = Git::new(&tree.common_dir);
        let _ = remove.args(["worktree", "remove", "--force", "--force"]).arg(&dir).output();
        let _ = tree.forget();
    }
    projected
}

/// Mounts a working tree that is there already.
fn again(worktree: &Worktree, dir: &Path, hooks: Hooks) -> Outcome<u8> {
    if worktree.rev.is_some() || worktree.new_branch.is_some() || worktree.reset_branch.is_some() {
        let message =
            format!("{} is a working tree already: git switch changes what it shows", dir.display());
        return Err(Failure::new(Exit::Failure, message));
    }
    let source = VirtualizationRoot::open(dir)?.source()?;
    let is_tree = dir.join(".git").is_file();
    if is_tree {
        let tree = Tree::find(dir)?;
        if !tree.git_dir.join("index").exists() {
            // It was not finished.
            return tree.project(hooks);
        }
    }
    match source {
        Some(source) if is_tree => {
            let source = projectedfs::unescape(&source).unwrap_or_default();
            mount::start(std::os::unix::ffi::OsStringExt::from_vec(source), dir)
        }
        Some(_) | None => {
            let message = format!("{} is a root, and no working tree", dir.display());
            Err(Failure::new(Exit::Root, message))
        }
    }
}

/// How this program is called.
fn program() -> Outcome<OsString> {
    let program = std::env::current_exe();
    program.map(Into::into).map_err(|error| Failure::system("find this program", &error))
}
