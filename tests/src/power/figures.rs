//! `Figures`: what was seen.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use projfs_store::fsck::Finding;

use crate::model::Seen;

/// What was seen in all cuts.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) cuts: usize,
    pub(crate) acts: usize,
    /// Cuts after which something was not as it must be, and why of the first of them.
    pub(crate) lost: usize,
    pub(crate) why: Option<String>,
    pub(crate) seen: Seen,
    pub(crate) time: Duration,
    findings: BTreeMap<String, usize>,
    /// Cuts after which there was something to mend.
    to_mend: usize,
}

impl Figures {
    /// Counts what a check of the root found.
    pub(crate) fn found(&mut self, findings: &[Finding]) {
        self.to_mend += usize::from(!findings.is_empty());
        for finding in findings {
            let text = format!("{:?}", finding.trouble);
            let name = text.split(['(', ' ']).next().unwrap_or_default().to_owned();
            *self.findings.entry(name).or_default() += 1;
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cuts, acts, lost, seen, time, findings, to_mend, why: _ } = self;
        let each = time.as_secs_f64() / (*cuts).max(1) as f64;
        write!(
            f,
            "{cuts} cuts, {lost} with a loss; {acts} acts, {} syncs answered, {} names held to them; ",
            seen.syncs, seen.names
        )?;
        write!(
            f,
            "files: {} exact, {} with unsynced changes, {} still hydrated; ",
            seen.exact, seen.loose, seen.hydrated
        )?;
        write!(f, "to mend after {to_mend} cuts: {findings:?}; {each:.2} s a cut")
    }
}
