//! Bitmaps as Git writes them: words, and runs of words that are all zeros or all ones.

/// The most words that one marker tells of as they are.
const LITERALS_MAX: u64 = (1 << 31) - 1;

/// A bitmap, compressed. Each marker says how many words of one sort come first (a bit and 32 bits of a count), and how
/// many follow as they are (31 bits).
///
/// # References
/// <https://git-scm.com/docs/bitmap-format>
pub(super) fn encode(bits: &[bool]) -> Vec<u8> {
    let words: Vec<u64> = bits.chunks(64).map(word).collect();
    let mut buffer = Vec::new();
    let mut rest = &words[..];
    let marker = loop {
        let marker = buffer.len();
        let sort = rest.first().copied().filter(|&word| is_run(word));
        let run = rest.iter().take_while(|word| Some(**word) == sort).count();
        let after = &rest[run..];
        let literals = after.iter().take(LITERALS_MAX as usize).take_while(|word| !is_run(**word)).count();
        buffer.push(u64::from(sort == Some(u64::MAX)) | (run as u64) << 1 | (literals as u64) << 33);
        buffer.extend_from_slice(&after[..literals]);
        rest = &after[literals..];
        if rest.is_empty() {
            break marker;
        }
    };
    let mut bytes = Vec::with_capacity(12 + 8 * buffer.len());
    bytes.extend_from_slice(&(bits.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&(buffer.len() as u32).to_be_bytes());
    buffer.iter().for_each(|word| bytes.extend_from_slice(&word.to_be_bytes()));
    bytes.extend_from_slice(&(marker as u32).to_be_bytes());
    bytes
}

/// The first bit is the lowest.
fn word(bits: &[bool]) -> u64 {
    bits.iter().rev().fold(0, |word, &bit| word << 1 | u64::from(bit))
}

fn is_run(word: u64) -> bool {
    word == 0 || word == u64::MAX
}

#[cfg(test)]
mod tests;
