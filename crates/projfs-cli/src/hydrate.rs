//! `projfs hydrate`.

use std::ops::ControlFlow;
use std::path::PathBuf;

use indicatif::ProgressBar;
use projectedfs::MountEntry;
use projectedfs::control::Answer;
use projectedfs::control::Question;

use crate::locate::Located;
use crate::locate::ask;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;

pub(crate) fn run(paths: &[PathBuf], json: bool) -> Outcome<u8> {
    // On a terminal only; it draws to standard error.
    let progress = ProgressBar::new_spinner();
    let mut count = 0;
    // All of a mount are asked for together: the provider may fetch them at once.
    let mut mounts: Vec<(MountEntry, Vec<String>)> = Vec::new();
    for path in paths {
        let (located, mount) = Located::find_mounted(path)?;
        match mounts.iter_mut().find(|(other, _)| other.path == mount.path) {
            Some((_, paths)) => paths.push(located.text()),
            None => mounts.push((mount, vec![located.text()])),
        }
    }
    for (mount, paths) in mounts {
        let asked = ask(&mount, &Question::Hydrate { paths }, &mut |answer| {
            let Answer::Fetched { path } = &answer else { return ControlFlow::Continue(()) };
            count += 1;
            if json {
                return output::json(&answer);
            }
            progress.set_message(format!("{count} {path}"));
            progress.tick();
            ControlFlow::Continue(())
        });
        asked?.map_err(|failure| Failure::new(Exit::Failure, failure.message))?;
    }
    progress.finish_and_clear();
    if !json {
        let _ = output::line(format_args!("{} here", output::count(count, "file is", "files are")));
    }
    Ok(0)
}
