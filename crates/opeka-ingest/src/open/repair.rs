//! Workbooks that other programs open and the reader refuses, repaired before they are read.

use std::io::{Cursor, Read, Write};

use regex::bytes::Regex;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The workbook without the ranges that its sheets claim to use. Some claim whole rows (`1:174`),
/// which the reader refuses, and nothing needs the claim.
pub(super) fn without_dimensions(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let claim = Regex::new(r"<(?:\w+:)?dimension\s[^>]*?(?:/>|>\s*</(?:\w+:)?dimension\s*>)")
        .map_err(|error| error.to_string())?;
    repack(bytes, |name, content| {
        let content = match name.contains("worksheets/") {
            true => claim.replace(&content, &b""[..]).into_owned(),
            false => content,
        };
        (name.to_owned(), content)
    })
}

/// The archive with each entry edited: its name and its content.
pub(super) fn repack(
    bytes: &[u8],
    edit: impl Fn(&str, Vec<u8>) -> (String, Vec<u8>),
) -> Result<Vec<u8>, String> {
    let said = |error: zip::result::ZipError| error.to_string();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(said)?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(said)?;
        let name = entry.name().map_err(said)?.into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| error.to_string())?;
        let (name, content) = edit(&name, content);
        writer.start_file(name, options).map_err(said)?;
        writer.write_all(&content).map_err(|error| error.to_string())?;
    }
    Ok(writer.finish().map_err(said)?.into_inner())
}
