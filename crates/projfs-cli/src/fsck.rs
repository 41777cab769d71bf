//! `projfs fsck`.

use std::ops::ControlFlow;
use std::path::Path;

use projectedfs::ErrorKind;
use projectedfs::fsck::Finding;
use projectedfs::fsck::Mode;
use projectedfs::fsck::Trouble;
use projectedfs::fsck::run as check_root;
use serde::Serialize;

use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;

/// A finding, as it is printed.
#[derive(Serialize)]
struct Line {
    path: String,
    trouble: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    mended: bool,
}

pub(crate) fn run(dir: &Path, check: bool, json: bool) -> Outcome<u8> {
    let findings =
        check_root(dir, if check { Mode::Check } else { Mode::Mend }).map_err(|error| {
            match error.kind() {
                ErrorKind::NotFound => Failure::new(Exit::Root, Failure::from(error).message),
                _ => Failure::from(error),
            }
        })?;
    let left = findings.iter().filter(|finding| !finding.mended).count();
    for finding in &findings {
        let line = describe(finding);
        let printed = match json {
            true => output::json(&line),
            false => {
                let detail = line.detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
                let mended = if line.mended { ": mended" } else { "" };
                output::line(format_args!("{}: {}{detail}{mended}", line.path, line.trouble))
            }
        };
        if printed == ControlFlow::Break(()) {
            break;
        }
    }
    if !json {
        let found = output::count(findings.len() as u64, "finding", "findings");
        let _ = output::line(format_args!("{found}, {left} not mended"));
    }
    Ok(if left > 0 { Exit::Failure.code() } else { 0 })
}

fn describe(finding: &Finding) -> Line {
    let (trouble, detail) = match &finding.trouble {
        Trouble::DamagedRecord(why) => ("its record is damaged", Some(why.clone())),
        Trouble::DamagedStandIn(why) => ("the record of its stand-in is damaged", Some(why.clone())),
        Trouble::StandInWithContent => ("its stand-in has content", None),
        Trouble::OpenStandIn => ("its stand-in can be opened", None),
        Trouble::CopiedStandIn => ("a copy of a stand-in", None),
        Trouble::CutOff => ("content is missing", None),
        Trouble::Leftover => ("left over from something that came to no end", None),
        Trouble::DamagedParts(why) => ("parts of a file that belong to nothing", Some((*why).to_owned())),
        Trouble::DamagedLog(good) => ("the log is damaged", Some(format!("after {good} bytes"))),
    };
    Line { path: projectedfs::escape(finding.path.as_bytes()), trouble, detail, mended: finding.mended }
}
