//! `Attributes`: which files a checkout converts, and how.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use gix::attrs::Search;
use gix::attrs::StateRef;
use gix::attrs::search::MetadataCollection;
use gix::attrs::search::Outcome;
use gix::filter::plumbing::eol;
use gix::glob::pattern::Case;
use parking_lot::Mutex;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

use crate::convert::Conversion;
use crate::convert::Ident;
use crate::convert::LineEnds;
use crate::convert::is_utf8;
use crate::error::Source;
use crate::objects::Id;
use crate::objects::Unreadable;

/// The attributes that matter, in the order in which they are asked for.
const NAMES: [&str; 6] = ["text", "crlf", "eol", "ident", "filter", "working-tree-encoding"];

/// What `git` reads of attributes: no longer lines, and no larger files, in bytes.
const LONGEST_LINE: usize = 2048;
const LARGEST_FILE: usize = 100 << 20;

/// How many sets of rules are kept: one for each directory that has a `.gitattributes`.
const MOST_RULES: usize = 4096;

/// The attributes of the machine, of the user and of the repository, and the rules that follow from them.
pub(crate) struct Attributes {
    /// Of the machine, then of the user.
    below: Vec<Listed>,
    /// `info/attributes`, which is above all others.
    above: Option<Listed>,
    case: Case,
    line_ends: eol::Configuration,
    /// The filter drivers that are configured. An attribute that names another one means nothing.
    filters: Vec<Box<[u8]>>,
    rules: Mutex<HashMap<Chain, Arc<Rules>>>,
}

/// The `.gitattributes` of a directory and of those above it that have one, from the root down.
pub(crate) type Chain = Vec<(RelPathBuf, Id)>;

/// What is true in one directory.
pub(crate) struct Rules {
    search: Search,
    names: MetadataCollection,
    relevance: Relevance,
    case: Case,
    line_ends: eol::Configuration,
    filters: Vec<Box<[u8]>>,
}

/// Whether any file at all may be converted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relevance {
    None,
    Some,
}

struct Listed {
    path: PathBuf,
    content: Vec<u8>,
}

impl Attributes {
    /// Reads what does not come from trees. `own` is what is read besides the repository's own: nothing in tests.
    ///
    /// # Errors
    /// Configuration that makes no sense, and files that cannot be read.
    pub(crate) fn of(
        repository: &gix::Repository,
        own: gix::open::permissions::Attributes,
    ) -> Result<Self, Source> {
        let options = gix::filter::Pipeline::options(repository)?;
        let config = repository.config_snapshot();
        let mut variable = |name: &str| std::env::var_os(name);
        let system = own.system.then(|| gix::attrs::Source::System.storage_location(&mut variable)).flatten();
        let user = match config.trusted_path("core.attributesFile")? {
            Some(path) => Some(path),
            None => own.git.then(|| gix::attrs::Source::Git.storage_location(&mut variable)).flatten(),
        };
        let mut below = Vec::new();
        for path in system.into_iter().chain(user) {
            below.extend(Listed::read(path)?);
        }
        let ignore_case = config.boolean("core.ignoreCase").unwrap_or(false);
        Ok(Self {
            below,
            above: Listed::read(repository.common_dir().join("info/attributes"))?,
            case: if ignore_case { Case::Fold } else { Case::Sensitive },
            line_ends: options.eol_config,
            filters: options.drivers.iter().map(|driver| driver.name.to_vec().into()).collect(),
            rules: Mutex::default(),
        })
    }

    /// The rules for a directory. `read` gives the content of a `.gitattributes`.
    ///
    /// # Errors
    /// What `read` gives.
    pub(crate) fn rules(
        &self,
        chain: &Chain,
        read: impl Fn(Id) -> Result<Vec<u8>, Unreadable>,
    ) -> Result<Arc<Rules>, Unreadable> {
        if let Some(rules) = self.rules.lock().get(chain) {
            return Ok(Arc::clone(rules));
        }
        let mut rules = Rules {
            search: Search::default(),
            names: MetadataCollection::default(),
            relevance: if self.line_ends.auto_crlf == eol::AutoCrlf::Enabled {
                Relevance::Some
            } else {
                Relevance::None
            },
            case: self.case,
            line_ends: self.line_ends,
            filters: self.filters.clone(),
        };
        rules.add(b"[attr]binary -diff -merge -text", Path::new("[builtin]"), None)?;
        for listed in &self.below {
            rules.add(&listed.content, &listed.path, None)?;
        }
        for (directory, id) in chain {
            let path = Path::new(OsStr::from_bytes(directory.as_bytes())).join(".gitattributes");
            rules.add(&read(*id)?, &path, Some(directory))?;
        }
        if let Some(listed) = &self.above {
            rules.add(&listed.content, &listed.path, None)?;
        }
        let rules = Arc::new(rules);
        let mut kept = self.rules.lock();
        if kept.len() >= MOST_RULES {
            kept.clear();
        }
        kept.insert(chain.clone(), Arc::clone(&rules));
        Ok(rules)
    }
}

