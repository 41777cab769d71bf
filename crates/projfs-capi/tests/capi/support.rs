//! What every test with a C program needs: compilers, the library, a directory to mount in, an end in any case.

use std::ffi::OsStr;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::LazyLock;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// How long a test may take. Then its mounts are taken away, and the process ends.
const TIME: Duration = Duration::from_secs(60);

/// A compiler and a language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Language {
    pub(crate) compiler: &'static str,
    pub(crate) standard: &'static str,
    extension: &'static str,
}

/// Every compiler and language that the header is for.
pub(crate) const LANGUAGES: &[Language] = &[
    Language { compiler: "gcc", standard: "c11", extension: "c" },
    Language { compiler: "clang", standard: "c11", extension: "c" },
    Language { compiler: "g++", standard: "c++17", extension: "cpp" },
    Language { compiler: "g++", standard: "c++20", extension: "cpp" },
    Language { compiler: "clang++", standard: "c++17", extension: "cpp" },
    Language { compiler: "clang++", standard: "c++20", extension: "cpp" },
];

/// The units that a program's strings have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wide {
    /// `wchar_t` as it comes: four bytes.
    Native,
    /// `-fshort-wchar`.
    Short,
    /// `char16_t`.
    Char16,
}

pub(crate) const WIDTHS: &[Wide] = &[Wide::Native, Wide::Short, Wide::Char16];

/// The directory of this crate.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A directory with the library under the names that it is installed under.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let dir = tempfile::tempdir().unwrap();
        let built = std::env::current_exe().unwrap().parent().unwrap().join("libprojfs_capi.so");
        assert!(built.exists(), "cargo builds the library beside its tests");
        symlink(&built, dir.path().join("libprojectedfs.so.0")).unwrap();
        symlink("libprojectedfs.so.0", dir.path().join("libprojectedfs.so")).unwrap();
        // The name that .NET looks for on Linux.
        symlink("libprojectedfs.so.0", dir.path().join("libProjectedFSLib.dll.so")).unwrap();
        dir
    });
    LIBRARY.path()
}

impl Language {
    /// Compiles and links a program, all warnings being errors.
    pub(crate) fn program(self, wide: Wide, source: &Path, output: &Path) {
        let mut command = self.command(wide);
        command.arg(source).arg("-o").arg(output).arg("-pthread");
        command.arg("-L").arg(library()).arg("-lprojectedfs");
        command.arg(format!("-Wl,-rpath,{}", library().display()));
        run(&mut command);
    }

    /// Compiles a text without linking it.
    pub(crate) fn check(self, wide: Wide, text: &str) {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("source").with_extension(self.extension);
        std::fs::write(&source, text).unwrap();
        run(self.command(wide).arg("-fsyntax-only").arg(source));
    }

    fn command(self, wide: Wide) -> Command {
        let mut command = Command::new(self.compiler);
        command.arg(format!("-std={}", self.standard));
        command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-O1"]);
        command.arg("-I").arg(package().join("include"));
        match wide {
            Wide::Native => {}
            Wide::Short => drop(command.arg("-fshort-wchar")),
            Wide::Char16 => drop(command.arg("-DPROJFS_CHAR16")),
        }
        command
    }

    pub(crate) fn is_c(self) -> bool {
        self.extension == "c"
    }
}

/// Runs a command that has to succeed.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    output
}

/// A provider that runs. It is stopped by the end of its input.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// Starts a program, and waits until it says that it is ready.
    pub(crate) fn start(program: &Path, arguments: &[&OsStr]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self { child, input, output };
        assert_eq!(running.line(), "ready");
        running
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Stops it, which has to succeed.
    pub(crate) fn stop(mut self) {
        drop(self.input.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a test with a directory for its mounts, if mounting is possible here. Also ends a test that hangs.
pub(crate) fn mounted(name: &str, test: impl FnOnce(&Path)) {
    if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
        say(&format!("SKIPPED {name}: mounting needs root and /dev/fuse"));
        return;
    }
    let own = std::fs::Permissions::from_mode(0o700);
    let dir = tempfile::Builder::new().prefix("projfs-test-").permissions(own).tempdir().unwrap();
    let teardown = Teardown(dir.path().canonicalize().unwrap());
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let (watched, below) = (name.to_owned(), teardown.0.clone());
    std::thread::spawn(move || {
        if ended.recv_timeout(TIME) == Err(RecvTimeoutError::Timeout) {
            say(&format!("{watched} did not end in {TIME:?}"));
            take_away(&below);
            std::process::exit(101);
        }
    });
    test(&teardown.0);
    drop(teardown);
    drop(done);
}

/// Says something at once, and even if the test succeeds, or never ends.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Takes away what a failed test left mounted.
struct Teardown(PathBuf);

impl Drop for Teardown {
    fn drop(&mut self) {
        take_away(&self.0);
    }
}

fn take_away(dir: &Path) {
    for mount in projectedfs::mounts().unwrap_or_default() {
        if mount.path.starts_with(dir) {
            let _ = rustix::mount::unmount(&mount.path, rustix::mount::UnmountFlags::DETACH);
        }
    }
}
