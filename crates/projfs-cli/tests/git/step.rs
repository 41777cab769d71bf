//! One step of a sequence, as a line of text.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// What a step printed, or that a change of files came about or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Did {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

/// Does what a line says in `dir`: `git ...`, with words at spaces, or one of `write FILE WORD`, `append FILE WORD`,
/// `rm PATH`, `rmr DIR`, `mv FROM TO`, `chmod MODE FILE`, `ln TARGET FILE`, `mkdir DIR`. Several with ` + ` between them
/// are done before git looks again; how the last went is told.
pub(super) fn carry_out(line: &str, dir: &Path, git: &dyn Fn(&[&str]) -> Command) -> Did {
    if let Some((first, rest)) = line.split_once(" + ") {
        carry_out(first, dir, git);
        return carry_out(rest, dir, git);
    }
    let words: Vec<&str> = line.split(' ').collect();
    if let ["git", arguments @ ..] = &words[..] {
        let output = git(arguments).output().unwrap();
        return Did {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
    }
    let at = |path: &str| dir.join(path);
    let done = match &words[..] {
        ["write", path, text] => {
            let path = at(path);
            path.parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| std::fs::write(path, lines(text)))
        }
        ["append", path, text] => {
            let opened = std::fs::OpenOptions::new().append(true).open(at(path));
            opened.and_then(|mut file| std::io::Write::write_all(&mut file, lines(text).as_bytes()))
        }
        ["rm", path] => std::fs::remove_file(at(path)),
        ["rmr", path] => std::fs::remove_dir_all(at(path)),
        ["mv", from, to] => std::fs::rename(at(from), at(to)),
        ["chmod", mode, path] => {
            let mode = u32::from_str_radix(mode, 8).unwrap();
            std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(mode))
        }
        ["ln", target, path] => std::os::unix::fs::symlink(target, at(path)),
        ["mkdir", path] => std::fs::create_dir(at(path)),
        _ => panic!("no step: {line}"),
    };
    // Which error it is, is compared too; but not what mounts say otherwise.
    let code = done.err().map_or(0, |error| error.raw_os_error().unwrap_or(-1));
    Did { code, out: String::new(), err: String::new() }
}

/// A word, a few times: merges want lines.
fn lines(word: &str) -> String {
    format!("{word}\n{word} again\n")
}
