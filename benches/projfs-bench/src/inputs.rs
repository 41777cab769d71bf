//! `Inputs`: what everybody is given alike: a repository, archives, directories and a large file.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;

use anyhow::Context;
use anyhow::Result;

use crate::Options;
use crate::confine::WORK;
use crate::program;

mod text;

/// The revision that all see.
pub(crate) const MAIN: &str = "main";

/// One that differs from it in some files.
pub(crate) const OTHER: &str = "other";

/// One that has some of its files.
pub(crate) const PART: &str = "part";

/// Where in the tree the projects are that are built.
pub(crate) const C_PROJECT: &str = "bench-c";
pub(crate) const CARGO_PROJECT: &str = "bench-cargo";

/// How much of everything there is.
#[derive(Clone, Copy)]
pub(crate) struct Scale {
    /// Files of the tree, if it is made.
    pub(crate) tree: usize,
    /// Files of the part of it that is fetched, unpacked and copied again and again.
    pub(crate) part: usize,
    /// How many of the tree another revision changes.
    pub(crate) changed: usize,
    /// The file that is read and written, in MiB.
    pub(crate) file: u64,
    /// How much of it is read or written at random, in MiB.
    pub(crate) random: u64,
    /// Small files that are made and removed.
    pub(crate) small: usize,
    /// Files of the directory that is renamed, and of the tree that is found again after a restart.
    pub(crate) wide: usize,
    /// Directories of the generated trees, and files in each.
    pub(crate) large: (u32, u32),
    pub(crate) larger: (u32, u32),
    /// Sources of the C project; a quarter of it is that of each crate.
    pub(crate) sources: usize,
}

const FULL: Scale = Scale {
    tree: 20_000,
    part: 9_000,
    changed: 2_000,
    file: 1024,
    random: 100,
    small: 5_000,
    wide: 100_000,
    large: (1_000, 1_000),
    larger: (10_000, 1_000),
    sources: 24,
};

const QUICK: Scale = Scale {
    tree: 2_000,
    part: 500,
    changed: 200,
    file: 64,
    random: 32,
    small: 500,
    wide: 2_000,
    large: (20, 1_000),
    larger: (100, 1_000),
    sources: 4,
};

/// What everybody is given alike.
pub(crate) struct Inputs {
    pub(crate) work: PathBuf,
    pub(crate) projfs: PathBuf,
    /// A bare repository with the three revisions.
    pub(crate) objects: PathBuf,
    /// The tree in an archive.
    pub(crate) tar: PathBuf,
    /// The part of it.
    pub(crate) part: PathBuf,
    pub(crate) scale: Scale,
    /// The paths of the tree's files.
    pub(crate) files: Vec<String>,
    /// Held while something is made that not every run needs.
    making: Mutex<()>,
}

impl Inputs {
    /// Makes the repository and the archives.
    pub(crate) fn make(options: &Options) -> Result<Self> {
        let work = options.dir.join(WORK).canonicalize()?;
        let mut inputs = Self {
            projfs: options.projfs.canonicalize().context("no projfs")?,
            objects: work.join("objects.git"),
            tar: work.join("tree.tar"),
            part: work.join("part.tar"),
            scale: if options.quick { QUICK } else { FULL },
            files: Vec::new(),
            making: Mutex::new(()),
            work,
        };
        inputs.make_repository(options.tree.as_deref()).context("cannot make the repository")?;
        for (revision, archive) in [(MAIN, &inputs.tar), (PART, &inputs.part)] {
            let mut git = inputs.bare(MAIN);
            git.args(["-c", "tar.umask=022", "archive", "-o"]).arg(archive).arg(revision);
            program::run(&mut git)?;
        }
        Ok(inputs)
    }

