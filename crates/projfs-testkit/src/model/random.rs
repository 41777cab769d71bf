//! Random operations, and the search for the shortest sequence that fails.

use std::time::Duration;
use std::time::Instant;

use projfs_engine::RenameHow;
use projfs_types::ExtendedAttributes;
use projfs_types::ItemName;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPathBuf;
use projfs_types::UpdateFlags;

use super::Failure;
use super::Kind;
use super::Model;
use super::Op;
use super::Outcome;
use super::Subject;
use super::journal;
use crate::projection::Projection;

/// How long the shortest sequence that fails is looked for.
const SEARCH: Duration = Duration::from_secs(30);

/// How much is done, and what with.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// What the random numbers follow from.
    pub seed: u64,
    /// How many operations, over all rounds.
    pub operations: usize,
    /// How many operations one tree sees.
    pub round: usize,
    /// After how many operations the whole tree is compared.
    pub compare: usize,
}

/// Random numbers, the same for the same seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts at a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).unwrap_or(0)
    }

    /// Whether something happens that happens `percent` times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..=self.below(most)).map(|_| b'a' + u8::try_from(self.below(26)).unwrap_or(0)).collect()
    }
}

impl Run {
    /// The run that `PROJFS_SEED` and `PROJFS_OPS` ask for; by default a seed of the moment, and `operations`.
    pub fn from_environment(operations: usize) -> Self {
        let asked = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let moment = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seed = moment.map_or(0, |moment| moment.as_nanos() as u64);
        Self {
            seed: asked("PROJFS_SEED").unwrap_or(seed),
            operations: asked("PROJFS_OPS").map_or(operations, |asked| usize::try_from(asked).unwrap_or(0)),
            round: 400,
            compare: 20,
        }
    }
}

/// What all runs project: some of everything, with and without extended attributes, two directories with the same names in them, an empty one.
pub fn projection() -> Projection {
    Projection::default()
        .with("a", given(PlaceholderInfo::file(16)), b"the content of a".to_vec())
        .with("b", given(PlaceholderInfo::file(0)), Vec::new())
        .file("c", vec![b'c'; 300])
        .symlink("l", "/dev/null/l")
        .with("d", given(PlaceholderInfo::directory()), Vec::new())
        .with("d/a", given(PlaceholderInfo::file(18)), b"the content of d/a".to_vec())
        .file("d/b", "the content of d/b")
        .directory("d/d")
        .file("d/d/a", "deep")
        .symlink("d/d/l", "/dev/null/dl")
        .directory("d/e")
        .with("e", given(PlaceholderInfo::directory()), Vec::new())
        .file("e/a", "the content of e/a, and more")
        .directory("e/d")
        .file("e/d/c", "the content of e/d/c")
        .directory("f")
}

/// The same with extended attributes, one of them under a name that operations use too.
fn given(info: PlaceholderInfo) -> PlaceholderInfo {
    let extended = ExtendedAttributes::found([("user.one", "given"), ("user.given", "")]);
    info.with_extended_attributes(extended)
}

const XATTRS: [&[u8]; 2] = [b"user.one", b"user.two"];
const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "l", "x", "y"];

/// A path: one that is to be seen, or perhaps one next to it.
fn path(random: &mut Random, seen: &[(RelPathBuf, Kind)]) -> RelPathBuf {
    let name = ItemName::new(NAMES[random.below(NAMES.len())].as_bytes()).expect("a name");
    let near = if seen.is_empty() { RelPathBuf::root() } else { seen[random.below(seen.len())].0.clone() };
    match random.below(10) {
        0..7 if !near.is_root() => near,
        7 => RelPathBuf::root().join(name),
        8 => near.join(name),
        _ => match near.split_last() {
            Some((parent, _)) => parent.join(name),
            None => near.join(name),
        },
    }
}

/// Mostly everything, so that something happens.
fn flags(random: &mut Random) -> UpdateFlags {
    if random.chance(70) {
        UpdateFlags::all()
    } else {
        UpdateFlags::from_bits_truncate(random.number() as u32)
    }
}

