//! `projfs git-fsmonitor`: what `core.fsmonitor` is answered.
//!
//! A token is a place in the root's journal, and which process has mounted it: what is changed while nothing is mounted is
//! in no journal. An answer that names too much costs `git` a look; one that names too little would hide a change, so
//! whatever is not plainly told is answered with everything.
//!
//! `git` keeps by path which directories have untracked files. A directory that is moved takes along what is known of
//! none of its new paths, so that is answered with everything too.
//!
//! The protocol has a word for everything, a lone `/`. It is not used: `git` forgets it if the command that hears it does
//! not look for untracked files, and the next one then trusts what it knew before. So everything is named.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use projectedfs::MountEntry;
use projectedfs::RuntimeFiles;
use projectedfs::control::Answer;
use projectedfs::control::Question;

use crate::locate::Located;
use crate::locate::ask;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;

use super::git::Git;

/// The version of the protocol.
const VERSION: &str = "2";

/// A name that nobody has: what is said of it is said of the directory that it would be in.
const INSIDE: &[u8] = b".projfs";

/// A token that nobody gave.
const NONE: &str = "none";

/// What has changed.
#[derive(Debug, Default, PartialEq, Eq)]
enum Changed {
    /// It is not known.
    #[default]
    Everything,
    /// These paths; a directory ends with a slash.
    Paths(BTreeSet<Vec<u8>>),
}

pub(crate) fn run(version: &str, token: &str) -> Outcome<u8> {
    if version != VERSION {
        let message = format!("core.fsmonitor is answered in version {VERSION} only, not {version}");
        return Err(Failure::new(Exit::Usage, message));
    }
    // Git runs it in the working tree. A tree that is not mounted has to be looked at.
    let (token, changed) = answer(token).unwrap_or_else(|_| (NONE.to_owned(), Changed::Everything));
    let mut said = token.into_bytes();
    said.push(0);
    let paths = match changed {
        Changed::Everything => everything()?,
        Changed::Paths(paths) => paths,
    };
    for path in paths {
        said.extend_from_slice(&path);
        said.push(0);
    }
    let written = std::io::stdout().lock().write_all(&said);
    written.map(|()| 0).map_err(|error| Failure::system("answer", &error))
}

/// Every name at the top of the index or of the tree, which stands for all entries below, and a name in every directory
/// that there is.
fn everything() -> Outcome<BTreeSet<Vec<u8>>> {
    let mut list = Git::new(Path::new("."));
    let listed = list.args(["-c", "core.fsmonitor=false", "ls-files", "-z"]).checked()?;
    let mut paths = BTreeSet::new();
    for path in listed.split(|&byte| byte == 0).filter(|path| !path.is_empty()) {
        let top = path.split(|&byte| byte == b'/').next().unwrap_or(path);
        if !paths.contains(top) {
            paths.insert(top.to_vec());
            paths.insert([top, b"/"].concat());
        }
    }
    paths.insert(INSIDE.to_vec());
    inside(Path::new("."), b"", &mut paths);
    Ok(paths)
}

fn inside(dir: &Path, name: &[u8], paths: &mut BTreeSet<Vec<u8>>) {
    // What cannot be listed, git cannot list either.
    let Ok(listed) = std::fs::read_dir(dir) else { return };
    for entry in listed.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && entry.file_name() != ".git" {
            let name = [name, entry.file_name().as_bytes(), b"/"].concat();
            paths.insert([&name, INSIDE].concat());
            inside(&entry.path(), &name, paths);
        }
    }
}

/// The token of now.
pub(super) fn now(dir: &Path) -> Outcome<Vec<u8>> {
    let (_, mount) = Located::find_mounted(dir)?;
    let (token, _) = since(&mount, &process(&mount)?, None)?;
    Ok(token.into_bytes())
}

fn answer(token: &str) -> Outcome<(String, Changed)> {
    let (_, mount) = Located::find_mounted(Path::new("."))?;
    let process = process(&mount)?;
    let cursor = token.strip_suffix(&process).and_then(|token| token.strip_suffix('/'));
    match since(&mount, &process, cursor) {
        // A token of nobody's.
        Err(_) if cursor.is_some() => since(&mount, &process, None),
        answered => answered,
    }
}

/// Which process has mounted it, and when.
fn process(mount: &MountEntry) -> Outcome<String> {
    let note = RuntimeFiles::find(&mount.path, mount.owner).read_note();
    let note = note.ok_or_else(|| Failure::new(Exit::Failure, "nothing is noted about the mount"))?;
    Ok(format!("{}-{}", note.pid, note.started))
}

fn since(mount: &MountEntry, process: &str, cursor: Option<&str>) -> Outcome<(String, Changed)> {
    let mut news = News { root: &mount.path, cursor: None, lost: cursor.is_none(), paths: BTreeSet::new() };
    let question = Question::Watch { since: cursor.map(str::to_owned), once: true };
    let asked = ask(mount, &question, &mut |answer| {
        news.hear(answer);
        ControlFlow::Continue(())
    });
    asked?.map_err(|failure| Failure::new(Exit::Failure, failure.message))?;
    let end = news.cursor.ok_or_else(|| Failure::new(Exit::Failure, "the journal has no end"))?;
    let changed = if news.lost { Changed::Everything } else { Changed::Paths(news.paths) };
    Ok((format!("{end}/{process}"), changed))
}

/// What the journal tells, as it comes.
struct News<'a> {
    root: &'a Path,
    cursor: Option<String>,
    lost: bool,
    paths: BTreeSet<Vec<u8>>,
}

impl News<'_> {
    fn hear(&mut self, answer: Answer) {
        match answer {
            Answer::Change { what, kind, path, to, .. } => {
                let directory = kind == "directory";
                match what.as_str() {
                    "renamed" | "exchanged" | "updated" if directory => self.lost = true,
                    // What it was exchanged with may be a directory.
                    "exchanged" => self.lost = true,
                    "metadata" if directory => {}
                    _ => {
                        self.name(&path, directory);
                        to.iter().for_each(|to| self.name(to, directory));
                    }
                }
            }
            Answer::Gone { .. } => self.lost = true,
            Answer::Cursor { cursor, writing } => {
                self.cursor = Some(cursor);
                writing.iter().for_each(|path| self.name(path, false));
            }
            Answer::Status(_)
            | Answer::Item(_)
            | Answer::OnDisk { .. }
            | Answer::Fetched { .. }
            | Answer::Virtual { .. }
            | Answer::Kept { .. }
            | Answer::DiskUse { .. }
            | Answer::Done
            | Answer::Failed(_) => {}
        }
    }

    fn name(&mut self, path: &str, directory: bool) {
        let Some(mut path) = projectedfs::unescape(path) else {
            self.lost = true;
            return;
        };
        // Git takes no interest in its own.
        if path == b".git" || path.is_empty() {
            return;
        }
        if directory {
            path.push(b'/');
            self.paths.insert([&path, INSIDE].concat());
        } else if self.has_other_names(&path) {
            // It is told of by one of them.
            self.lost = true;
        }
        self.paths.insert(path);
    }

    fn has_other_names(&self, path: &[u8]) -> bool {
        let found = self.root.join(OsStr::from_bytes(path)).symlink_metadata();
        found.is_ok_and(|found| found.nlink() > 1 && !found.is_dir())
    }
}
