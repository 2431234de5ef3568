//! Bytes that begin as no workbook does: separated text in whatever encoding.
#![no_main]

mod shared;

use libfuzzer_sys::{Corpus, fuzz_target};
use opeka_ingest::{Format, sniff};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if bytes.is_empty() || sniff(bytes) != Format::Text {
        return Corpus::Reject;
    }
    shared::read(bytes);
    Corpus::Keep
});
