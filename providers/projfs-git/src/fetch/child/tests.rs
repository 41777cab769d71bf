use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::*;

fn somebody() -> Attention {
    Attention { waiters: AtomicUsize::new(1) }
}

fn id() -> Id {
    Id::from_bytes(&[7; 20]).unwrap()
}

fn repository() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let status = Command::new("git").args(["init", "-q", "--bare"]).arg(place.path()).status().unwrap();
    assert!(status.success());
    let allow = ["config", "protocol.ext.allow", "always"];
    assert!(Command::new("git").arg("-C").arg(place.path()).args(allow).status().unwrap().success());
    place
}

/// A remote that notes the number of its process and then says nothing.
fn silent(place: &std::path::Path) -> String {
    let script = place.join("silent");
    let pid = place.join("pid");
    let text = format!("echo $$ > {0}.new\nmv {0}.new {0}\nexec cat 3>&1 > /dev/null\n", pid.display());
    std::fs::write(&script, text).unwrap();
    format!("ext::sh {}", script.display())
}

#[test]
fn giving_up_ends_what_is_under_way_and_what_would_follow() {
    let place = repository();
    let git = Arc::new(Git::new(place.path().to_owned(), vec![silent(place.path())]));
    let fetching = std::thread::spawn({
        let git = Arc::clone(&git);
        move || git.fetch(&[id()], &somebody())
    });
    let end = Instant::now() + Duration::from_secs(60);
    while !place.path().join("pid").exists() {
        assert!(Instant::now() < end && !fetching.is_finished(), "nothing was started");
        std::thread::yield_now();
    }
    git.give_up();
    // Somebody waits for it, so it would go on for ever.
    assert!(fetching.join().unwrap().is_err());
    let words = git.fetch(&[id()], &somebody()).unwrap_err();
    assert!(words.ends_with("the projection has ended"), "{words}");
}

#[test]
fn what_git_says_is_told_with_the_remote() {
    let place = repository();
    let git = Git::new(place.path().to_owned(), vec!["nowhere".into(), "/no/such/place".into()]);
    let words = git.fetch(&[id()], &somebody()).unwrap_err();
    for part in ["nowhere: ", "/no/such/place: ", "fatal: ", "; "] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(!words.contains('\n'));
}
