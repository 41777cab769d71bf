use sha2::Digest;
use sha2::Sha256;

use super::*;

#[test]
fn the_table_has_the_published_checksum() {
    let words = (0..=u16::MAX).flat_map(|unit| upcase(unit).to_le_bytes()).collect::<Vec<_>>();
    let checksum = Sha256::digest(&words).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(checksum, "d82e679f23b7988b320807e81b72f6d965b42068e8aa7f2e0932f07cf349a146");
}

#[test]
fn upcasing_twice_is_upcasing_once() {
    for unit in 0..=u16::MAX {
        // Two letters have a lower case that is their upper case's upper case.
        if ![0x23a, 0x23e, 0x1fcc, 0x1ffc].contains(&unit) {
            assert_eq!(upcase(upcase(unit)), upcase(unit), "{unit:04x}");
        }
    }
}
