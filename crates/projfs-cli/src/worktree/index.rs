//! Writing the index of a working tree that nobody has looked at.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use projectedfs::control::Question;
use projfs_git::Index;
use projfs_git::Monitor;
use projfs_git::Owner;
use projfs_git::Untracked;

use super::fsmonitor;
use super::git::Git;
use super::project::Hooks;
use super::project::Tree;
use crate::locate::Located;
use crate::locate::ask;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;

/// What decides whether `git` converts a file.
const ATTRIBUTES: [&str; 6] = ["text", "crlf", "eol", "ident", "filter", "working-tree-encoding"];

/// Writes the index of a working tree that is mounted.
pub(super) fn write(tree: &Tree, index: &Index<'_>, hooks: Hooks) -> Outcome<()> {
    let owner = owner(&tree.dir)?;
    let cannot =
        |error: std::io::Error| Failure::system(format!("make the index of {}", tree.dir.display()), &error);
    let monitor = match hooks {
        Hooks::None => None,
        Hooks::Monitor => {
            // The first `git status` compares these, and would fetch them one after the other.
            if let Err(failure) = prefetch(tree, index) {
                tracing::warn!(%failure, "what is ignored is not known yet");
            }
            let untracked = untracked(tree, index, owner)?;
            Some(Monitor { token: fsmonitor::now(&tree.dir)?, untracked })
        }
    };
    let bytes = index.encode(owner, monitor.as_ref()).map_err(cannot)?;
    // As git does it: who works on the index at the same time is kept out by the name of the lock.
    let (path, lock) = (tree.git_dir.join("index"), tree.git_dir.join("index.lock"));
    wait_for_the_next_second(index.time());
    put(&lock, &bytes).and_then(|()| std::fs::rename(&lock, &path)).map_err(cannot)
}

/// A file that is as new as the index may have changed since, for all that git can tell, and it reads each such file. So
/// the index is newer than the commit, if a second is enough for that.
fn wait_for_the_next_second(time: i64) {
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return };
    if i64::try_from(now.as_secs()) == Ok(time) {
        std::thread::sleep(Duration::from_secs(1) - Duration::from_nanos(now.subsec_nanos().into()));
    }
}

/// Who owns what is projected: root gives it to whom the directory belongs.
fn owner(dir: &Path) -> Outcome<Owner> {
    if !rustix::process::geteuid().is_root() {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        return Ok(Owner { uid: uid.as_raw(), gid: gid.as_raw() });
    }
    let found = dir.symlink_metadata();
    let found = found.map_err(|error| Failure::system(format!("look at {}", dir.display()), &error))?;
    Ok(Owner { uid: found.uid(), gid: found.gid() })
}

fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
}

/// Fetches the files that say what is ignored.
fn prefetch(tree: &Tree, index: &Index<'_>) -> Outcome<()> {
    let paths: Vec<String> =
        index.ignore_files().chain(index.attribute_files()).map(projectedfs::escape).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let (_, mount) = Located::find_mounted(&tree.dir)?;
    let asked = ask(&mount, &Question::Hydrate { paths }, &mut |_| ControlFlow::Continue(()));
    asked?.map_err(|failure| Failure::new(Exit::Failure, failure.message))
}

/// What `git` finds untracked files with, as it would find it now.
fn untracked(tree: &Tree, index: &Index<'_>, owner: Owner) -> Outcome<Untracked> {
    let get = |options: &[&str], name: &str| {
        let mut config = Git::new(&tree.dir);
        config.arg("config").args(options).args(["--get", name]).value()
    };
    let path =
        get(&["--type=path"], "core.excludesFile")?.map(|path| PathBuf::from(OsString::from_vec(path)));
    let shown = get(&[], "status.showUntrackedFiles")?;
    let autocrlf = get(&[], "core.autocrlf")?.is_some_and(|value| value == b"true" || value == b"input");
    Ok(Untracked {
        work_tree: tree.dir.clone(),
        exclude: std::fs::read(tree.common_dir.join("info/exclude")).ok(),
        excludes_file: path.or_else(usual_excludes).and_then(|path| std::fs::read(path).ok()),
        shows_all: shown.is_some_and(|value| value == b"all"),
        converted: converted(tree, index, owner, autocrlf)?,
    })
}

/// Where patterns of the user are if nothing else is said.
fn usual_excludes() -> Option<PathBuf> {
    let from = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = from("XDG_CONFIG_HOME").or_else(|| from("HOME").map(|home| home.join(".config")));
    config.map(|config| config.join("git/ignore"))
}

/// Which of the files that say what is ignored `git` would convert. It is asked with an index of nothing but the files
/// that say so: in the working tree it would look for them in every directory.
fn converted(tree: &Tree, index: &Index<'_>, owner: Owner, autocrlf: bool) -> Outcome<HashSet<Vec<u8>>> {
    let cannot = |error: std::io::Error| Failure::system("ask git for attributes", &error);
    let mut paths = Vec::new();
    index.ignore_files().for_each(|path| {
        paths.extend_from_slice(path);
        paths.push(0);
    });
    if paths.is_empty() {
        return Ok(HashSet::new());
    }
    let made = tempfile::Builder::new().prefix("projfs-index-").tempdir_in(&tree.git_dir).map_err(cannot)?;
    let file = made.path().join("index");
    put(&file, &index.encode_attribute_files(owner).map_err(cannot)?).map_err(cannot)?;
    let mut check = Git::new(&tree.dir);
    // That index is no one's: what has changed since is not to be asked.
    check.index(&file).args(["-c", "core.fsmonitor=false", "check-attr", "--cached", "-z", "--stdin"]);
    check.args(ATTRIBUTES);
    let said = check.with_input(&paths)?;
    if !said.status.success() {
        let words = String::from_utf8_lossy(&said.stderr);
        return Err(Failure::new(Exit::Failure, format!("git check-attr failed: {}", words.trim_end())));
    }
    let fields: Vec<&[u8]> = said.stdout.split(|&byte| byte == 0).collect();
    // A path, an attribute and its value, for each of both.
    let answers = fields.chunks_exact(3 * ATTRIBUTES.len());
    let is_converted = |answer: &&[&[u8]]| {
        let value = |attribute: usize| answer[3 * attribute + 2];
        let [text, crlf, eol, ident, filter, encoding] = std::array::from_fn(value);
        let said = |value: &[u8]| value != b"unspecified" && value != b"unset";
        let silent = [text, crlf, eol].iter().all(|value| *value == b"unspecified");
        let ends =
            if silent { autocrlf } else { text != b"unset" && (said(text) || said(crlf) || said(eol)) };
        ends || said(ident) || said(filter) || said(encoding)
    };
    Ok(answers.filter(is_converted).map(|answer| answer[0].to_vec()).collect())
}
