//! `projfs state`.

use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;

use projectedfs::MountEntry;
use projectedfs::VirtualizationRoot;
use projectedfs::control::Answer;
use projectedfs::control::ItemAnswer;
use projectedfs::control::Question;

use crate::locate::Located;
use crate::locate::ask;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;

pub(crate) fn run(paths: &[PathBuf], verbose: bool, json: bool) -> Outcome<u8> {
    let mut code = 0;
    for path in paths {
        match look(path) {
            Ok(item) => {
                if print(path, item, verbose, json) == ControlFlow::Break(()) {
                    break;
                }
            }
            Err(failure) => {
                eprintln!("projfs: {failure}");
                code = failure.exit.code();
            }
        }
    }
    Ok(code)
}

fn look(path: &Path) -> Outcome<ItemAnswer> {
    let located = Located::find(path)?;
    match &located.mount {
        Some(mount) => look_at(&located, mount),
        None => {
            let root = VirtualizationRoot::open(&located.root)?;
            Ok(ItemAnswer::new(&located.path, root.state(&located.path)?))
        }
    }
}

fn look_at(located: &Located, mount: &MountEntry) -> Outcome<ItemAnswer> {
    let mut item = None;
    let asked = ask(mount, &Question::State { paths: vec![located.text()] }, &mut |answer| {
        if let Answer::Item(answer) = answer {
            item = Some(answer);
        }
        ControlFlow::Continue(())
    });
    asked?.map_err(|failure| Failure::new(Exit::Failure, failure.message))?;
    item.ok_or_else(|| Failure::new(Exit::Failure, "the instance said nothing"))
}

fn print(path: &Path, mut item: ItemAnswer, verbose: bool, json: bool) -> ControlFlow<()> {
    if json {
        // As it was asked for.
        item.path = output::path(path);
        return output::json(&item);
    }
    if !verbose {
        return output::line(&item.state);
    }
    let known = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let origin = item.origin.map(|origin| if origin.is_empty() { ".".to_owned() } else { origin });
    output::line(format_args!("{:<11} {} {}", item.state, known(item.version), known(origin)))
}
