use super::*;

fn counts(text: &str) -> BTreeMap<String, u64> {
    parse(text).unwrap()
}

#[test]
fn a_tenth_more_is_allowed_and_no_more() {
    let before = counts("# a comment\nopen 1000\nlookup 50\n");
    assert!(compare(&before, &counts("open 1100\nlookup 20\n")).1.is_empty());
    assert_eq!(compare(&before, &counts("open 1101\nlookup 55\n")).1, ["open +10.1 %"]);
}

#[test]
fn a_path_that_is_new_or_gone_is_told() {
    let (before, now) = (counts("open 1000\n"), counts("lookup 50\n"));
    assert_eq!(compare(&before, &now).1, ["lookup (which is new)", "open (is gone)"]);
}

#[test]
fn what_was_written_down_can_be_read() {
    assert!(parse("open\n").is_err() && parse("open many\n").is_err());
    let written = parse(&fs::read_to_string(crate::tree::root().join(BASELINE)).unwrap()).unwrap();
    assert!(written.len() >= 9 && written.values().all(|count| *count > 0), "{written:?}");
}
