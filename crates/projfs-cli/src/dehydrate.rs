//! `projfs dehydrate`.

use std::ops::ControlFlow;
use std::path::PathBuf;

use projectedfs::control::Answer;
use projectedfs::control::Question;

use crate::locate::Located;
use crate::locate::ask;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;

pub(crate) fn run(paths: &[PathBuf], discard: bool, json: bool) -> Outcome<u8> {
    let (mut given, mut kept) = (0, 0);
    for path in paths {
        let (located, mount) = Located::find_mounted(path)?;
        let before = given + kept;
        let question = Question::Dehydrate { paths: vec![located.text()], discard };
        let asked = ask(&mount, &question, &mut |answer| {
            match &answer {
                Answer::Virtual { .. } => given += 1,
                Answer::Kept { path, reason } => {
                    kept += 1;
                    eprintln!("projfs: {path} is kept: {reason}");
                }
                _ => {}
            }
            if json { output::json(&answer) } else { ControlFlow::Continue(()) }
        });
        asked?.map_err(|failure| Failure::new(Exit::Failure, failure.message))?;
        if !json && given + kept == before {
            eprintln!("projfs: nothing of {} was here", located.shown().display());
        }
    }
    if !json {
        let _ = output::line(format_args!("{} virtual again", output::count(given, "item is", "items are")));
    }
    Ok(if kept > 0 { Exit::Failure.code() } else { 0 })
}
