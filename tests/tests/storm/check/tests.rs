use super::*;

const NAME: &str = "a/w3-0";

fn seen(number: u64, content: Content) -> Seen {
    let bytes = content.bytes();
    Seen { number, mode: 0o100_644, names: 1, size: bytes.len() as u64, content: Some(Content::of(&bytes)) }
}

fn written(sequence: u64) -> Content {
    Content::Written { owner: 3, sequence }
}

/// One file, into which its owner has written twice, and what is to be found at rest.
fn check(tree: &[(&str, Seen)]) -> Result<(), String> {
    let mut expected = Expected::new(0);
    let tally = Tally { made: 1, sequence: 2, ..Tally::default() };
    expected.add(3, &tally, &[(7, 2)]);
    expected.check(&tree.iter().map(|(path, seen)| ((*path).to_owned(), seen.clone())).collect())
}

#[test]
fn what_is_wrong_at_rest_is_found() {
    assert_eq!(check(&[(NAME, seen(7, written(2)))]), Ok(()));
    let wrong = [
        ("nothing", vec![]),
        ("twice", vec![(NAME, seen(7, written(2))), ("b/w3-1", seen(8, written(2)))]),
        ("what was written before", vec![(NAME, seen(7, written(1)))]),
        (
            "the provider's again",
            vec![(NAME, seen(7, Content::Projected { origin: "a/p3-0".into(), generation: 1 }))],
        ),
        ("another's", vec![("a/w4-0", seen(7, written(2)))]),
        ("another file's", vec![(NAME, seen(8, written(2)))]),
        ("two names", vec![(NAME, Seen { names: 2, ..seen(7, written(2)) })]),
    ];
    for (what, tree) in wrong {
        assert!(check(&tree).is_err(), "{what}");
    }
    let mut bytes = written(2).bytes();
    bytes.truncate(100);
    assert!(Content::of(&bytes).is_err(), "half");
    bytes.extend_from_slice(&written(1).bytes()[100..]);
    assert!(Content::of(&bytes).is_err(), "half of each");
    assert!(Content::of(&[0; 64]).is_err(), "nothing");
}

#[test]
fn a_difference_after_a_restart_is_found() {
    let tree = |number| Tree::from([(NAME.to_owned(), seen(number, written(2)))]);
    assert_eq!(difference(&tree(7), &tree(7)), None);
    assert!(difference(&tree(7), &tree(8)).is_some());
    assert!(difference(&tree(7), &Tree::new()).is_some());
}
