use super::*;

fn measured(value: f64, result: &str) -> Measured {
    Measured { values: vec![value], result: result.into() }
}

fn outcome(runs: &[(&'static str, f64, &str)]) -> Outcome {
    let mut outcome = Outcome::default();
    for (name, value, result) in runs {
        outcome.add(name, measured(*value, result));
    }
    outcome
}

#[test]
fn ratios_are_of_medians_and_of_minima() {
    let runs = [4.0, 9.0, 2.0].map(|value| (DEFAULT, value, ""));
    let native = [1.0, 2.0, 8.0, 4.0].map(|value| (NATIVE, value, ""));
    let outcome = outcome(&[runs.as_slice(), native.as_slice()].concat());
    let Some(Standing::Ratio(figures)) = outcome.standing(DEFAULT, 0, Goal::Times(1.0)) else { panic!() };
    assert!((figures.median - 4.0 / 3.0).abs() < 1e-9 && (figures.least - 2.0).abs() < 1e-9);
    assert!(table::is_missed(Standing::Ratio(figures), Goal::Times(1.3)));
    assert!(!table::is_missed(Standing::Ratio(figures), Goal::Times(1.4)));
}

#[test]
fn what_is_to_be_at_most_so_much_is_compared_with_nobody() {
    let outcome = outcome(&[(DEFAULT, 0.3, "a"), (NATIVE, 0.1, "a")]);
    let Some(standing @ Standing::Value(_)) = outcome.standing(DEFAULT, 0, Goal::AtMost(0.2)) else {
        panic!()
    };
    assert!(table::is_missed(standing, Goal::AtMost(0.2)) && !table::is_missed(standing, Goal::AtMost(0.3)));
    assert_eq!(shown(standing, Unit::Seconds), "300.00 ms / 300.00 ms");
}

#[test]
fn another_result_than_that_of_native_is_a_failure() {
    let alike = outcome(&[(NATIVE, 1.0, "9 files"), (DEFAULT, 1.0, "9 files")]);
    assert!(!alike.has_failed(DEFAULT));
    let other = outcome(&[(NATIVE, 1.0, "9 files"), (DEFAULT, 1.0, "8 files")]);
    assert!(other.has_failed(DEFAULT) && !other.has_failed(NATIVE));
    let alone = outcome(&[(DEFAULT, 1.0, "9 files"), ("bindfs", 1.0, "8 files")]);
    assert!(alone.has_failed("bindfs") && !alone.has_failed(DEFAULT));
    let unsteady = outcome(&[(DEFAULT, 1.0, "9 files"), (DEFAULT, 1.0, "8 files")]);
    assert!(unsteady.has_error(DEFAULT));
}
