//! `projfs remove`: a working tree goes, and all that was on disk for it.

use std::path::Path;

use projectedfs::is_root;

use crate::locate::Located;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::unmount;
use crate::worktree::git::Git;
use crate::worktree::project::Tree;

pub(crate) fn run(dir: &Path, force: u8) -> Outcome<u8> {
    let refused = |why: &str| Err(Failure::new(Exit::Failure, format!("{} {why}", dir.display())));
    let mounted = Located::find_mounted(dir).is_ok_and(|(located, _)| located.path.is_root());
    if !mounted && !is_root(dir) || !dir.join(".git").is_file() {
        return refused("is no projected working tree");
    }
    let tree = Tree::find(dir)?;
    let is_main = tree.git_dir == tree.common_dir;
    if tree.git_dir.join("locked").exists() && force < 2 {
        return refused("is locked; --force --force removes it all the same");
    }
    if force == 0 {
        if !mounted {
            return refused("is not mounted: mount it to see whether anything would be lost, or use --force");
        }
        let mut status = Git::new(&tree.dir);
        if !status.args(["status", "--porcelain", "--ignore-submodules=none"]).checked()?.is_empty() {
            return refused("contains modified or untracked files, use --force to delete it");
        }
    }
    if mounted {
        unmount::run(&tree.dir, false)?;
    }
    // What others read first, then what is only in the way.
    if is_main {
        let cannot = |error: std::io::Error| Failure::system(format!("remove {}", dir.display()), &error);
        std::fs::remove_dir_all(&tree.dir).map_err(cannot)?;
        let _ = output::line(format_args!("the repository stays in {}", tree.git_dir.display()));
    } else {
        let mut remove = Git::new(&tree.common_dir);
        remove.args(["worktree", "remove", "--force", "--force"]).arg(&tree.dir).checked()?;
    }
    tree.forget()?;
    Ok(0)
}
