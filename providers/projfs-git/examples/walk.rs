//! Measures a projection without a mount: lists every directory of a commit, then reads 1,000 of its files.
//!
//! `cargo run --release -p projfs-git --example walk -- REPOSITORY [REVISION]`

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use projfs_git::GitProvider;
use projfs_provider::CancelToken;
use projfs_provider::CommandId;
use projfs_provider::DataSink;
use projfs_provider::DataTarget;
use projfs_provider::Provider;
use projfs_provider::Request;
use projfs_types::Caller;
use projfs_types::PlaceholderKind;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

struct Nowhere;

impl DataTarget for Nowhere {
    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

struct File {
    path: RelPathBuf,
    version: VersionInfo,
    size: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let repository = arguments.next().ok_or("which repository?")?;
    let revision = arguments.next();

    let start = Instant::now();
    let provider = GitProvider::open(Path::new(&repository), revision.as_deref())?;
    println!("{}: opened in {:?}", provider.describe(), start.elapsed());

    let mut files = Vec::new();
    for round in ["cold", "warm"] {
        files.clear();
        let start = Instant::now();
        let directories = walk(&provider, &mut files)?;
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        println!(
            "{round}: {directories} directories with {} files of {bytes} bytes listed in {:?}",
            files.len(),
            start.elapsed()
        );
    }

    let start = Instant::now();
    for file in &files {
        provider.placeholder_info(&request(file.path.clone(), VersionInfo::default()))?;
    }
    println!("{} files looked up in {:?}", files.len(), start.elapsed());

    for stride in [1, (files.len() / 1000).max(1)] {
        let start = Instant::now();
        let mut bytes = 0;
        for file in files.iter().step_by(stride).take(1000).filter(|file| file.size > 0) {
            let sink = DataSink::new(Arc::new(Nowhere), file.size, CancelToken::new());
            provider.file_data(&request(file.path.clone(), file.version.clone()), 0..file.size, &sink)?;
            bytes += file.size;
        }
        println!("1000 files, every {stride}th, {bytes} bytes, read in {:?}", start.elapsed());
    }
    Ok(())
}

fn walk(provider: &GitProvider, files: &mut Vec<File>) -> Result<usize, Box<dyn std::error::Error>> {
    let mut directories = vec![RelPathBuf::root()];
    let mut count = 0;
    while let Some(directory) = directories.pop() {
        count += 1;
        let request = request(directory, VersionInfo::default());
        for item in provider.enumerate(&request)?.into_vec() {
            let path = request.path().join(&item.name);
            match item.info.kind {
                PlaceholderKind::File { size } => files.push(File { path, version: item.info.version, size }),
                PlaceholderKind::Directory => directories.push(path),
                PlaceholderKind::Symlink { .. } => {}
            }
        }
    }
    Ok(count)
}

fn request(path: RelPathBuf, version: VersionInfo) -> Request {
    let caller = Caller { pid: 0, uid: 0, gid: 0 };
    Request::new(CommandId(0), path, version, caller, CancelToken::new())
}
