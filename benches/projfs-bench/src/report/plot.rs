//! The picture: a bar for each ratio, on a logarithmic scale, with the goal as a line across.

use std::fmt::Write;

use anyhow::Result;

use super::Report;
use super::Standing;
use crate::contestant::NATIVE;
use crate::workload::Goal;

const LEFT: f64 = 170.0;
const WIDTH: f64 = 700.0;
const TOP: f64 = 60.0;
const BAR: f64 = 9.0;
const GAP: f64 = 14.0;

/// The ends of the scale.
const LEAST: f64 = 0.25;
const MOST: f64 = 64.0;

const COLOURS: [&str; 11] = [
    "#0b5fa5", "#4a97d1", "#8fc1e6", "#c6dff2", "#444444", "#b35900", "#e08a2e", "#7a3e9d", "#b18bc9",
    "#2e7d32", "#8bc34a",
];

/// As SVG.
pub(super) fn plot(report: &Report<'_>) -> Result<String> {
    let others: Vec<&str> =
        report.contestants.iter().map(|contestant| contestant.name).filter(|name| *name != NATIVE).collect();
    let mut body = String::new();
    for (index, name) in others.iter().enumerate() {
        let (x, y) = (20.0 + 150.0 * (index % 6) as f64, 18.0 + 16.0 * (index / 6) as f64);
        let colour = COLOURS[index % COLOURS.len()];
        writeln!(body, "<rect x=\"{x}\" y=\"{}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>", y - 9.0)?;
        writeln!(body, "<text x=\"{}\" y=\"{y}\">{name}</text>", x + 14.0)?;
    }
    let mut y = TOP;
    for (workload, outcome) in report.outcomes {
        for (index, row) in workload.rows.iter().enumerate() {
            let start = y;
            for (at, name) in others.iter().enumerate() {
                let Some(Standing::Ratio(figures)) = outcome.standing(name, index, row.goal) else {
                    continue;
                };
                if outcome.has_failed(name) {
                    continue;
                }
                let (one, end) = (place(1.0), place(figures.median));
                writeln!(
                    body,
                    "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"><title>{} {name}: {:.2}, \
                     minimum {:.2}</title></rect>",
                    one.min(end),
                    (end - one).abs().max(1.0),
                    BAR - 1.0,
                    COLOURS[at % COLOURS.len()],
                    workload.name,
                    figures.median,
                    figures.least
                )?;
                writeln!(
                    body,
                    "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{y:.1}\" y2=\"{1:.1}\" stroke=\"#000000\"/>",
                    place(figures.least),
                    y + BAR - 1.0
                )?;
                y += BAR;
            }
            if y == start {
                continue;
            }
            writeln!(
                body,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}{}</text>",
                LEFT - 8.0,
                f64::midpoint(start, y) + 4.0,
                workload.name,
                row.name
            )?;
            if let Goal::Times(goal) = row.goal {
                writeln!(
                    body,
                    "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{1:.1}\" y2=\"{y:.1}\" stroke=\"#c00000\" stroke-width=\"2\"/>",
                    place(goal),
                    start - 2.0
                )?;
            }
            y += GAP;
        }
    }
    let mut scale = String::new();
    for value in [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0] {
        let x = place(value);
        let colour = if value == 1.0 { "#000000" } else { "#dddddd" };
        writeln!(
            scale,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{y:.1}\" stroke=\"{colour}\"/>",
            TOP - 8.0
        )?;
        writeln!(scale, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{value}</text>", y + 14.0)?;
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1:.0}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"{0}\" height=\"{1:.0}\" fill=\"#ffffff\"/>\n{scale}{body}\
         <text x=\"{LEFT}\" y=\"{2:.1}\">time, as a multiple of the file system below: median (bar), minimum (line); goal in \
         red</text>\n</svg>\n",
        LEFT + WIDTH + 40.0,
        y + 50.0,
        y + 36.0
    ))
}

/// Where a ratio is, from the left.
fn place(ratio: f64) -> f64 {
    let along = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    LEFT + WIDTH * along
}
