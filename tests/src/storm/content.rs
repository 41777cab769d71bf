//! `Content`: what is in a file, in bytes that say what they are.

use std::fmt;
use std::str::FromStr;

/// How many processes own files.
pub const OWNERS: usize = 8;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// What the provider has under a path in one of its generations.
    Projected {
        /// The path.
        origin: String,
        /// The generation.
        generation: u64,
    },
    /// What a process wrote.
    Written {
        /// Whose it is.
        owner: usize,
        /// Its own count, which goes on from run to run.
        sequence: u64,
    },
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Projected { origin, generation } => write!(f, "projected {origin} {generation}"),
            Self::Written { owner, sequence } => write!(f, "written {owner} {sequence}"),
        }
    }
}

impl FromStr for Content {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<_> = text.split(' ').collect();
        match words[..] {
            ["projected", origin, generation] => {
                let generation = generation.parse().map_err(drop)?;
                Ok(Self::Projected { origin: origin.to_owned(), generation })
            }
            ["written", owner, sequence] => {
                let (owner, sequence) = (owner.parse().map_err(drop)?, sequence.parse().map_err(drop)?);
                Ok(Self::Written { owner, sequence })
            }
            _ => Err(()),
        }
    }
}

impl Content {
    /// How long the provider's files are in one of its generations: sometimes shorter than before, sometimes longer.
    pub fn size(generation: u64) -> u64 {
        256 + generation.wrapping_mul(7_919) % 20_000
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let size = match self {
            Self::Projected { generation, .. } => Self::size(*generation),
            Self::Written { sequence, .. } => 64 + sequence.wrapping_mul(6_007) % 30_000,
        };
        let head = format!("{self}\n");
        let mut hash = head.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut bytes = head.into_bytes();
        while (bytes.len() as u64) < size {
            hash = hash.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            bytes.push(hash.to_be_bytes()[0]);
        }
        bytes
    }

    /// Which content these bytes are, whole and nothing else.
    ///
    /// # Errors
    /// Why they are none.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        let head = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let text = str::from_utf8(head).map_err(|_| format!("{} bytes that say nothing", bytes.len()))?;
        let content: Self =
            text.parse().map_err(|()| format!("{} bytes that begin {text:.60?}", bytes.len()))?;
        let expected = content.bytes();
        if expected == bytes {
            return Ok(content);
        }
        let place = expected.iter().zip(bytes).position(|(one, other)| one != other);
        Err(format!("{} of {} bytes of {content}, other from {place:?} on", bytes.len(), expected.len()))
    }
}

/// Whose a file is, by its name.
pub fn owner(name: &str) -> Option<usize> {
    let (owner, _) = name.strip_prefix(['p', 'w'])?.split_once('-')?;
    owner.parse().ok()
}
