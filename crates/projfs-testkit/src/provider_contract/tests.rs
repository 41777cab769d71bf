//! A provider that keeps all promises passes; one that breaks any single one does not.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use projfs_provider::DirEntries;
use projfs_provider::ProviderTraits;
use projfs_provider::StaticTree;

use super::*;

/// Keeps all promises but one.
struct Liar {
    tree: StaticTree<Vec<u8>>,
    lie: Option<Lie>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    OtherSizeWhenAsked,
    ListedAndNotFound,
    FoundAndNotListed,
    ExistsAndNotFound,
    AnErrorForNotFound,
    FilesCanBeListed,
    MissingCanBeListed,
    TooLittleData,
    RangesAreShifted,
    DirectoriesHaveData,
    Deaf,
    EmptyTarget,
    TimesRunOver,
}

const LIES: [Lie; 13] = [
    Lie::OtherSizeWhenAsked,
    Lie::ListedAndNotFound,
    Lie::FoundAndNotListed,
    Lie::ExistsAndNotFound,
    Lie::AnErrorForNotFound,
    Lie::FilesCanBeListed,
    Lie::MissingCanBeListed,
    Lie::TooLittleData,
    Lie::RangesAreShifted,
    Lie::DirectoriesHaveData,
    Lie::Deaf,
    Lie::EmptyTarget,
    Lie::TimesRunOver,
];

impl Liar {
    fn new(lie: Option<Lie>) -> Self {
        let mut tree = StaticTree::builder();
        let mut insert = |path: &str, info, content: &[u8]| {
            tree.insert(RelPath::new(path.as_bytes()).unwrap(), info, content.to_vec()).unwrap();
        };
        for (path, content) in [("a/b/file", &b"content"[..]), ("a/empty", b""), ("long", &[7; 10_000])] {
            insert(path, PlaceholderInfo::file(content.len() as u64), content);
        }
        let target: &[u8] = if lie == Some(Lie::EmptyTarget) { b"" } else { b"b" };
        insert("a/link", PlaceholderInfo::symlink(target), b"");
        let mut times = projfs_types::FileTimes::default();
        times.write.nanoseconds = if lie == Some(Lie::TimesRunOver) { 1_000_000_000 } else { 999_999_999 };
        insert("a/none", PlaceholderInfo::directory().with_times(times), b"");
        Self { tree: tree.build(), lie }
    }

    fn lies(&self, lie: Lie) -> bool {
        self.lie == Some(lie)
    }
}

impl Provider for Liar {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let mut item = match self.tree.item(request.path()) {
            Err(_) if self.lies(Lie::AnErrorForNotFound) => Err(ProviderErrorKind::Io.into()),
            Err(_) if self.lies(Lie::FoundAndNotListed) => self.tree.item(RelPath::new(b"long").unwrap()),
            other => other,
        }?;
        if item.name.as_bytes() == b"file" {
            match self.lie {
                Some(Lie::OtherSizeWhenAsked) => item.info = PlaceholderInfo::file(3),
                Some(Lie::ListedAndNotFound) => return Err(ProviderError::not_found()),
                _ => {}
            }
        }
        Ok(item)
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        let is_file = self.tree.get(request.path()).is_ok();
        match self.tree.list(request.path()) {
            Err(_) if is_file && self.lies(Lie::FilesCanBeListed) => Ok(DirEntries::default()),
            Err(_) if !is_file && self.lies(Lie::MissingCanBeListed) => Ok(DirEntries::default()),
            other => other,
        }
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        if self.lies(Lie::DirectoriesHaveData) && self.tree.list(request.path()).is_ok() {
            return Ok(());
        }
        let content = self.tree.get(request.path())?;
        let info = self.tree.item(request.path())?.info;
        if !matches!(info.kind, PlaceholderKind::File { .. }) {
            return Err(ProviderErrorKind::InvalidInput.into());
        }
        let shown = match self.lie {
            Some(Lie::TooLittleData) => at(range.start)..at(range.end) - 1,
            _ => at(range.start)..at(range.end),
        };
        let mut data = content[shown].to_vec();
        if self.lies(Lie::RangesAreShifted) && range.start > 0 {
            data[0] ^= 1;
        }
        match sink.write_at(range.start, &data) {
            Err(_) if self.lies(Lie::Deaf) => Ok(()),
            other => other,
        }
    }

    fn exists(&self, request: &Request) -> Result<bool, ProviderError> {
        Ok(self.lies(Lie::ExistsAndNotFound) || self.tree.item(request.path()).is_ok())
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { data: DataAccess::Ranges, ..ProviderTraits::default() }
    }
}

#[test]
fn who_keeps_all_promises_passes() {
    let snapshot = check(&Liar::new(None));
    assert_eq!(snapshot.len(), 7);
    assert_eq!(snapshot[RelPath::new(b"a/b/file").unwrap()].content, b"content");
}

#[test]
fn every_broken_promise_is_found() {
    for lie in LIES {
        let liar = Liar::new(Some(lie));
        assert!(catch_unwind(AssertUnwindSafe(|| check(&liar))).is_err(), "{lie:?} is not found");
    }
}