    /// Git without the settings of this machine.
    pub(crate) fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "projfs").env(format!("GIT_{who}_EMAIL"), "projfs@localhost");
            git.env(format!("GIT_{who}_DATE"), "2000-01-01T00:00:00Z");
        }
        git.args(["-c", "safe.directory=*", "-c", "core.autocrlf=false"]);
        git
    }

    /// Git in the bare repository, with the index of a revision.
    fn bare(&self, revision: &str) -> Command {
        let mut git = self.git();
        git.env("GIT_DIR", &self.objects).env("GIT_WORK_TREE", self.work.join("source"));
        git.env("GIT_INDEX_FILE", self.work.join(format!("{revision}.index")));
        git
    }

    fn make_repository(&mut self, tree: Option<&Path>) -> Result<()> {
        let source = self.work.join("source");
        fs::create_dir(&source)?;
        match tree {
            Some(tree) => {
                program::run(self.git().args(["clone", "-q", "--bare"]).arg(tree).arg(&self.objects))?;
                program::run(self.bare(MAIN).args(["read-tree", "HEAD"]))?;
            }
            None => {
                program::run(self.git().args(["init", "-q", "--bare"]).arg(&self.objects))?;
                text::tree(&source, self.scale.tree)?;
            }
        }
        text::c_project(&source.join(C_PROJECT), self.scale.sources)?;
        text::cargo_project(&source.join(CARGO_PROJECT), self.scale.sources / 4)?;
        program::run(self.bare(MAIN).args(["add", "--force", "--ignore-removal", "."]).current_dir(&source))?;
        self.commit(MAIN)?;
        program::run(self.bare(MAIN).args(["symbolic-ref", "HEAD", "refs/heads/main"]))?;
        fs::remove_dir_all(&source)?;
        fs::create_dir(&source)?;

        let entries = program::output(self.bare(MAIN).args(["ls-files", "-z", "--stage"]))?;
        let entries: Vec<(&str, &str)> =
            entries.split('\0').filter_map(|entry| entry.split_once('\t')).collect();
        let mut other = String::new();
        let every = (entries.len() / self.scale.changed).max(1);
        let is_built = |path: &str| path.starts_with(C_PROJECT) || path.starts_with(CARGO_PROJECT);
        let plain: Vec<_> =
            entries.iter().filter(|(what, path)| what.starts_with("100") && !is_built(path)).collect();
        // Each gets the content of the next one.
        for two in plain.windows(2).step_by(every) {
            write!(other, "{}\t{}\0", two[1].0, two[0].1)?;
        }
        let part = plain.iter().take(self.scale.part);
        let part: String = part.map(|(what, path)| format!("{what}\t{path}\0")).collect();
        fs::copy(self.work.join("main.index"), self.work.join("other.index"))?;
        for (revision, entries) in [(OTHER, other), (PART, part)] {
            let list = self.work.join(format!("{revision}.list"));
            fs::write(&list, entries)?;
            let mut git = self.bare(revision);
            git.args(["update-index", "-z", "--index-info"]).stdin(fs::File::open(list)?);
            let status = git.stdout(Stdio::null()).status()?;
            anyhow::ensure!(status.success(), "{git:?}: {status}");
            self.commit(revision)?;
        }
        self.files = plain.iter().map(|(_, path)| (*path).to_owned()).collect();
        Ok(())
    }

    fn commit(&self, revision: &str) -> Result<()> {
        let tree = program::output(self.bare(revision).arg("write-tree"))?;
        let commit =
            program::output(self.bare(revision).args(["commit-tree", "-m", revision, tree.trim_end()]))?;
        let name = format!("refs/heads/{revision}");
        program::run(self.bare(revision).args(["update-ref", &name, commit.trim_end()]))
    }

    /// Checks the tree out.
    pub(crate) fn check_out(&self, dir: &Path) -> Result<()> {
        let prefix = format!("--prefix={}/", dir.display());
        program::run(self.bare(MAIN).args(["checkout-index", "--all", "--quiet", &prefix]))
    }

    /// A repository that has the objects of this one.
    pub(crate) fn clone_to(&self, dir: &Path) -> Result<()> {
        program::run(self.git().args(["clone", "-q", "--bare", "--shared"]).arg(&self.objects).arg(dir))
    }

    /// Makes an image of the tree.
    pub(crate) fn squash(&self, image: &Path) -> Result<()> {
        let tree = self.work.join("squashed");
        fs::create_dir(&tree)?;
        self.check_out(&tree)?;
        let mut make = Command::new("mksquashfs");
        program::run(make.arg(&tree).arg(image).args(["-quiet", "-no-progress", "-comp", "lz4"]))?;
        Ok(fs::remove_dir_all(tree)?)
    }

    /// A directory that holds nothing but a directory of many small files.
    pub(crate) fn wide(&self) -> Result<PathBuf> {
        let dir = self.work.join("wide");
        let _making = self.making.lock();
        if !dir.exists() {
            many_files(&dir.join("d"), self.scale.wide)?;
        }
        Ok(dir)
    }

    /// A directory with one file of 10 GiB, all of it holes.
    pub(crate) fn huge(&self) -> Result<PathBuf> {
        let dir = self.work.join("huge");
        let _making = self.making.lock();
        fs::create_dir_all(&dir)?;
        fs::File::create(dir.join("file"))?.set_len(10 << 30)?;
        Ok(dir)
    }
}

/// So many files of 16 bytes.
pub(crate) fn many_files(dir: &Path, count: usize) -> Result<()> {
    fs::create_dir_all(dir)?;
    for number in 0..count {
        fs::write(dir.join(format!("{number:06}")), format!("{number:016}"))?;
    }
    Ok(())
}
