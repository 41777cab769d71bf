use super::size;

const OID: &str = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

#[test]
fn a_pointer_says_how_large_the_file_is() {
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n");
    assert_eq!(size(pointer.as_bytes()), Some(12345));
    let other = [
        pointer.replace("12345", "-1"),
        pointer.replace("sha256:4", "sha256:"),
        pointer.replace("oid", &format!("ext-0-foo sha256:{OID}\noid")),
        pointer.replace("v1", "v9"),
        pointer.replace("version ", ""),
        format!("{pointer}{}", "x".repeat(1024)),
        String::new(),
    ];
    for text in other {
        assert_eq!(size(text.as_bytes()), None, "{text}");
    }
}
