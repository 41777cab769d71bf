use super::mode::without_set_id;

#[test]
fn set_id_bits_go_but_for_the_mark_of_mandatory_locking() {
    let rows = [
        (0o4755, 0o755),
        (0o6755, 0o755),
        (0o2755, 0o755),
        (0o2744, 0o2744),
        (0o7644, 0o3644),
        (0o1777, 0o1777),
    ];
    for (before, after) in rows {
        assert_eq!(without_set_id(before), after, "{before:o}");
    }
}
