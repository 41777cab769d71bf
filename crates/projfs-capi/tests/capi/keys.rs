//! `examples/keys.cpp`: a provider in C++, with two-byte strings.

use crate::support::LANGUAGES;
use crate::support::Language;
use crate::support::Running;
use crate::support::Wide;
use crate::support::mounted;
use crate::support::package;

#[test]
fn a_provider_in_cpp_shows_keys_and_values() {
    mounted("a_provider_in_cpp_shows_keys_and_values", |dir| {
        let [program, file, root] = ["keys", "file", "root"].map(|name| dir.join(name));
        let cpp: Vec<&Language> = LANGUAGES.iter().filter(|language| !language.is_c()).collect();
        for language in &cpp {
            language.program(Wide::Char16, &package().join("examples/keys.cpp"), &program);
        }
        std::fs::create_dir(&root).unwrap();
        std::fs::write(
            &file,
            "Top=1\nSoft\\Sub key\\Name=value\nSoft\\Zahl\u{1f600}=2\nSoft\\a_b=3\nSoft\\aB=4\n",
        )
        .unwrap();

        let provider = Running::start(&program, &[file.as_os_str(), root.as_os_str()]);
        let names = |path: &str| {
            let entries = std::fs::read_dir(root.join(path)).unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(names(""), ["Soft", "Top"]);
        assert_eq!(names("Soft"), ["Sub key", "Zahl\u{1f600}", "aB", "a_b"]);
        assert_eq!(std::fs::read(root.join("Soft/Sub key/Name")).unwrap(), b"value");
        assert_eq!(std::fs::read(root.join("Soft/Zahl\u{1f600}")).unwrap(), b"2");
        // The provider knows names whatever their case is; the mount does not.
        assert!(!root.join("soft").exists());
        // Values are read-only, and stay.
        assert!(std::fs::metadata(root.join("Top")).unwrap().permissions().readonly());
        let refused = std::fs::remove_file(root.join("Top")).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(rustix::io::Errno::PERM.raw_os_error()));
        assert_eq!(std::fs::read(root.join("Top")).unwrap(), b"1");
        provider.stop();
    });
}
