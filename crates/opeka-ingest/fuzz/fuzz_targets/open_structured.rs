//! Bytes that begin as XML or JSON does, whatever format they turn out to be.
#![no_main]

mod shared;

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if !matches!(first, Some(b'<' | b'{' | b'[')) {
        return Corpus::Reject;
    }
    shared::read(bytes);
    Corpus::Keep
});
