//! `Sample`: trees to project.

use std::ops::Range;

use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::Request;
use projfs_provider::StaticTree;
use projfs_provider::StaticTreeBuilder;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::Timestamp;

/// A tree to project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tree {
    /// Nothing at all.
    #[default]
    Empty,
    /// A few items of every kind.
    Small,
    /// `many/0` to `many/99999`, each 16 bytes long, and what is in the small one.
    Many,
    /// A directory for each of four workers, `w0` to `w3`, and one that they share.
    Workers,
    /// A storm, in its first generation.
    Storm,
    /// A [`Generated`](crate::Generated) tree of a thousand directories of a hundred files each.
    HundredThousand,
    /// One of one directory of a hundred thousand files.
    HundredThousandInOne,
    /// One of one directory of a million files.
    MillionInOne,
    /// One of ten thousand directories of a thousand files each.
    TenMillion,
    /// A directory for each fault of a provider, until there is a file `mended` beside the root.
    Faults,
    /// What [`pieces`] says, some of it delivered in pieces.
    Pieces,
}

impl Tree {
    const ALL: [Self; 11] = [
        Self::Empty,
        Self::Small,
        Self::Many,
        Self::Workers,
        Self::Pieces,
        Self::Storm,
        Self::HundredThousand,
        Self::HundredThousandInOne,
        Self::MillionInOne,
        Self::TenMillion,
        Self::Faults,
    ];

    /// The tree that is called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tree| tree.name() == name)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Small => "small",
            Self::Many => "many",
            Self::Workers => "workers",
            Self::Pieces => "pieces",
            Self::Storm => "storm",
            Self::HundredThousand => "hundred-thousand",
            Self::HundredThousandInOne => "hundred-thousand-in-one",
            Self::MillionInOne => "million-in-one",
            Self::TenMillion => "ten-million",
            Self::Faults => "faults",
        }
    }

    /// How many directories and files in each there are, if it is generated.
    pub fn generated(self) -> Option<(u32, u32)> {
        match self {
            Self::HundredThousand => Some((1000, 100)),
            Self::HundredThousandInOne => Some((1, 100_000)),
            Self::MillionInOne => Some((1, 1_000_000)),
            Self::TenMillion => Some((10_000, 1000)),
            Self::Empty
            | Self::Small
            | Self::Many
            | Self::Workers
            | Self::Storm
            | Self::Pieces
            | Self::Faults => None,
        }
    }
}

/// The content of a projected file.
#[derive(Clone, Debug)]
enum Content {
    None,
    Bytes(Box<[u8]>),
    /// Delivered in pieces of so many bytes, the last one first.
    Pieces(Box<[u8]>, usize),
    /// As long as the size says, each byte made from its offset.
    Pattern,
}

/// A provider that holds a tree in memory.
pub struct Sample(StaticTree<Content>);

/// The time of everything that is projected: with nanoseconds, so that a loss of them shows.
pub const TIME: Timestamp = Timestamp { seconds: 1_600_000_000, nanoseconds: 123_456_789 };

/// How many files are in `many`.
pub const MANY: usize = 100_000;

/// How many workers have a directory.
pub const WORKERS: usize = 4;

/// The byte of a patterned file at `offset`.
pub fn pattern(offset: u64) -> u8 {
    (offset.wrapping_mul(31) ^ (offset >> 8)) as u8
}

/// The items of [`Tree::Pieces`]: each path, and a file's content, which has no zeros.
pub fn pieces() -> Vec<(String, Option<Vec<u8>>)> {
    const SIZES: [usize; 7] = [0, 10, 3000, 4096, 5000, 70_000, 300_000];
    let mut items = Vec::new();
    for (number, dir) in ["p0", "p1", "p1/deep", "p2"].into_iter().enumerate() {
        items.push((dir.to_owned(), None));
        for (index, size) in SIZES.into_iter().enumerate() {
            let byte = |at: usize| 1 + (at / 7 + at % 11 + 37 * index + 101 * number) % 255;
            let content = (0..size).map(|at| byte(at) as u8).collect();
            items.push((format!("{dir}/f{index}"), Some(content)));
        }
    }
    items
}

