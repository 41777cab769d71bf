//! What grows is found out, what goes up and down is not.

use super::*;

fn sample(anonymous: u64, descriptors: u64) -> Sample {
    Sample {
        pid: 1,
        time: Duration::ZERO,
        operations: 0,
        resident: anonymous,
        anonymous,
        descriptors,
        threads: 20,
        memory_files: 0,
        log: 0,
        journal: 0,
        other: 0,
        nodes: 0,
        open_files: 0,
        ticks: 0,
    }
}

fn too_much(then: [(u64, u64); 3], now: [(u64, u64); 3]) -> Vec<&'static str> {
    let [then, now] =
        [then, now].map(|all| all.map(|(anonymous, descriptors)| sample(anonymous, descriptors)));
    let growths = Growth::all(&then, &now);
    growths.iter().filter(|growth| growth.is_too_much()).map(|growth| growth.name).collect()
}

#[test]
fn growth_is_found_out() {
    let before = [(9_000, 100), (20_000, 101), (9_100, 300)];
    assert!(too_much(before, before).is_empty());
    assert!(too_much(before, [(9_900, 130), (9_000, 100), (30_000, 400)]).is_empty());
    assert_eq!(too_much(before, [(10_500, 101), (10_400, 101), (9_000, 101)]), ["anonymous memory, K"]);
    assert_eq!(too_much(before, [(9_000, 140), (9_000, 141), (9_000, 142)]), ["descriptors"]);
}
