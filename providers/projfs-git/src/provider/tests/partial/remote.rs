//! A repository to clone from, that counts who comes, and can be away.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use super::super::Repository;

/// What stands for `git-upload-pack`: it notes each call, and hangs if that is wanted.
const UPLOAD_PACK: &str = "#!/bin/sh
echo x >> \"DIR/connections\"
if test -e \"DIR/hang\"; then echo $$ > \"DIR/pid.new\"; mv \"DIR/pid.new\" \"DIR/pid\"; exec cat 3>&1 > /dev/null; fi
exec git-upload-pack \"$@\"
";

/// What stands for `ssh HOST COMMAND`, with options or without.
const SSH: &str = "#!/bin/sh\nfor command; do :; done\nexec sh -c \"$command\"\n";

pub(super) struct Remote {
    repository: Repository,
    /// Where it is while it is away, and what its programs note.
    notes: tempfile::TempDir,
}

impl Remote {
    pub(super) fn new(files: &BTreeMap<String, String>) -> Self {
        let repository = Repository::init(&[]);
        let files: Vec<_> =
            files.iter().map(|(name, content)| ("100644", name.as_bytes(), content.as_bytes())).collect();
        repository.commit(&files);
        repository.git(&["config", "uploadpack.allowFilter", "true"]);
        repository.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        repository.git(&["config", "http.uploadpack", "true"]);
        let remote = Self { repository, notes: tempfile::tempdir().unwrap() };
        let directory = remote.notes.path().to_str().unwrap();
        for (name, script) in [("upload-pack", UPLOAD_PACK), ("ssh", SSH)] {
            let place = remote.note(name);
            fs::write(&place, script.replace("DIR", directory)).unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        }
        remote
    }

    pub(super) fn path(&self) -> &Path {
        self.repository.path()
    }

    pub(super) fn file_url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    pub(super) fn ssh_url(&self) -> String {
        format!("ssh://somewhere{}", self.path().display())
    }

    /// A partial clone. From then on connections are counted, but for those over HTTP.
    pub(super) fn clone_by(&self, url: &str, filter: &str) -> Repository {
        let ssh = format!("core.sshCommand={}", self.note("ssh").display());
        let clone = Repository::clone_of(url, &["--filter", filter, "-c", &ssh]);
        clone.git(&["config", "remote.origin.uploadpack", self.note("upload-pack").to_str().unwrap()]);
        clone
    }

    /// How often somebody came.
    pub(super) fn connections(&self) -> usize {
        fs::read_to_string(self.note("connections")).map_or(0, |text| text.lines().count())
    }

    pub(super) fn disappear(&self) {
        fs::rename(self.path().join(".git"), self.note("away")).unwrap();
    }

    pub(super) fn come_back(&self) {
        fs::rename(self.note("away"), self.path().join(".git")).unwrap();
    }

    /// From now on nobody is answered.
    pub(super) fn hang(&self) {
        fs::write(self.note("hang"), "").unwrap();
    }

    /// Gives the directory in `/proc` of the process that does not answer.
    pub(super) fn wait_until_it_hangs(&self, patience: Duration) -> PathBuf {
        let end = Instant::now() + patience;
        loop {
            if let Ok(pid) = fs::read_to_string(self.note("pid")) {
                return Path::new("/proc").join(pid.trim());
            }
            assert!(Instant::now() < end, "nobody came");
            std::thread::yield_now();
        }
    }

    /// Deletes an object.
    pub(super) fn lose(&self, id: &str) {
        let pack = self.repository.git(&["rev-parse", "--git-path", "objects/pack"]);
        for entry in fs::read_dir(self.path().join(pack)).unwrap() {
            let entry = entry.unwrap().path();
            let elsewhere = self.note(entry.file_name().unwrap().to_str().unwrap());
            fs::rename(&entry, &elsewhere).unwrap();
            if elsewhere.extension().is_some_and(|extension| extension == "pack") {
                self.repository.run(&["unpack-objects", "-q"], &fs::read(&elsewhere).unwrap());
            }
        }
        fs::remove_file(self.repository.object(id)).unwrap();
    }

    fn note(&self, name: &str) -> PathBuf {
        self.notes.path().join(name)
    }
}
