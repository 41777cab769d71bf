//! Files that are fetched over HTTP: `cargo run --example http -- URL DIR`.
//!
//! `URL/index` names a file on each line: its size, a space, its name. `URL/NAME` is its content. The index is
//! read once; a request for a file is made when the file is first opened.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use projectedfs::*;

/// A server, and what it says it has.
pub struct Http {
    agent: ureq::Agent,
    url: String,
    index: BTreeMap<String, u64>,
}

impl Http {
    /// Reads the index.
    pub fn open(url: &str) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build();
        let agent = ureq::Agent::new_with_config(config);
        let text = agent.get(format!("{url}/index")).call()?.body_mut().read_to_string()?;
        let mut index = BTreeMap::new();
        for line in text.lines() {
            let (size, name) = line.split_once(' ').ok_or("a line of the index has no name")?;
            index.insert(name.to_owned(), size.parse()?);
        }
        Ok(Self { agent, url: url.to_owned(), index })
    }

    fn item(name: &str, size: u64) -> Result<ProjectedItem, ProviderError> {
        let name = ItemNameBuf::new(name);
        let name = name.map_err(|error| ProviderError::new(ProviderErrorKind::Io, error.to_string()))?;
        Ok(ProjectedItem::new(name, PlaceholderInfo::file(size)))
    }
}

/// What an application is told of what went wrong on the way.
fn failed(error: ureq::Error) -> ProviderError {
    let kind = match &error {
        ureq::Error::StatusCode(404) => ProviderErrorKind::NotFound,
        ureq::Error::StatusCode(_) => ProviderErrorKind::Io,
        ureq::Error::Timeout(_) => ProviderErrorKind::TimedOut,
        _ => ProviderErrorKind::Unavailable,
    };
    ProviderError::new(kind, error.to_string())
}

impl Provider for Http {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let name = request.path().to_string();
        let size = self.index.get(&name).ok_or_else(ProviderError::not_found)?;
        Self::item(&name, *size)
    }

    fn enumerate(&self, _: &Request) -> Result<DirEntries, ProviderError> {
        let items: Result<_, _> = self.index.iter().map(|(name, size)| Self::item(name, *size)).collect();
        DirEntries::unsorted(items?)
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let url = format!("{}/{}", self.url, request.path());
        let mut response = self.agent.get(url).call().map_err(failed)?;
        // Whole files are asked for, so the range begins at 0.
        sink.copy_from(&mut response.body_mut().as_reader(), range)
    }
}

/// Mounts what the server at `url` has over `dir`.
pub fn mount(
    url: &str,
    dir: &Path,
) -> std::result::Result<VirtualizationInstance, Box<dyn std::error::Error>> {
    let provider = Http::open(url)?;
    let root = VirtualizationRoot::mark(dir)?;
    Ok(VirtualizationInstance::builder(root).source(url).start(provider)?)
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(dir)) = (arguments.next(), arguments.next()) else {
        return Err("usage: http URL DIR".into());
    };
    let instance = mount(url.trim_end_matches('/'), dir.as_ref())?;
    println!("mounted at {}; press Enter to unmount", instance.path().display());
    std::io::stdin().read_line(&mut String::new())?;
    instance.stop();
    Ok(())
}
