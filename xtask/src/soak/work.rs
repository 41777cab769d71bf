//! `Worker`: random operations on a directory that nobody else uses, each checked against what must be there.

use std::collections::VecDeque;
use std::fs;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use anyhow::ensure;

/// Projected directories of each worker, and the files in each.
const DIRECTORIES: u32 = 12;
const FILES: u32 = 100;
/// Names of the worker's own files, in a directory of their own.
const OWN: u32 = 120;
/// How many files are open at a time.
const OPEN: usize = 25;
/// How long each file is: mostly short, now and then one that is fetched in parts.
const LENGTHS: [u32; 8] = [100, 700, 3_000, 4_096, 9_000, 20_000, 70_000, 1 << 20];

/// Random numbers, the same for the same seed (`SplitMix64`).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap_or(0)
    }
}

/// A content of its own for each number.
fn content(number: u32) -> Vec<u8> {
    let class = if number.is_multiple_of(200) { 7 } else { number % 7 };
    let length = LENGTHS[class as usize] as usize;
    let line = format!("{number:09}\n");
    line.bytes().cycle().take(length).collect()
}

fn directory(number: u32) -> String {
    format!("d{number:02}")
}

/// Makes the files that a worker finds projected.
pub(super) fn make_source(dir: &Path, worker: u32) -> Result<()> {
    for slot in slots(dir, worker) {
        let Some(number) = slot.content else { continue };
        if let Some(parent) = slot.path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&slot.path, content(number))?;
    }
    Ok(())
}

/// A name, and what must be there.
struct Slot {
    path: PathBuf,
    directory: u32,
    content: Option<u32>,
    /// Whether it is changed, so that the provider's files do not end.
    changes: bool,
}

/// Every name, as it is at the beginning.
fn slots(dir: &Path, worker: u32) -> Vec<Slot> {
    let mut slots = Vec::new();
    for d in 0..DIRECTORIES {
        for file in 0..FILES {
            let path = dir.join(directory(d)).join(format!("f{file:03}"));
            let content = Some(worker * 10_000 + d * FILES + file);
            slots.push(Slot { path, directory: d, content, changes: file % 5 == 0 });
        }
    }
    for file in 0..OWN {
        let path = dir.join(directory(DIRECTORIES)).join(format!("own{file:03}"));
        slots.push(Slot { path, directory: DIRECTORIES, content: None, changes: true });
    }
    slots
}

/// One who works.
pub(super) struct Worker {
    dir: PathBuf,
    slots: Vec<Slot>,
    open: VecDeque<File>,
    /// The number of the next content that nobody had.
    next: u32,
    random: Random,
}

impl Worker {
    pub(super) fn new(dir: &Path, worker: u32, random: Random) -> Self {
        Self {
            dir: dir.to_owned(),
            slots: slots(dir, worker),
            open: VecDeque::new(),
            next: 1_000_000,
            random,
        }
    }

