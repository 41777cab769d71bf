//! The table: a line for each figure, a column for each contestant, the goal between.

use std::fmt::Write;

use anyhow::Result;

use super::Report;
use super::Standing;
use super::shown;
use super::value;
use crate::contestant::DEFAULT;
use crate::contestant::NATIVE;
use crate::workload::Goal;
use crate::workload::Unit;

/// In Markdown.
pub(super) fn table(report: &Report<'_>) -> Result<String> {
    let conditions = report.conditions;
    let mut text = String::new();
    writeln!(
        text,
        "Linux {}, {} x {}, {} GiB, {}; {}; tree: {}, {} files; {} runs of each; load at the start {}.",
        conditions.kernel,
        conditions.processors,
        conditions.processor,
        conditions.memory_kib >> 20,
        conditions.file_system,
        conditions.projfs,
        conditions.tree,
        conditions.files,
        conditions.repeats,
        conditions.load
    )?;
    if conditions.quick {
        writeln!(
            text,
            "\nOf small trees and files: it shows that everything works, and is not to be compared with the goals."
        )?;
    }
    writeln!(
        text,
        "\nMedian / minimum. Times are multiples of those of the file system below, in the column native; where nothing of it can be compared, they \
         are what was measured. `!`: the goal is missed by the median.\n"
    )?;
    let others: Vec<&str> =
        report.contestants.iter().map(|contestant| contestant.name).filter(|name| *name != NATIVE).collect();
    writeln!(text, "| | {NATIVE} | goal | {} |", others.join(" | "))?;
    writeln!(text, "|---|---|---|{}", "---|".repeat(others.len()))?;
    for (workload, outcome) in report.outcomes {
        for (index, row) in workload.rows.iter().enumerate() {
            let native = outcome.figures(NATIVE, index);
            let native = native.map_or(String::new(), |figures| shown(Standing::Value(figures), row.unit));
            write!(text, "| {}{} | {native} | {} |", workload.name, row.name, goal(row.goal, row.unit))?;
            for name in &others {
                let cell = match (outcome.failures.get(name), outcome.standing(name, index, row.goal)) {
                    (Some(_), _) => "failed".to_owned(),
                    (None, _) if outcome.differs(name) => "other result".to_owned(),
                    (None, None) => String::new(),
                    (None, Some(standing)) => {
                        let missed = *name == DEFAULT && is_missed(standing, row.goal) && !conditions.quick;
                        format!("{}{}", shown(standing, row.unit), if missed { " !" } else { "" })
                    }
                };
                write!(text, " {cell} |")?;
            }
            writeln!(text)?;
        }
    }
    let failures = report.outcomes.iter().flat_map(|(workload, outcome)| {
        outcome.failures.iter().map(move |(name, reason)| (workload.name, name, reason))
    });
    for (workload, name, reason) in failures {
        writeln!(text, "\n{workload} on {name}: {reason}")?;
    }
    for (workload, outcome) in report.outcomes {
        for (name, result) in outcome.results.iter().filter(|(name, _)| outcome.differs(name)) {
            let of = |name: &str| outcome.results.get(name).map_or("", String::as_str);
            writeln!(
                text,
                "\n{} on {name}: {result}; on {NATIVE}: {}; on {DEFAULT}: {}",
                workload.name,
                of(NATIVE),
                of(DEFAULT)
            )?;
        }
    }
    Ok(text)
}

fn goal(goal: Goal, unit: Unit) -> String {
    match goal {
        Goal::Times(times) => format!("{times}"),
        Goal::AtMost(most) => format!("at most {}", value(most, unit)),
        Goal::Unset => String::new(),
    }
}

pub(super) fn is_missed(standing: Standing, goal: Goal) -> bool {
    match (standing, goal) {
        (Standing::Ratio(figures), Goal::Times(most)) | (Standing::Value(figures), Goal::AtMost(most)) => {
            figures.median > most
        }
        (Standing::Ratio(_), Goal::AtMost(_) | Goal::Unset)
        | (Standing::Value(_), Goal::Times(_) | Goal::Unset) => false,
    }
}
