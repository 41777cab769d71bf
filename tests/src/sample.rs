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
}

impl Tree {
    /// The tree that is called so.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Empty, Self::Small, Self::Many, Self::Workers, Self::Storm]
            .into_iter()
            .find(|tree| tree.name() == name)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Small => "small",
            Self::Many => "many",
            Self::Workers => "workers",
            Self::Storm => "storm",
        }
    }
}

/// The content of a projected file.
#[derive(Clone, Debug)]
enum Content {
    None,
    Bytes(Box<[u8]>),
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
            Content::Pattern => {
                let bytes: Vec<u8> = range.clone().map(pattern).collect();
                sink.write_at(range.start, &bytes)
            }
        }
    }
}
