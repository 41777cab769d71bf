//! Extended attributes that a provider gives, as programs on the mount see them, and what is left when it is stopped.

use std::fs;
use std::path::Path;

use projectedfs::*;
use projfs_testkit::projection::Given;
use projfs_testkit::projection::Projection;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::support::mounted;

fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text).unwrap()
}

fn of(pairs: &[(&str, &str)]) -> ExtendedAttributes {
    ExtendedAttributes::new(pairs.iter().copied()).unwrap()
}

fn red() -> ExtendedAttributes {
    of(&[("user.color", "red"), ("user.empty", "")])
}

fn projection() -> Projection {
    Projection::default()
        .with("f", PlaceholderInfo::file(3).with_extended_attributes(red()), b"one".to_vec())
        .with("d", PlaceholderInfo::directory().with_extended_attributes(red()), Vec::new())
        .with("d/f", PlaceholderInfo::file(3).with_extended_attributes(red()), b"two".to_vec())
        .with("d/g", PlaceholderInfo::file(3).with_extended_attributes(red()), b"two".to_vec())
}

fn start(dir: &Path, projection: &Projection) -> VirtualizationInstance {
    let root = match VirtualizationRoot::open(dir) {
        Ok(root) => root,
        Err(_) => VirtualizationRoot::mark(dir).unwrap(),
    };
    VirtualizationInstance::builder(root).control(Control::Off).start(projection.clone()).unwrap()
}

/// What a program sees of those that the provider could have given.
fn shown(at: &Path) -> ExtendedAttributes {
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(at, &mut names[..]).unwrap();
    let names = names[..length].split(|&byte| byte == 0).filter(|name| name.starts_with(b"user."));
    let value = |name: &[u8]| {
        let mut value = vec![0; 4096];
        let length = rustix::fs::lgetxattr(at, name, &mut value[..]).unwrap();
        value.truncate(length);
        value
    };
    ExtendedAttributes::found(names.map(|name| (name, value(name))))
}

fn set(at: &Path, name: &str, value: &str) -> Result<(), Errno> {
    rustix::fs::lsetxattr(at, name, value.as_bytes(), XattrFlags::empty())
}

#[test]
fn programs_see_what_the_provider_gave() {
    mounted("programs_see_what_the_provider_gave", |dir| {
        let projection = projection();
        let instance = start(dir, &projection);
        let word = |text: &str| instance.state(&path(text)).unwrap().word;
        // Listed first, so that the kernel knows nodes that nobody has looked up.
        assert_eq!(fs::read_dir(dir).unwrap().count(), 2);
        for text in ["f", "d", "d/f", "d/g"] {
            assert_eq!(shown(&dir.join(text)), red(), "{text}");
            assert!(matches!(word(text), StateWord::Virtual | StateWord::Placeholder), "{text}");
        }
        fs::read(dir.join("f")).unwrap();
        assert_eq!((word("f"), shown(&dir.join("f"))), (StateWord::Hydrated, red()));
        fs::write(dir.join("d/f"), "mine").unwrap();
        assert_eq!((word("d/f"), shown(&dir.join("d/f"))), (StateWord::Full, red()));
        fs::rename(dir.join("d/g"), dir.join("moved")).unwrap();
        assert_eq!(shown(&dir.join("moved")), red());

        set(&dir.join("f"), "user.mine", "1").unwrap();
        rustix::fs::lremovexattr(dir.join("f"), "user.empty").unwrap();
        assert_eq!(word("f"), StateWord::Dirty);
        let own = of(&[("user.color", "red"), ("user.mine", "1")]);
        assert_eq!(shown(&dir.join("f")), own);
        let state = shown(&dir.join("d"));
        instance.stop();

        // Stopped, they are those of ordinary files.
        assert_eq!((shown(&dir.join("f")), shown(&dir.join("d/f"))), (own.clone(), red()));
        assert_eq!(shown(&dir.join("d")), state);

        let instance = start(dir, &projection);
        assert_eq!((shown(&dir.join("f")), shown(&dir.join("moved"))), (own, red()));
        // Another version has others, and the old ones go, with what was set here.
        let mut given = projection.get(&path("f")).unwrap();
        let blue = of(&[("user.color", "blue")]);
        let version = VersionInfo::of_content(b"another").unwrap();
        given.info = given.info.with_version(version).with_extended_attributes(blue.clone());
        projection.set(path("f"), Given { info: given.info.clone(), content: given.content });
        let updated = instance.update(&path("f"), &given.info, UpdateFlags::ALLOW_DIRTY_METADATA);
        assert_eq!(updated.unwrap(), Updated::Updated);
        assert_eq!(shown(&dir.join("f")), blue);
        instance.stop();
    });
}

#[test]
fn no_provider_gives_what_is_not_the_users() {
    for name in ["security.capability", "trusted.overlay.opaque", "user.projfs", "user.projfs.more"] {
        assert!(ExtendedAttributes::new([(name, "1")]).is_err(), "{name}");
        assert!(ExtendedAttributes::found([(name, "1")]).is_empty(), "{name}");
    }
    mounted("no_provider_gives_what_is_not_the_users", |dir| {
        let large = ExtendedAttributes::found([("user.large", vec![1; EXTENDED_SIZE_MAX])]);
        let projection = Projection::default()
            .with("large", PlaceholderInfo::file(0).with_extended_attributes(large), Vec::new())
            .with("link", PlaceholderInfo::symlink(*b"there").with_extended_attributes(red()), Vec::new());
        let instance = start(dir, &projection);
        for name in ["large", "link"] {
            let error = fs::symlink_metadata(dir.join(name)).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::IO.raw_os_error()), "{name}");
        }
        instance.stop();
    });
}
