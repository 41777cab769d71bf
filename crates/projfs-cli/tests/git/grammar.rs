//! Sequences that nobody thought of.

use projfs_testkit::model::Random;

const FILES: &[&str] = &[
    "README",
    "src/f0",
    "src/f1",
    "src/f2",
    "src/new",
    "src/deep/f0",
    "src/deep/er/f1",
    "lib/f0",
    "lib/f2",
    "lib/sub/f0",
    "doc/f0",
    "doc/note.txt",
    "tools/run",
    "tools/g1",
    "dir0",
    "dir/a",
    "link",
    "empty",
    "deep/er/f0",
    "new/one",
    "new/two",
    "a.o",
    "src/x.tmp",
    "lib/gen1",
    "out/x",
    "x.log",
    ".gitignore",
    "src/.gitignore",
];
const DIRECTORIES: &[&str] = &[
    "src", "src/deep", "lib", "lib/sub", "doc", "tools", "deep", "new", "dir", "dir0", "dir.x", "link",
    "away",
];
const REVISIONS: &[&str] =
    &["main", "topic", "swap", "moved", "modes", "ignores", "conflict", "base", "work", "HEAD~1", "HEAD"];
const WORDS: &[&str] = &["apple", "pear", "plum", "quince"];

/// The next step: now and then several at once, so that git sees no more than what they come to.
pub(super) fn step(random: &mut Random) -> String {
    let mut step = single(random);
    while random.chance(20) {
        step = format!("{step} + {}", single(random));
    }
    step
}

fn single(random: &mut Random) -> String {
    let file = pick(random, FILES);
    let other = pick(random, FILES);
    let dir = pick(random, DIRECTORIES);
    let dir_to = pick(random, DIRECTORIES);
    let revision = pick(random, REVISIONS);
    let word = pick(random, WORDS);
    match random.below(64) {
        0..=4 => format!("write {file} {word}"),
        5..=7 => format!("append {file} {word}"),
        8..=9 => format!("rm {file}"),
        10 => format!("rmr {dir}"),
        11 => format!("mv {file} {other}"),
        12..=13 => format!("mv {dir} {dir_to}"),
        14 => format!("chmod {} {file}", pick(random, &["755", "644"])),
        15 => format!("ln {other} {file}"),
        16 => format!("mkdir {dir}"),
        17..=20 => "git add -A".to_owned(),
        21 => format!("git add {file}"),
        22..=24 => format!("git commit -m {word}"),
        25..=26 => format!("git commit -am {word}"),
        27 => "git commit --amend --no-edit".to_owned(),
        28..=31 => format!("git checkout {revision}"),
        32 => format!("git checkout -f {revision}"),
        33 => format!("git checkout {revision} -- {file}"),
        34 => format!("git checkout -- {dir}"),
        35 => format!("git switch -c {word}-{}", random.below(3)),
        36..=37 => format!("git reset --hard {revision}"),
        38 => format!("git reset {} {revision}", pick(random, &["--soft", "--mixed", "--keep", "--merge"])),
        39 => "git reset --hard".to_owned(),
        40..=41 => "git stash".to_owned(),
        42 => "git stash -u".to_owned(),
        43..=44 => "git stash pop".to_owned(),
        45..=46 => format!("git merge {revision}"),
        47 => "git merge --abort".to_owned(),
        48 => format!("git rebase {revision}"),
        49 => format!("git rebase {}", pick(random, &["--abort", "--continue", "--skip"])),
        50 => format!("git cherry-pick {revision}"),
        51 => format!("git cherry-pick {}", pick(random, &["--abort", "--continue", "--skip"])),
        52 => "git revert --no-edit HEAD".to_owned(),
        53 => format!("git clean {}", pick(random, &["-fd", "-fdx", "-fX", "-n"])),
        54 => format!("git rm -rf {dir}"),
        55 => format!("git rm --cached {file}"),
        56 => format!("git mv {dir} {dir_to}"),
        57 => format!("git mv {file} {other}"),
        58 => "git diff".to_owned(),
        59 => "git diff --cached --stat".to_owned(),
        60 => format!("git restore --staged {dir}"),
        61 => "git status --ignored".to_owned(),
        62 => "git ls-files -o -m -d --exclude-standard".to_owned(),
        _ => format!("git log --oneline --stat -3 -- {dir}"),
    }
}

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len())]
}