/// An operation that a kernel would pass on for what is to be `seen`: it opens no link and no FIFO.
pub fn operation(random: &mut Random, seen: &[(RelPathBuf, Kind)]) -> Op {
    let kind = |path: &RelPathBuf| seen.iter().find(|(known, _)| known == path).map(|(_, kind)| *kind);
    let opens = |path: &RelPathBuf| !matches!(kind(path), Some(Kind::Symlink | Kind::Special));
    let path = path(random, seen);
    let other = self::path(random, seen);
    let (slot, data, offset) = (random.below(4), random.bytes(40), random.number() % 50);
    let write = random.chance(40);
    let how = match random.below(10) {
        0..6 => RenameHow::Replace,
        6 | 7 => RenameHow::NoReplace,
        _ => RenameHow::Exchange,
    };
    let name = XATTRS[random.below(XATTRS.len())].to_vec();
    match random.below(100) {
        0..6 => Op::Create { path, mode: 0o600 | (random.below(0o100) as u32) },
        6..12 => Op::Mkdir { path, mode: 0o700 | (random.below(0o100) as u32) },
        12..14 => Op::Symlink { path, target: [b"/dev/null/", &*data].concat() },
        14 => Op::Mkfifo { path },
        15..21 if opens(&path) => Op::Write { path, offset, data },
        21..24 if opens(&path) => Op::Truncate { path, size: if write { 0 } else { offset } },
        24..28 if kind(&path) != Some(Kind::Symlink) => {
            Op::Chmod { path, mode: 0o600 | (random.below(0o100) as u32) }
        }
        28..30 => Op::SetTime { path, seconds: 2_000_000 + i64::from(random.below(1000) as u32) },
        30..32 if opens(&path) => Op::SetXattr { path, name, value: data },
        32 if opens(&path) => Op::RemoveXattr { path, name },
        33 if opens(&path) && write => Op::GetXattr { path, name },
        33 if opens(&path) => Op::ListXattr { path },
        34..41 => Op::Unlink { path },
        41..47 => Op::Rmdir { path },
        47..59 => Op::Rename { from: path, to: other, how },
        59..63 => Op::Link { from: path, to: other },
        63..67 if opens(&path) => Op::Open { slot, path, write },
        67..70 => Op::ReadSlot { slot },
        70..72 => Op::WriteSlot { slot, offset, data },
        72 => Op::Close { slot },
        73 => Op::Hydrate { path },
        74..77 => Op::Dehydrate { path: if random.chance(10) { RelPathBuf::root() } else { path } },
        77 => Op::Discard { path: if random.chance(10) { RelPathBuf::root() } else { path } },
        78 => Op::Restart,
        79..83 => {
            let mode = if random.chance(20) { 0o444 } else { 0o600 | (random.below(0o100) as u32) };
            Op::Update { path, flags: flags(random), version: random.number(), mode, data }
        }
        83..86 => Op::Drop { path, flags: flags(random) },
        86..89 if opens(&path) => Op::Read { path },
        89 => Op::ReadLink { path },
        90..95 => Op::List { path: if random.chance(10) { RelPathBuf::root() } else { path } },
        _ => Op::Stat { path },
    }
}

/// Does random things to a new subject for each round, and to a model, and compares. A failure is printed with the
/// shortest sequence found that leads to it.
///
/// # Panics
/// If the subject differs from the model.
pub fn run<S: Subject>(run: Run, mut new: impl FnMut(&Projection) -> S) {
    println!("PROJFS_SEED={} PROJFS_OPS={}", run.seed, run.operations);
    let mut random = Random::new(run.seed);
    let mut done = 0;
    while done < run.operations {
        let count = run.round.min(run.operations - done);
        let projected = projection();
        let (mut model, mut subject) = (Model::new(projected.clone()), new(&projected));
        let mut ops = Vec::new();
        for at in 0..count {
            let seen: Vec<_> = model.tree().into_iter().map(|(path, (seen, _))| (path, seen.kind)).collect();
            let op = operation(&mut random, &seen);
            ops.push(op.clone());
            let whole = at % run.compare == run.compare - 1;
            let last = at + 1 == count;
            let stepped = step(&mut model, &mut subject, &op, whole);
            if let Err(what) =
                stepped.and_then(|()| if last { finish(&mut model, &mut subject) } else { Ok(()) })
            {
                drop(subject);
                println!(
                    "seed {}, operation {}: {what}; looking for less that leads to it",
                    run.seed,
                    done + at
                );
                let (ops, failure) = shorten(ops, Failure { at, what }, &mut new);
                let list: Vec<_> = ops.iter().map(|op| format!("  {op:?}")).collect();
                panic!("seed {}, operation {}: {}\n{}", run.seed, done + at, failure.what, list.join("\n"));
            }
        }
        done += count;
    }
}

