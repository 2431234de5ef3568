//! Hashes: of files, and of the inputs of a step.

use sha2::{Digest, Sha256};

/// The program as far as a release depends on it: its version and what it was built from.
pub const PROGRAM: &str = concat!("opeka ", env!("CARGO_PKG_VERSION"), "+", env!("OPEKA_BUILD"));

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hash over named parts; the parts are told apart by their lengths.
pub(crate) fn of_parts<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut hasher = Sha256::new();
    for (name, value) in parts {
        for text in [name, value] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(of_parts([("a", "bc")]), of_parts([("ab", "c")]));
        assert_ne!(of_parts([("a", ""), ("", "b")]), of_parts([("a", "b")]));
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
