//! A mount in which the case of names does not matter.

use std::ops::Range;
use std::process::Command;

use projectedfs::*;

use super::support::mounted;

/// `ReadMe` and `Dir/File`, found under every spelling.
struct Windows;

fn items(path: &str) -> Vec<ProjectedItem> {
    let item = |name: &str, info| ProjectedItem::new(ItemNameBuf::new(name).unwrap(), info);
    match path {
        "" => vec![item("ReadMe", PlaceholderInfo::file(3)), item("Dir", PlaceholderInfo::directory())],
        "dir" => vec![item("File", PlaceholderInfo::file(3))],
        _ => Vec::new(),
    }
}

impl Provider for Windows {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let (parent, name) = request.path().split_last().ok_or_else(ProviderError::not_found)?;
        items(&parent.to_string().to_lowercase())
            .into_iter()
            .find(|item| Collation::Insensitive.same(&item.name, name))
            .ok_or_else(ProviderError::not_found)
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        DirEntries::unsorted(items(&request.path().to_string().to_lowercase()))
    }

    fn file_data(&self, _: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        sink.write_at(0, b"hi\n")
    }
}

#[test]
fn programs_find_items_under_every_spelling() {
    mounted("programs_find_items_under_every_spelling", |dir| {
        let root = dir.join("root");
        std::fs::create_dir(&root).unwrap();
        let instance = VirtualizationInstance::builder(VirtualizationRoot::mark(&root).unwrap())
            .collation(Collation::Insensitive)
            .control(Control::Off)
            .start(Windows)
            .unwrap();
        let script = "
            test \"$(cat README readme ReadMe | wc -l)\" = 3
            test \"$(stat -c %i readme DIR/FILE | tail -1)\" = \"$(stat -c %i dir/file)\"
            test README -ef readme
            test \"$(ls)\" = \"$(printf 'Dir\\nReadMe')\"
            (cd DIR && test \"$(cat ../rEADmE)\" = hi && cat file && cd ../dir && ls FILE)
            ! mkdir DIR
            echo mine > New; echo more >> NEW; test \"$(cat new | wc -l)\" = 2
            mv new aside; mv aside NEW; ls | grep -qx NEW; ! ls | grep -qx New
            mv dir other; test \"$(cat OTHER/file)\" = hi; ! test -e Dir
            rm readme; ! test -e README; ! test -e ReadMe
            echo again > README; test \"$(cat readme)\" = again
            test \"$(ls)\" = \"$(printf 'NEW\\nREADME\\nother')\"
            rm -r OTHER; ! test -e other
        ";
        let sh = Command::new("sh")
            .args(["-euxc", script])
            .current_dir(&root)
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        assert!(sh.status.success(), "{}", String::from_utf8_lossy(&sh.stderr));
        instance.stop();
    });
}
