//! `projfs clone`: a repository, and a working tree of it at once.

use std::path::Path;
use std::path::PathBuf;

use crate::cli::Clone;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::worktree::git::Git;
use crate::worktree::project::Hooks;
use crate::worktree::project::Tree;

pub(crate) fn run(clone: &Clone) -> Outcome<u8> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|error| Failure::system(format!("find {}", path.display()), &error))
    };
    let dir = absolute(&clone.dir)?;
    let git_dir = match &clone.separate_git_dir {
        Some(git_dir) => absolute(git_dir)?,
        None => next_to(&dir)?,
    };
    // What is below a mount cannot be reached while it is there.
    if git_dir.starts_with(&dir) {
        let (dir, git_dir) = (dir.display(), git_dir.display());
        return Err(Failure::new(
            Exit::Usage,
            format!("the repository {git_dir} cannot be in its tree {dir}"),
        ));
    }
    let mut git = Git::new(Path::new(".")).show();
    git.args(["clone", "--no-checkout", "--separate-git-dir"]).arg(&git_dir);
    let options = [("--branch", &clone.branch), ("--depth", &clone.depth), ("--origin", &clone.origin)];
    for (option, value) in options {
        if let Some(value) = value {
            git.arg(option).arg(value);
        }
    }
    match &clone.filter {
        Some(filter) => drop(git.arg("--filter").arg(filter)),
        // A repository that is a directory here is linked, which takes no time, and git would say that it does not filter.
        None if clone.no_filter || Path::new(&clone.url).exists() => {}
        None => drop(git.arg("--filter=blob:none")),
    }
    if clone.quiet {
        git.arg("--quiet");
    }
    git.arg("--").arg(&clone.url).arg(&dir);
    if let Some(code) = git.refused()? {
        return Ok(code);
    }
    let tree = Tree::find(&dir)?;
    let mut head = Git::new(&dir);
    if !head.args(["rev-parse", "--verify", "--quiet", "HEAD"]).output()?.status.success() {
        let message = format!("there is no commit to show: {} is a plain working tree", dir.display());
        return Err(Failure::new(Exit::Source, message));
    }
    tree.project(if clone.no_hooks { Hooks::None } else { Hooks::Monitor })
}

/// `DIR.git`.
fn next_to(dir: &Path) -> Outcome<PathBuf> {
    let mut name = dir
        .file_name()
        .ok_or_else(|| Failure::new(Exit::Usage, format!("{} has no name", dir.display())))?
        .to_owned();
    name.push(".git");
    Ok(dir.with_file_name(name))
}
