use super::*;

fn id() -> Id {
    Id::from_bytes(&[0xab; 20]).unwrap()
}

#[test]
fn an_id_is_expanded_as_git_does_it() {
    let hex = "ab".repeat(20);
    for (text, expected) in [
        ("$Id$", "$Id: HEX $"),
        ("a $Id$ b $Id$\n", "a $Id: HEX $ b $Id: HEX $\n"),
        ("$$Id$$", "$$Id: HEX $$"),
        ("$Id: old $ x", "$Id: HEX $ x"),
        ("$Id:old$", "$Id: HEX $"),
        // Of another system.
        ("$Id: file.c,v 1.1 2000 $", "$Id: file.c,v 1.1 2000 $"),
        ("$Id: over\nlines $", "$Id: over\nlines $"),
        ("$Id: no end", "$Id: no end"),
        ("$id$ $Idx$ $I", "$id$ $Idx$ $I"),
        ("", ""),
    ] {
        let conversion = Conversion { ident: Ident::Expanded, ..Conversion::default() };
        let converted = conversion.apply(text.as_bytes(), id()).unwrap();
        assert_eq!(String::from_utf8_lossy(&converted), expected.replace("HEX", &hex), "{text:?}");
    }
}

#[test]
fn text_is_encoded() {
    let cases: [(&str, &str, &[u8]); 13] = [
        ("UTF-16", "h\u{e9}", b"\xff\xfeh\0\xe9\0"),
        ("utf-16le-bom", "h", b"\xff\xfeh\0"),
        ("UTF-16BE-BOM", "h", b"\xfe\xff\0h"),
        ("UTF-16LE", "\u{1f600}", b"\x3d\xd8\0\xde"),
        ("UTF16BE", "h", b"\0h"),
        ("UTF-32", "h", b"\xff\xfe\0\0h\0\0\0"),
        ("UTF-32BE", "h", b"\0\0\0h"),
        ("ISO-8859-1", "h\u{e9}\u{85}", b"h\xe9\x85"),
        ("latin-1", "\u{20ac}", "\u{20ac}".as_bytes()),
        ("ASCII", "h\u{e9}", "h\u{e9}".as_bytes()),
        ("windows-1252", "\u{20ac}", b"\x80"),
        ("Shift_JIS", "\u{3042}", b"\x82\xa0"),
        ("UTF-16", "", b""),
    ];
    for (name, text, expected) in cases {
        let encoding = Some(name.as_bytes().into());
        let conversion = Conversion { encoding, ..Conversion::default() };
        assert_eq!(&*conversion.apply(text.as_bytes(), id()).unwrap(), expected, "{name} {text:?}");
    }
    let unknown = Conversion { encoding: Some((*b"EBCDIC-X").into()), ..Conversion::default() };
    assert!(unknown.apply(b"text", id()).is_err());
    assert!(is_utf8(b"utf-8") && is_utf8(b"UTF8") && !is_utf8(b"UTF-16"));
}
