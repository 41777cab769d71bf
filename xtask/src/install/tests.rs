use super::*;

fn install(destdir: Option<&Path>) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let built = dir.path().join("built");
    fs::create_dir(&built).unwrap();
    for name in ["libprojfs_capi.so", "libprojfs_capi.a"] {
        fs::write(built.join(name), name).unwrap();
    }
    let prefix = dir.path().join("prefix");
    let places = Places {
        prefix: prefix.clone(),
        libdir: "lib/some".to_owned(),
        destdir: destdir.map(|destdir| dir.path().join(destdir)),
    };
    let placed = place(&crate::tree::root(), &built, &places).unwrap();
    assert!(placed.iter().all(|path| path.exists()), "{placed:?}");
    // Once more replaces what is there.
    assert_eq!(place(&crate::tree::root(), &built, &places).unwrap(), placed);
    (dir, prefix)
}

#[test]
fn every_name_leads_to_the_library() {
    let (_dir, prefix) = install(None);
    let lib = prefix.join("lib/some");
    for name in ["libprojectedfs.so.0", "libprojectedfs.so", "libProjectedFSLib.dll.so"] {
        assert_eq!(fs::read(lib.join(name)).unwrap(), b"libprojfs_capi.so");
    }
    assert_eq!(fs::read_link(lib.join("libprojectedfs.so")).unwrap(), Path::new(SONAME));
    assert_eq!(fs::read(lib.join("libprojectedfs.a")).unwrap(), b"libprojfs_capi.a");
    for header in ["projectedfslib.h", "projfs/win32_types.h"] {
        assert!(prefix.join("include").join(header).exists());
    }
}

#[test]
fn pkg_config_is_told_the_prefix_and_not_where_it_was_staged() {
    let (dir, prefix) = install(Some(Path::new("stage")));
    assert!(!prefix.exists());
    let staged = dir.path().join("stage").join(prefix.strip_prefix("/").unwrap());
    let pc = fs::read_to_string(staged.join("lib/some/pkgconfig/projectedfs.pc")).unwrap();
    assert!(pc.starts_with(&format!("prefix={}\n", prefix.display())), "{pc}");
    assert!(pc.contains("libdir=${prefix}/lib/some\n"), "{pc}");
    assert!(!pc.contains('@'), "{pc}");
}
