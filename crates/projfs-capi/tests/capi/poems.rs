//! `examples/Poems.cs`: a provider in C#, on Mono.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::support::Running;
use crate::support::library;
use crate::support::mounted;
use crate::support::package;
use crate::support::run;
use crate::support::say;

#[test]
fn a_provider_in_csharp_serves_and_refuses() {
    const NAME: &str = "a_provider_in_csharp_serves_and_refuses";
    if Command::new("mcs").arg("--version").output().is_err() {
        say(&format!("SKIPPED {NAME}: there is no mcs (Debian's packages mono-mcs and mono-runtime)"));
        return;
    }
    mounted(NAME, |dir| {
        let [program, root] = ["Poems.exe", "root"].map(|name| dir.join(name));
        let mut compiler = Command::new("mcs");
        compiler.arg("-warnaserror").arg(format!("-out:{}", program.display()));
        run(compiler.arg(package().join("examples/Poems.cs")));
        std::fs::create_dir(&root).unwrap();

        let mut path = OsString::from("LD_LIBRARY_PATH=");
        path.push(library());
        let env = Path::new("/usr/bin/env");
        let provider = Running::start(env, &[&path, "mono".as_ref(), program.as_os_str(), root.as_os_str()]);
        assert_eq!(std::fs::read_to_string(root.join("about.txt")).unwrap(), "Poems, one a file.\n");
        let haiku = std::fs::read_to_string(root.join("haiku/\u{86d9}.txt")).unwrap();
        assert!(haiku.starts_with('\u{53e4}'), "{haiku}");
        assert_eq!(std::fs::read(root.join("limerick/empty.txt")).unwrap(), b"");
        let names = |dir: &Path| {
            let mut names: Vec<_> =
                std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&root), ["about.txt", "haiku", "limerick"]);
        assert_eq!(names(&root.join("haiku")), ["frog.txt", "\u{86d9}.txt"]);
        let refused = std::fs::remove_file(root.join("about.txt")).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied, "{refused}");
        std::fs::write(root.join("mine"), "mine").unwrap();
        std::fs::remove_file(root.join("mine")).unwrap();
        provider.stop();
        assert_eq!(std::fs::read_to_string(root.join("about.txt")).unwrap(), "Poems, one a file.\n");
    });
}
