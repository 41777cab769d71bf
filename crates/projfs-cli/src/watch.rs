//! `projfs watch`.

use std::path::Path;

use projectedfs::control::Answer;
use projectedfs::control::Question;

use crate::locate::Located;
use crate::locate::connect;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;

pub(crate) fn run(dir: &Path, json: bool) -> Outcome<u8> {
    let (located, mount) = Located::find_mounted(dir)?;
    let below = located.text();
    let is_below = |path: &str| {
        let rest = path.strip_prefix(below.as_str());
        below.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let asked = connect(&mount)?.ask(&Question::Watch, &mut |answer| match &answer {
        Answer::Change { path, to, .. } if !is_below(path) && !to.as_deref().is_some_and(is_below) => {
            std::ops::ControlFlow::Continue(())
        }
        answer if json => output::json(answer),
        Answer::Change { what, path, to: Some(to), .. } => {
            output::line(format_args!("{what:<9} {path} -> {to}"))
        }
        Answer::Change { what, path, .. } => output::line(format_args!("{what:<9} {path}")),
        _ => output::line("gone      changes were lost: look at everything"),
    });
    asked?.map_err(|failure| Failure::new(Exit::Failure, failure.message))?;
    Ok(0)
}