    /// Works until it is told to stop, one operation in each interval.
    pub(super) fn run(
        &mut self,
        projfs: &Path,
        interval: Duration,
        stopped: &mpsc::Receiver<()>,
        done: &AtomicU64,
    ) -> Result<()> {
        fs::create_dir(self.dir.join(directory(DIRECTORIES)))?;
        let begin = Instant::now();
        let mut turn = 0;
        loop {
            turn += 1;
            let pause = (interval * turn).saturating_sub(begin.elapsed());
            if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
            self.operation(projfs)?;
            done.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn operation(&mut self, projfs: &Path) -> Result<()> {
        let slot = self.random.below(self.slots.len());
        match self.random.below(1000) {
            0..350 => self.read(slot),
            350..500 => self.stat(slot),
            500..530 => self.list(),
            530..600 => self.hold(slot),
            600..860 => self.change(),
            860..940 => self.rename(),
            940..960 => self.directories(),
            960..962 => self.move_directory(),
            // A process each: dear, so not often.
            962..972 => self.dehydrate(projfs),
            972..975 => self.ask(projfs, slot),
            _ => self.attributes(slot),
        }
    }

    fn read(&mut self, slot: usize) -> Result<()> {
        let slot = &self.slots[slot];
        match (fs::read(&slot.path), slot.content) {
            (Ok(bytes), Some(number)) => {
                ensure!(bytes == content(number), "{}: wrong content", slot.path.display());
            }
            (Err(error), None) if error.kind() == ErrorKind::NotFound => {}
            (Ok(_), None) => bail!("{}: it should not be there", slot.path.display()),
            (Err(error), _) => return Err(error).with_context(|| format!("read {}", slot.path.display())),
        }
        Ok(())
    }

    fn stat(&mut self, slot: usize) -> Result<()> {
        let slot = &self.slots[slot];
        let length = slot.path.symlink_metadata().map(|metadata| metadata.len()).ok();
        let expected = slot.content.map(|number| content(number).len() as u64);
        ensure!(length == expected, "{}: {length:?} bytes, not {expected:?}", slot.path.display());
        Ok(())
    }

    fn list(&mut self) -> Result<()> {
        let number = u32::try_from(self.random.below(DIRECTORIES as usize + 1))?;
        let path = self.dir.join(directory(number));
        let mut count = 0;
        for entry in fs::read_dir(&path)? {
            entry?.metadata()?;
            count += 1;
        }
        let there =
            self.slots.iter().filter(|slot| slot.directory == number && slot.content.is_some()).count();
        ensure!(count == there, "{}: {count} entries, not {there}", path.display());
        Ok(())
    }

    /// Opens a file for longer.
    fn hold(&mut self, slot: usize) -> Result<()> {
        if self.slots[slot].content.is_some() {
            self.open.push_back(File::open(&self.slots[slot].path)?);
        }
        if self.open.len() > OPEN {
            self.open.pop_front();
        }
        Ok(())
    }

    fn changing(&mut self) -> usize {
        loop {
            let slot = self.random.below(self.slots.len());
            if self.slots[slot].changes {
                return slot;
            }
        }
    }

    fn change(&mut self) -> Result<()> {
        let slot = self.changing();
        let how = self.random.below(3);
        let (path, number) = (&self.slots[slot].path, self.next);
        let made = match how {
            0 if self.slots[slot].content.is_some() => {
                fs::remove_file(path)?;
                None
            }
            // As most editors do it.
            1 => {
                let new = path.with_extension("new");
                fs::write(&new, content(number))?;
                fs::rename(&new, path)?;
                Some(number)
            }
            _ => {
                fs::write(path, content(number))?;
                Some(number)
            }
        };
        self.next += 1;
        self.slots[slot].content = made;
        Ok(())
    }

    fn rename(&mut self) -> Result<()> {
        let (from, to) = (self.changing(), self.changing());
        if from != to && self.slots[from].content.is_some() {
            fs::rename(&self.slots[from].path, &self.slots[to].path)?;
            self.slots[to].content = self.slots[from].content.take();
        }
        Ok(())
    }

    /// Makes a few directories with a link of each kind, moves them, and removes them.
    fn directories(&mut self) -> Result<()> {
        let [one, two] = ["made", "moved"].map(|name| self.dir.join(directory(DIRECTORIES)).join(name));
        fs::create_dir_all(one.join("below"))?;
        fs::write(one.join("below/file"), "file")?;
        fs::hard_link(one.join("below/file"), one.join("link"))?;
        std::os::unix::fs::symlink("below", one.join("symlink"))?;
        fs::rename(&one, &two)?;
        ensure!(fs::read(two.join("symlink/file"))? == b"file", "a made file is another");
        fs::remove_dir_all(&two)?;
        Ok(())
    }

    /// Moves a projected directory away, looks into it and moves it back.
    fn move_directory(&mut self) -> Result<()> {
        let number = u32::try_from(self.random.below(DIRECTORIES as usize))?;
        let (path, away) = (self.dir.join(directory(number)), self.dir.join("away"));
        fs::rename(&path, &away)?;
        let count = fs::read_dir(&away)?.count();
        let there =
            self.slots.iter().filter(|slot| slot.directory == number && slot.content.is_some()).count();
        ensure!(count == there, "{}: {count} entries, not {there}", away.display());
        fs::rename(&away, &path)?;
        Ok(())
    }

    fn attributes(&mut self, slot: usize) -> Result<()> {
        let slot = &self.slots[slot];
        if slot.changes && slot.content.is_some() {
            let mode = fs::metadata(&slot.path)?.permissions().mode();
            fs::set_permissions(&slot.path, fs::Permissions::from_mode(mode ^ 0o010))?;
        }
        Ok(())
    }

    fn dehydrate(&mut self, projfs: &Path) -> Result<()> {
        let number = u32::try_from(self.random.below(DIRECTORIES as usize))?;
        // What is open or changed is kept, which the exit code says.
        self.command(Command::new(projfs).arg("dehydrate").arg(self.dir.join(directory(number))), &[0, 1])
    }

    fn ask(&mut self, projfs: &Path, slot: usize) -> Result<()> {
        self.command(Command::new(projfs).arg("state").arg(&self.slots[slot].path), &[0, 1])
    }

    fn command(&self, command: &mut Command, codes: &[i32]) -> Result<()> {
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        ensure!(status.code().is_some_and(|code| codes.contains(&code)), "{command:?}: {status}");
        Ok(())
    }
}
