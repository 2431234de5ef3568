//! What every reader of a structured format needs to make a flat table: texts that are shared, and
//! a bound on what a small file may blow up to.

use opeka_model::{Kind, Place, Problem};
use smol_str::SmolStr;

/// More cells than this are not read into memory at once, whatever the size of the file.
const MOST_CELLS: u64 = 60_000_000;
/// A flat table repeats the codes of a series for each of its figures; no real file repeats them
/// more often than this for each of its bytes.
const CELLS_A_BYTE: u64 = 32;
/// What a file of any size may have.
const FREE_CELLS: u64 = 1_000_000;

/// Whether a table of so many cells is in proportion to its file.
pub(super) fn room(source: &str, cells: u64, bytes: usize) -> Result<(), Problem> {
    let most = (bytes as u64).saturating_mul(CELLS_A_BYTE).saturating_add(FREE_CELLS);
    if cells <= most.min(MOST_CELLS) {
        return Ok(());
    }
    let place = Place::File { file: source.to_owned() };
    let message = format!("as a flat table the file would have {cells} cells, too many to hold");
    Err(Problem::error(Kind::Data, place, message)
        .hint("ask the publisher's interface for fewer series or periods at a time"))
}

/// A problem with a file as a whole.
pub(super) fn refuse(source: &str, message: impl Into<String>) -> Problem {
    Problem::error(Kind::Data, Place::File { file: source.to_owned() }, message)
}

/// A problem with a line of a file.
pub(super) fn refuse_line(source: &str, line: usize, message: impl Into<String>) -> Problem {
    let place = Place::Text { file: source.to_owned(), line, column: None };
    Problem::error(Kind::Data, place, message)
}

/// Lets equal texts share their memory. It forgets: of two texts that meet in a slot the later one
/// stays, so that it neither grows with the file nor slows down on texts made to collide.
pub(super) struct Pool {
    slots: Vec<Option<SmolStr>>,
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl Pool {
    const BITS: u32 = 14;

    pub(super) fn new() -> Self {
        Self { slots: vec![None; 1 << Self::BITS] }
    }

    pub(super) fn share(&mut self, text: &str) -> SmolStr {
        // A short text lies in its cell and has nothing to share.
        if text.len() <= 23 {
            return SmolStr::new(text);
        }
        let slot = &mut self.slots[(hash(text.as_bytes()) >> (64 - Self::BITS)) as usize];
        match slot {
            Some(known) if **known == *text => known.clone(),
            _ => slot.insert(text.into()).clone(),
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut words = bytes.chunks_exact(8);
    let mut hash = bytes.len() as u64;
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    for word in &mut words {
        hash = mix(hash, word.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
    let rest = words.remainder().iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(hash, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_their_memory() {
        let mut pool = Pool::new();
        let long = "a text that is too long to lie in its cell";
        let (first, second) = (pool.share(long), pool.share(long));
        assert!(std::ptr::eq(first.as_str(), second.as_str()));
        assert_eq!(&*pool.share("Область"), "Область");
    }

    #[test]
    fn a_table_out_of_proportion_is_refused() {
        assert!(room("a", 1_000_000, 10).is_ok());
        assert!(room("a", 1_000_400, 10).is_err());
        assert!(room("a", u64::MAX, usize::MAX).is_err());
    }
}
