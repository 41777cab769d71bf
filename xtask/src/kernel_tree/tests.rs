use super::*;

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir(&dir).unwrap();
    dir
}

#[test]
fn a_package_is_found_by_its_name() {
    let dir = scratch("package");
    assert_eq!(downloaded(&dir).unwrap(), None);
    fs::write(dir.join("linux-source-6.12_1_all.deb"), "").unwrap();
    assert_eq!(downloaded(&dir).unwrap(), None);
    let package = dir.join("linux-source-6.1_6.1.1_all.deb");
    fs::write(&package, "").unwrap();
    assert_eq!(downloaded(&dir).unwrap(), Some(package));
    fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn what_was_cut_off_is_cleared_away() {
    let dir = scratch("fresh");
    fs::create_dir_all(dir.join("work/old")).unwrap();
    let path = fresh(&dir, "work").unwrap();
    assert_eq!(fs::read_dir(path).unwrap().count(), 0);
    fs::remove_dir_all(&dir).unwrap();
}
