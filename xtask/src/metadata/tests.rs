use super::*;

#[test]
fn reads_names_directories_and_kinds() {
    let text = r#"{ "workspace_root": "/r", "packages": [
        { "name": "a", "version": "1.0.0", "manifest_path": "/r/crates/a/Cargo.toml", "license": "MIT",
          "dependencies": [ { "name": "b", "kind": null }, { "name": "c", "kind": "dev" } ] } ] }"#;
    let packages = parse(text).unwrap();
    assert_eq!(packages.len(), 1);
    assert_eq!(packages[0].dir, "crates/a");
    assert_eq!(packages[0].license.as_deref(), Some("MIT"));
    let kinds: Vec<Kind> = packages[0].dependencies.iter().map(|dependency| dependency.kind).collect();
    assert_eq!(kinds, [Kind::Normal, Kind::Dev]);
}

#[test]
fn refuses_what_is_not_metadata() {
    assert!(parse("{}").is_err());
}
