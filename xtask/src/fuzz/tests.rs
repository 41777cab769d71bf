//! The figures are those that libFuzzer says last.

use super::*;

#[test]
fn the_last_figures_count() {
    let said = [
        "INFO: Seed: 1",
        "#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 30Mb",
        "#1024\tpulse  cov: 12 ft: 30 corp: 3/9b lim: 4 exec/s: 512 rss: 31Mb",
        "#2048\tDONE   cov: 13 ft: 31 corp: 4/10b lim: 8 exec/s: 512 rss: 31Mb",
        "Done 2048 runs in 4 second(s)",
    ];
    let said: Vec<String> = said.map(str::to_owned).into();
    assert_eq!(figures(&said), Figures { executions: 2048, coverage: 13, features: 31 });
    assert_eq!(figures(&[]), Figures::default());
}