/// Why a sample could not be made: a mistake in this file.
type Mistake = Box<dyn std::error::Error + Send + Sync>;

struct Builder(StaticTreeBuilder<Content>);

impl Builder {
    fn insert(&mut self, path: &str, info: PlaceholderInfo, content: Content) -> Result<(), Mistake> {
        let path = RelPath::new(path.as_bytes())?;
        Ok(self.0.insert(path, info.with_time(TIME), content)?)
    }

    fn text(&mut self, path: &str, text: &str, mode: u16) -> Result<(), Mistake> {
        let info = PlaceholderInfo::file(text.len() as u64).with_mode(mode);
        self.insert(path, info, Content::Bytes(text.as_bytes().into()))
    }

    fn pattern(&mut self, path: &str, size: u64) -> Result<(), Mistake> {
        self.insert(path, PlaceholderInfo::file(size), Content::Pattern)
    }
}

impl Sample {
    /// A provider of `tree`.
    ///
    /// # Errors
    /// A mistake in this file.
    pub fn new(tree: Tree) -> Result<Self, Mistake> {
        let implied = PlaceholderInfo::directory().with_time(TIME);
        let mut builder = Builder(StaticTree::builder().implied(implied));
        if matches!(tree, Tree::Small | Tree::Many) {
            builder.text("projected/hello", "Hello!\n", 0o644)?;
            builder.text("projected/script", "#!/bin/sh\necho projected\n", 0o755)?;
            builder.text("projected/deep/er/file", "deep\n", 0o600)?;
            builder.pattern("projected/large", 3 << 20)?;
            builder.text("projected/empty", "", 0o644)?;
            builder.insert("projected/link", PlaceholderInfo::symlink(*b"hello"), Content::None)?;
            builder.insert("projected/bare", PlaceholderInfo::directory(), Content::None)?;
        }
        if tree == Tree::Many {
            for number in 0..MANY {
                builder.pattern(&format!("many/{number}"), 16)?;
            }
        }
        if tree == Tree::Workers {
            for worker in 0..WORKERS {
                for name in ["f0", "f1", "f2", "d0/f0", "d0/f1", "d1/f0"] {
                    builder.text(&format!("w{worker}/{name}"), "projected\n", 0o644)?;
                }
            }
            for name in ["s0", "s1", "s2"] {
                builder.text(&format!("shared/{name}"), "projected\n", 0o644)?;
            }
        }
        if tree == Tree::Pieces {
            for (number, (path, bytes)) in pieces().into_iter().enumerate() {
                let Some(bytes) = bytes else { continue };
                let info = PlaceholderInfo::file(bytes.len() as u64);
                // As a whole, in blocks, and so that pieces share blocks.
                let content = match number % 3 {
                    0 => Content::Bytes(bytes.into()),
                    1 => Content::Pieces(bytes.into(), 4096),
                    _ => Content::Pieces(bytes.into(), 3000),
                };
                builder.insert(&path, info, content)?;
            }
        }
        Ok(Self(builder.0.build()))
    }
}

impl Provider for Sample {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.0.item(request.path())
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        self.0.list(request.path())
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        match self.0.get(request.path())? {
            Content::None => Err(ProviderError::not_found()),
            Content::Bytes(bytes) => sink.write_at(0, bytes),
            Content::Pieces(bytes, length) => {
                let mut pieces = bytes.chunks(*length).enumerate().rev();
                pieces.try_for_each(|(number, piece)| sink.write_at((number * length) as u64, piece))
            }
            Content::Pattern => {
                let bytes: Vec<u8> = range.clone().map(pattern).collect();
                sink.write_at(range.start, &bytes)
            }
        }
    }
}
