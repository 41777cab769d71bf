//! Sources are read as the help says.

use super::*;

/// Repositories are below `/r`, other directories below `/d`.
struct Known(&'static [&'static str]);

impl Look for Known {
    fn is_directory(&self, path: &Path) -> bool {
        self.0.iter().any(|known| Path::new(known) == path)
    }

    fn is_repository(&self, path: &Path) -> bool {
        path.starts_with("/r") && self.is_directory(path)
    }
}

const KNOWN: Known = Known(&["/r/a", "/r/b@home", "/d/a", "/d/a@b"]);

fn git(repository: &str, revision: Option<&str>) -> Source {
    Source::Git {
        repository: repository.into(),
        revision: revision.map(Into::into),
        content: Content::CheckedOut,
    }
}

#[track_caller]
fn is(text: &str, source: Source) {
    assert_eq!(Source::parse(OsStr::new(text), &KNOWN).unwrap(), source, "{text}");
}

#[track_caller]
fn is_refused(text: &str, exit: Exit, words: &str) {
    let failure = Source::parse(OsStr::new(text), &KNOWN).unwrap_err();
    assert_eq!(failure.exit, exit, "{text}: {failure}");
    assert!(failure.message.contains(words), "{text}: {failure}");
}

#[test]
fn kinds_that_are_named() {
    is("dir:/d/a", Source::Dir("/d/a".into()));
    is("dir:/r/a", Source::Dir("/r/a".into()));
    is("dir:/nowhere@x", Source::Dir("/nowhere@x".into()));
    is("git:/r/a", git("/r/a", None));
    is("git:/r/a@v1", git("/r/a", Some("v1")));
    is("git:/nowhere@v1", git("/nowhere", Some("v1")));
    let stored = |repository: &str, revision: &str| Source::Git {
        repository: repository.into(),
        revision: Some(revision.into()),
        content: Content::Stored,
    };
    is("git-raw:/r/a@v1", stored("/r/a", "v1"));
}

#[test]
fn an_at_may_be_of_the_path_or_of_the_revision() {
    is("git:/r/b@home", git("/r/b@home", None));
    is("git:/r/b@home@v1", git("/r/b@home", Some("v1")));
    is("git:/r/a@HEAD@{1}", git("/r/a", Some("HEAD@{1}")));
    is("git:/r/a@@", git("/r/a", Some("@")));
    is("git:/r/a@@{u}", git("/r/a", Some("@{u}")));
}

#[test]
fn bare_paths_are_recognized() {
    is("/r/a", git("/r/a", None));
    is("/r/a@v1", git("/r/a", Some("v1")));
    is("/d/a", Source::Dir("/d/a".into()));
    is("/d/a@b", Source::Dir("/d/a@b".into()));
}

#[test]
fn nonsense_is_refused() {
    is_refused("", Exit::Usage, "names no path");
    is_refused("dir:", Exit::Usage, "names no path");
    is_refused("git:", Exit::Usage, "names no path");
    is_refused("git:/r/a@", Exit::Usage, "no revision");
    is_refused("zip:/a", Exit::Usage, "\"zip:\"");
    is_refused("git-row:/a", Exit::Usage, "\"git-row:\"");
    is_refused("git-raw:", Exit::Usage, "names no path");
    is_refused("/nowhere", Exit::Source, "/nowhere is not a directory");
    is_refused("/d/a@v1", Exit::Source, "not a directory");
}
