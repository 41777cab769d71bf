//! `projfs watch`.

use std::ops::ControlFlow;

use projectedfs::VirtualizationRoot;
use projectedfs::control::Answer;
use projectedfs::control::Question;

use crate::cli::Watch;
use crate::locate::Located;
use crate::locate::ask;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;

pub(crate) fn run(watch: &Watch) -> Outcome<u8> {
    let located = Located::find(&watch.dir)?;
    let mut printer = Printer { watch, below: located.text(), gone: false, last: None };
    match &located.mount {
        Some(mount) => {
            let question = Question::Watch { since: watch.since.clone(), once: watch.once };
            let asked = ask(mount, &question, &mut |answer| printer.print(answer));
            asked?.map_err(|failure| match failure.kind.as_str() {
                "refused" => Failure::new(Exit::Usage, format!("--since {}", failure.message)),
                _ => Failure::new(Exit::Failure, failure.message),
            })?;
        }
        // Nothing happens there, but something may have happened.
        None if watch.once || watch.since.is_some() => {
            let journal = VirtualizationRoot::open(&located.root)?.into_journal()?;
            let cursor = match &watch.since {
                None => journal.end(),
                Some(text) => journal
                    .place(text)
                    .map_err(|error| Failure::new(Exit::Usage, format!("--since {text}: {error}")))?,
            };
            let mut open = true;
            journal.watch(cursor).tell_all(&mut |answer| {
                open = open && printer.print(answer).is_continue();
            })?;
        }
        None => {
            let message = format!("{} is a root and is not mounted", located.root.display());
            return Err(Failure::new(Exit::Failure, message));
        }
    }
    printer.finish();
    if printer.gone && watch.once {
        let message =
            "changes since then are gone: look at everything, and go on from the cursor that is printed";
        return Err(Failure::new(Exit::Gone, message));
    }
    Ok(0)
}

/// Prints what is told of the items below a directory.
struct Printer<'a> {
    watch: &'a Watch,
    below: String,
    gone: bool,
    /// Where to go on, and what is being written, if that was not printed yet.
    last: Option<(String, Vec<String>)>,
}

impl Printer<'_> {
    fn print(&mut self, mut answer: Answer) -> ControlFlow<()> {
        match &mut answer {
            Answer::Change { what, path, to, .. } => {
                let moved = to.is_some() && what != "linked";
                let concerns = |path: &str| self.is_below(path) || moved && self.is_above(path);
                if !concerns(path) && !to.as_deref().is_some_and(concerns) {
                    return ControlFlow::Continue(());
                }
            }
            Answer::Cursor { cursor, writing } => {
                writing.retain(|path| self.is_below(path));
                self.last = Some((cursor.clone(), writing.clone()));
            }
            Answer::Gone { .. } => self.gone = true,
            _ => {}
        }
        match &answer {
            answer if self.watch.json => output::json(answer),
            Answer::Change { what, path, to: Some(to), .. } => {
                output::line(format_args!("{what:<9} {} -> {}", shown(path), shown(to)))
            }
            Answer::Change { what, path, .. } => output::line(format_args!("{what:<9} {}", shown(path))),
            Answer::Gone { .. } => output::line("gone      changes were lost: look at everything"),
            // Who sees things happen has no use for it.
            Answer::Cursor { .. } if self.watch.since.is_some() && !self.watch.once => self.print_last(),
            _ => ControlFlow::Continue(()),
        }
    }

    fn finish(&mut self) {
        if !self.watch.json && (self.watch.once || self.watch.since.is_some()) {
            let _ = self.print_last();
        }
    }

    fn print_last(&mut self) -> ControlFlow<()> {
        let Some((cursor, writing)) = self.last.take() else { return ControlFlow::Continue(()) };
        for path in &writing {
            output::line(format_args!("writing   {}", shown(path)))?;
        }
        output::line(format_args!("cursor    {cursor}"))
    }

    fn is_below(&self, path: &str) -> bool {
        contains(&self.below, path)
    }

    /// Whether what moves at `path` takes along what is watched.
    fn is_above(&self, path: &str) -> bool {
        contains(path, &self.below)
    }
}

/// Whether `path` is `dir`, or below it.
fn contains(dir: &str, path: &str) -> bool {
    let rest = path.strip_prefix(dir);
    dir.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The root has no name.
fn shown(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}
