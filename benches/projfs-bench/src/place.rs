//! `Place`: one contestant with its tree, and what it takes to mount, unmount and abort.

use std::ffi::OsString;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use serde_json::Value;

use crate::contestant::Contestant;
use crate::contestant::Kind;
use crate::contestant::Room;
use crate::inputs::Inputs;
use crate::inputs::MAIN;
use crate::program;

/// One contestant with its tree.
pub(crate) struct Place {
    pub(crate) contestant: &'static Contestant,
    pub(crate) inputs: Arc<Inputs>,
    room: Room,
    base: PathBuf,
}

/// What is projected.
pub(crate) enum Source {
    /// A revision of the repository.
    Git(&'static str),
    /// A directory.
    Dir(PathBuf),
    /// So many directories, of so many files each.
    Generated(u32, u32),
}

impl Place {
    /// Makes a contestant's tree: checked out, projected and fetched, or mounted over a copy.
    pub(crate) fn prepare(contestant: &'static Contestant, inputs: &Arc<Inputs>) -> Result<Arc<Self>> {
        let base = inputs.work.join("places").join(contestant.name);
        let below = |name: &str| base.join(name);
        let room = Room {
            dir: below("tree"),
            lower: below("lower"),
            upper: below("upper"),
            scratch: below("scratch"),
            tar: inputs.tar.clone(),
            squashfs: inputs.work.join("tree.squashfs"),
        };
        for dir in [&room.dir, &room.lower, &room.upper, &room.scratch] {
            fs::create_dir_all(dir)?;
        }
        let place = Self { contestant, inputs: Arc::clone(inputs), room, base };
        place.fill().with_context(|| format!("cannot prepare {}", contestant.name))?;
        Ok(Arc::new(place))
    }

    fn fill(&self) -> Result<()> {
        match self.contestant.kind {
            Kind::Native => self.inputs.check_out(&self.room.dir)?,
            Kind::Projfs(_) => {
                self.mount(&Source::Git(MAIN), &self.room.dir)?;
                program::run(self.projfs().arg("hydrate").arg(&self.room.dir))?;
            }
            Kind::Mirror(mount) => {
                self.inputs.check_out(&self.room.lower)?;
                program::run(&mut mount(&self.room))?;
            }
            Kind::Archive(mount) => {
                if self.contestant.name == "squashfuse" && !self.room.squashfs.exists() {
                    self.inputs.squash(&self.room.squashfs)?;
                }
                program::run(&mut mount(&self.room))?;
            }
        }
        if self.contestant.is_writable() {
            self.inputs.clone_to(&self.base.join("git"))?;
            program::run(self.git().args(["reset", "-q"]))?;
        }
        Ok(())
    }

    /// Where the tree is seen.
    pub(crate) fn dir(&self) -> &Path {
        &self.room.dir
    }

    /// A path for something new that lasts to the end of the run, on the file system below.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.base.join(name)
    }

    /// Git with the tree as its work tree, and a repository of its own.
    pub(crate) fn git(&self) -> Command {
        let mut git = self.inputs.git();
        git.env("GIT_DIR", self.base.join("git")).env("GIT_WORK_TREE", &self.room.dir);
        git.current_dir(&self.room.dir);
        git.args(["-c", "core.bare=false", "-c", "advice.detachedHead=false", "-c", "gc.auto=0"]);
        git
    }

    /// The command.
    pub(crate) fn projfs(&self) -> Command {
        Command::new(&self.inputs.projfs)
    }

    /// Projects something over a directory, which is made if it is not there.
    pub(crate) fn mount(&self, source: &Source, dir: &Path) -> Result<()> {
        let Kind::Projfs(flags) = self.contestant.kind else {
            bail!("{} projects nothing", self.contestant.name)
        };
        fs::create_dir_all(dir)?;
        let named = |scheme: &str, path: &Path, end: &str| {
            let mut name = OsString::from(scheme);
            name.push(path);
            name.push(end);
            name
        };
        let source = match source {
            Source::Git(revision) => named("git:", &self.inputs.objects, &format!("@{revision}")),
            Source::Dir(path) => named("dir:", path, ""),
            Source::Generated(directories, files) => return serve(flags, *directories, *files, dir),
        };
        program::run(self.projfs().arg("mount").args(flags).arg(source).arg(dir))
    }

    /// Takes a mount of projfs away.
    pub(crate) fn unmount(&self, dir: &Path) -> Result<()> {
        program::run(self.projfs().arg("unmount").arg(dir))
    }

    /// What `projfs status` says.
    pub(crate) fn status(&self, dir: &Path) -> Result<Value> {
        let text = program::output(self.projfs().args(["status", "--json"]).arg(dir))?;
        serde_json::from_str(&text).context("the status is no JSON")
    }

    /// How much memory the daemon of a mount has in use, in bytes.
    pub(crate) fn memory(&self, dir: &Path) -> Result<u64> {
        let pid = self.status(dir)?["pid"].as_u64().context("no pid in the status")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
    }

    /// Frees everybody who waits for a mount of this contestant. They are of no use afterwards.
    pub(crate) fn abort(&self) -> Result<()> {
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        for line in mounts.lines() {
            let mut words = line.split(' ').skip(2);
            let (Some(device), Some(point)) = (words.next(), words.nth(1)) else { continue };
            let minor = device.split(':').nth(1).unwrap_or_default();
            let abort = PathBuf::from(format!("/sys/fs/fuse/connections/{minor}/abort"));
            if Path::new(point).starts_with(&self.base) && abort.exists() {
                fs::write(abort, "1")?;
            }
        }
        Ok(())
    }
}

/// Where the daemon of a generated tree takes orders.
pub(crate) fn orders(dir: &Path) -> PathBuf {
    dir.with_extension("orders")
}

/// Starts this program as the daemon of a generated tree.
fn serve(flags: &[&str], directories: u32, files: u32, dir: &Path) -> Result<()> {
    let mut daemon = Command::new(std::env::current_exe()?);
    daemon.arg("serve").args(flags).arg("--directories").arg(directories.to_string());
    daemon.arg("--files").arg(files.to_string()).arg("--orders").arg(orders(dir)).arg(dir);
    let mut daemon = daemon.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut said = String::new();
    if let Some(output) = daemon.stdout.take() {
        BufReader::new(output).read_line(&mut said)?;
    }
    // Buried when it ends.
    std::thread::spawn(move || daemon.wait());
    if said.trim_end() != "mounted" {
        bail!("the daemon of a generated tree did not mount");
    }
    Ok(())
}