fn step(model: &mut Model, subject: &mut impl Subject, op: &Op, whole: bool) -> Result<(), String> {
    if !model.says_all_of(op) || !subject.knows_placeholders() && !model.is_sure_of(op) {
        return Ok(());
    }
    if !subject.knows_placeholders() {
        model.settle(op, &mut |path| subject.word(path));
    }
    let (expected, actual) = (model.apply(op), subject.apply(op));
    if !expected.agrees(&actual) {
        return Err(format!("{op:?} gives {actual:?}, expected {expected:?}"));
    }
    let entries = model.take_entries();
    journal::compare(op, subject.told(), entries, subject.entries())?;
    match (op, &actual) {
        (Op::Stat { path }, Outcome::Seen(seen)) => model.number(path, seen.number),
        (Op::List { path }, Outcome::Listed(listed)) => {
            for (name, seen) in listed {
                let name = ItemName::new(name).map_err(|error| error.to_string())?;
                model.number(&path.join(name), seen.number);
            }
        }
        _ => {}
    }
    if whole { compare(model, subject) } else { Ok(()) }
}

/// Compares everything that can be seen without changing anything: states, listings.
fn compare(model: &mut Model, subject: &mut impl Subject) -> Result<(), String> {
    if let Some((one, other)) = model.twins() {
        return Err(format!("one number for {one} and {other}"));
    }
    let tree = model.tree();
    if subject.has_words() {
        for (path, (_, word)) in &tree {
            let actual = subject.word(path);
            if !actual.is_some_and(|actual| subject.same_word(*word, actual)) {
                return Err(format!("{path} is {actual:?}, expected {word:?}"));
            }
        }
    }
    // Listing a directory makes it a placeholder, and so is done in the model as well.
    let mut dirs = vec![RelPathBuf::root()];
    dirs.extend(
        tree.iter().filter(|(_, (seen, _))| seen.kind == Kind::Directory).map(|(path, _)| path.clone()),
    );
    dirs.iter().try_for_each(|path| step(model, subject, &Op::List { path: path.clone() }, false))
}

/// Compares all attributes and content as well, at the end of a round.
fn finish(model: &mut Model, subject: &mut impl Subject) -> Result<(), String> {
    for (path, (seen, _)) in model.tree() {
        step(model, subject, &Op::Stat { path: path.clone() }, false)?;
        let op = match seen.kind {
            Kind::File => Op::Read { path },
            Kind::Symlink => Op::ReadLink { path },
            Kind::Directory | Kind::Special => Op::Stat { path },
        };
        step(model, subject, &op, false)?;
        if let Op::Read { path } | Op::Stat { path } = op
            && seen.kind != Kind::Special
        {
            step(model, subject, &Op::ListXattr { path: path.clone() }, false)?;
            for name in XATTRS {
                step(model, subject, &Op::GetXattr { path: path.clone(), name: name.to_vec() }, false)?;
            }
        }
    }
    compare(model, subject)
}

/// Plays operations on a new subject; how it fails, if it does.
fn replay<S: Subject>(ops: &[Op], new: &mut impl FnMut(&Projection) -> S) -> Option<Failure> {
    let projected = projection();
    let (mut model, mut subject) = (Model::new(projected.clone()), new(&projected));
    for (at, op) in ops.iter().enumerate() {
        if let Err(what) = step(&mut model, &mut subject, op, true) {
            return Some(Failure { at, what });
        }
    }
    finish(&mut model, &mut subject).err().map(|what| Failure { at: ops.len().saturating_sub(1), what })
}

/// Leaves out whatever is not needed for a failure.
fn shorten<S: Subject>(
    mut ops: Vec<Op>,
    mut failure: Failure,
    new: &mut impl FnMut(&Projection) -> S,
) -> (Vec<Op>, Failure) {
    let end = Instant::now() + SEARCH;
    let mut chunk = ops.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < ops.len() && Instant::now() < end {
            let mut fewer = ops.clone();
            fewer.drain(at..(at + chunk).min(fewer.len()));
            // Another failure, of operations that nobody passes on in this order, is not looked for.
            match replay(&fewer, new).filter(|found| sort(&found.what) == sort(&failure.what)) {
                Some(found) => {
                    fewer.truncate(found.at + 1);
                    (ops, failure) = (fewer, found);
                }
                None => at += chunk,
            }
        }
        chunk /= 2;
    }
    (ops, failure)
}

/// What sort of failure it is.
fn sort(what: &str) -> &str {
    if what.contains(" is ") { "a state" } else { what.split([' ', '{']).next().unwrap_or(what) }
}
