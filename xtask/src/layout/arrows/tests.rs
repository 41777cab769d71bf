use super::*;
use crate::metadata::Dependency;

fn package(name: &str, dependencies: &[(&str, Kind)]) -> Package {
    let dependencies =
        dependencies.iter().map(|&(name, kind)| Dependency { name: name.to_owned(), kind }).collect();
    Package {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        dir: format!("crates/{name}"),
        license: None,
        dependencies,
    }
}

fn messages(package: Package) -> Vec<String> {
    check(&Tree::of(&[]), &[package]).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn the_table_points_downward() {
    for krate in CRATES {
        for used in krate.uses {
            let used = find(used).expect("the table names its own crates");
            assert!(used.floor < krate.floor, "{} -> {}", krate.name, used.name);
        }
    }
}

#[test]
fn an_arrow_upward_is_refused_with_its_line() {
    let manifest =
        "[package]\n\n[dependencies]\nprojfs-types.workspace = true\nprojfs-engine.workspace = true\n";
    let tree = Tree::of(&[("crates/projfs-store/Cargo.toml", manifest)]);
    let store = package("projfs-store", &[("projfs-types", Kind::Normal), ("projfs-engine", Kind::Normal)]);
    let findings = check(&tree, &[store]);
    assert_eq!(
        findings,
        [Finding::error("crates/projfs-store/Cargo.toml", 5, "projfs-store must not know projfs-engine")]
    );
}

#[test]
fn neighbors_that_may_not_know_each_other_do_not() {
    let store = package("projfs-store", &[("projfs-provider", Kind::Normal)]);
    assert_eq!(messages(store), ["projfs-store must not know projfs-provider"]);
    let git = package("projfs-git", &[("projfs-engine", Kind::Build)]);
    assert_eq!(messages(git), ["projfs-git must not know projfs-engine"]);
}

#[test]
fn tests_may_use_the_testkit_and_what_is_below() {
    let store = package("projfs-store", &[(TESTKIT, Kind::Dev), ("projfs-types", Kind::Dev)]);
    assert!(messages(store).is_empty());
    let store = package("projfs-store", &[("projfs-fuse", Kind::Dev)]);
    assert_eq!(messages(store), ["tests of projfs-store must not know projfs-fuse"]);
    let store = package("projfs-store", &[(TESTKIT, Kind::Normal)]);
    assert_eq!(messages(store), ["projfs-store must not know projfs-testkit"]);
}

#[test]
fn crates_of_others_have_their_room() {
    let engine = package("projfs-engine", &[("gix", Kind::Normal), ("tracing", Kind::Normal)]);
    assert_eq!(messages(engine), ["gix is for projfs-git only"]);
}

#[test]
fn a_new_crate_must_say_where_it_belongs() {
    let messages = messages(package("projfs-new", &[]));
    assert_eq!(messages.len(), 1);
    assert!(messages[0].starts_with("this crate has no floor"));
}