impl Listed {
    fn read(path: PathBuf) -> io::Result<Option<Self>> {
        match std::fs::read(&path) {
            Ok(content) => Ok(Some(Self { path, content })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Rules {
    /// Adds a file of attributes, which goes before those that are there. Macros count outside of trees and at the top
    /// of one.
    fn add(&mut self, content: &[u8], path: &Path, directory: Option<&RelPath>) -> Result<(), Unreadable> {
        if content.len() > LARGEST_FILE {
            return Ok(());
        }
        let lines = content.split_inclusive(|&byte| byte == b'\n');
        let content: Vec<u8> = lines.filter(|line| line.len() <= LONGEST_LINE).flatten().copied().collect();
        if is_relevant(&content) {
            self.relevance = Relevance::Some;
        }
        let macros = directory.is_none_or(|directory| directory.as_bytes().is_empty());
        let root = directory.map(|_| Path::new(""));
        let added = self.search.add_patterns_buffer(&content, path.to_owned(), root, &mut self.names, macros);
        added.map_err(|error| Unreadable::broken(format!("attributes: {error}")))
    }

    /// What becomes of the file at `path`; nothing if its blob is its content.
    ///
    /// # Errors
    /// A name that is too long.
    pub(crate) fn conversion(&self, path: &RelPath) -> Result<Option<Conversion>, Unreadable> {
        if self.relevance == Relevance::None {
            return Ok(None);
        }
        let mut found = Outcome::default();
        found.initialize_with_selection(&self.names, NAMES);
        self.search.pattern_matching_relative_path(
            path.as_bytes().into(),
            self.case,
            Some(false),
            &mut found,
        );
        let mut states = found.iter_selected().map(|found| State::from(found.assignment.state));
        let mut next = || states.next().unwrap_or(State::Unspecified);
        let (text, crlf, eol, ident, filter, encoding) = (next(), next(), next(), next(), next(), next());
        let encoding = match encoding {
            State::Value(name) if !is_utf8(&name) => Some(name),
            State::Value(_) | State::Unspecified => None,
            State::Set | State::Unset => {
                return Err(Unreadable::broken("its working-tree-encoding is not a name".into()));
            }
        };
        let filter = match filter {
            State::Value(name) if self.filters.contains(&name) => Some(name),
            State::Value(_) | State::Set | State::Unset | State::Unspecified => None,
        };
        let ident = if ident == State::Set { Ident::Expanded } else { Ident::Kept };
        Conversion { line_ends: self.line_ends(&text, &crlf, &eol), ident, encoding, filter }.checked()
    }

    /// `text` is asked first, the older `crlf` next, and `eol` makes everything text that is not said to be binary.
    fn line_ends(&self, text: &State, crlf: &State, eol: &State) -> LineEnds {
        let configured = self.line_ends.to_eol() == eol::Mode::CrLf;
        let said = text.text().or_else(|| crlf.text());
        match (said, eol.value()) {
            (Some(Text::No), _) => LineEnds::Kept,
            (_, Some(b"lf")) => LineEnds::Kept,
            (Some(Text::Auto), Some(b"crlf")) => LineEnds::CrlfInText,
            (_, Some(b"crlf")) => LineEnds::Crlf,
            (Some(Text::Input), _) => LineEnds::Kept,
            (Some(Text::Yes), _) if configured => LineEnds::Crlf,
            (Some(Text::Auto), _) if configured => LineEnds::CrlfInText,
            (Some(Text::Yes | Text::Auto), _) => LineEnds::Kept,
            (None, _) if self.line_ends.auto_crlf == eol::AutoCrlf::Enabled => LineEnds::CrlfInText,
            (None, _) => LineEnds::Kept,
        }
    }
}

/// Whether anything is said of an attribute that matters.
fn is_relevant(content: &[u8]) -> bool {
    gix::attrs::parse(content).flatten().any(|(_, assignments, _)| {
        assignments.flatten().any(|assignment| NAMES.contains(&assignment.name.as_str()))
    })
}

/// What is said of an attribute.
#[derive(PartialEq, Eq)]
enum State {
    Unspecified,
    Set,
    Unset,
    Value(Box<[u8]>),
}

/// What `text` or `crlf` says.
enum Text {
    No,
    Yes,
    Auto,
    Input,
}

impl State {
    fn value(&self) -> Option<&[u8]> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unspecified | Self::Set | Self::Unset => None,
        }
    }

    fn text(&self) -> Option<Text> {
        match self {
            Self::Unspecified => None,
            Self::Set => Some(Text::Yes),
            Self::Unset => Some(Text::No),
            Self::Value(value) => match &**value {
                b"auto" => Some(Text::Auto),
                b"input" => Some(Text::Input),
                _ => None,
            },
        }
    }
}

impl From<StateRef<'_>> for State {
    fn from(state: StateRef<'_>) -> Self {
        match state {
            StateRef::Set => Self::Set,
            StateRef::Unset => Self::Unset,
            StateRef::Unspecified => Self::Unspecified,
            StateRef::Value(value) => Self::Value(value.as_bstr().to_vec().into()),
        }
    }
}
