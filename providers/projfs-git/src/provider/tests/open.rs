//! What can be opened, and what is said of what cannot.

use std::error::Error as _;
use std::fs;
use std::path::Path;

use projfs_testkit::provider_contract;

use super::Repository;
use super::make;
use super::path;
use crate::ErrorKind;
use crate::GitProvider;

fn refusal(repository: &Path, revision: Option<&str>) -> ErrorKind {
    let error = GitProvider::open(repository, revision).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(repository.to_str().unwrap()), "{text}");
    if error.kind() != ErrorKind::NotARepository {
        assert!(text.contains(revision.unwrap_or("HEAD")), "{text}");
    }
    error.kind()
}

#[test]
fn a_repository_is_found_however_it_is_laid_out() {
    let repository = make("sha1");
    let expected = provider_contract::check(&GitProvider::open(repository.path(), None).unwrap());
    let elsewhere = tempfile::tempdir().unwrap();
    let place = |name: &str| elsewhere.path().join(name);
    let place_text = |name: &str| place(name).to_str().unwrap().to_owned();
    repository.git(&["clone", "-q", "--bare", ".", &place_text("bare")]);
    repository.git(&["clone", "-q", "--shared", "--no-checkout", ".", &place_text("borrows")]);
    repository.git(&["worktree", "add", "-q", "--no-checkout", &place_text("worktree"), "-b", "other"]);
    let check = |found: &Path| {
        let provider = GitProvider::open(found, None).unwrap();
        assert!(provider_contract::check(&provider) == expected, "{found:?} differs");
    };
    check(&repository.path().join("a/b"));
    check(&repository.path().join(".git"));
    check(&place("bare"));
    check(&place("borrows"));
    check(&place("worktree"));
    repository.git(&["init", "-q", "--separate-git-dir", &place_text("separate")]);
    check(&place("separate"));
    check(repository.path());
}

#[test]
fn a_revision_is_whatever_leads_to_a_commit() {
    let repository = make("sha1");
    let first = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "light"]);
    repository.git(&["tag", "-a", "-m", "annotated", "heavy"]);
    repository.git(&["tag", "-a", "-m", "tag of a tag", "heavier", "heavy"]);
    repository.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    repository.git(&["pack-refs", "--all"]);
    for revision in
        ["HEAD~1", "HEAD^", "main~", "light", "heavy", "heavier", "refs/tags/heavy", &first, &first[..9]]
    {
        let provider = GitProvider::open(repository.path(), Some(revision)).unwrap();
        assert_eq!(provider.commit_id(), first, "{revision}");
        let description = provider.describe();
        assert_eq!(description.revision, revision);
        assert_eq!(description.commit, first);
        assert!(description.to_string().contains(&first[..12]), "{description}");
    }
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    let nothing = tempfile::tempdir().unwrap();
    assert_eq!(refusal(&nothing.path().join("missing"), None), ErrorKind::NotARepository);
    assert_eq!(refusal(nothing.path(), None), ErrorKind::NotARepository);

    let unborn = Repository::init(&[]);
    assert_eq!(refusal(unborn.path(), None), ErrorKind::NoSuchRevision);

    let repository = make("sha1");
    for revision in ["no-such-branch", "", "HEAD~99", "HEAD:missing", "..", "@{", &"0".repeat(40)] {
        assert_eq!(refusal(repository.path(), Some(revision)), ErrorKind::NoSuchRevision, "{revision:?}");
    }
    repository.git(&["tag", "-a", "-m", "of a blob", "blob", "HEAD:README"]);
    for revision in ["HEAD^{tree}", "HEAD:a", "HEAD:README", "blob"] {
        assert_eq!(refusal(repository.path(), Some(revision)), ErrorKind::NotACommit, "{revision:?}");
    }

    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]);
    fs::remove_file(repository.object(&tree)).unwrap();
    assert_eq!(refusal(repository.path(), None), ErrorKind::Unreadable);
    let error = GitProvider::open(repository.path(), None).unwrap_err();
    assert!(error.source().unwrap().to_string().contains(&tree));

    fs::write(repository.path().join(".git/config"), "[core\n").unwrap();
    assert_eq!(refusal(repository.path(), None), ErrorKind::Unreadable);
}

#[test]
fn an_empty_commit_projects_nothing() {
    let repository = Repository::init(&[]);
    repository.git(&["commit", "-q", "--allow-empty", "-m", "empty"]);
    let provider = GitProvider::open(repository.path(), None).unwrap();
    assert!(provider_contract::check(&provider).is_empty());
    assert!(super::describe(&provider, path(b"x").as_bytes()).is_err());
}
