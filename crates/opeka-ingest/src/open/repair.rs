//! Workbooks that other programs open and the reader refuses, repaired before they are read.

use std::io::{Cursor, Read, Write};

use regex::bytes::Regex;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The workbook with some sheets (by their paths) relieved of the range that they claim to use, and
/// all else as it is packed. Some claim whole rows (`1:174`), which the reader refuses, and nothing
/// needs the claim.
pub(super) fn without_dimensions(bytes: &[u8], sheets: &[String]) -> Result<Vec<u8>, String> {
    let claim = Regex::new(r"<(?:\w+:)?dimension\s[^>]*?(?:/>|>\s*</(?:\w+:)?dimension\s*>)")
        .map_err(|error| error.to_string())?;
    let said = |error: zip::result::ZipError| error.to_string();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(said)?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(said)?;
        let name = entry.name().map_err(said)?.into_owned();
        if !sheets.iter().any(|sheet| name.eq_ignore_ascii_case(sheet)) {
            drop(entry);
            let entry = archive.by_index_raw(index).map_err(said)?;
            writer.raw_copy_file(entry).map_err(said)?;
            continue;
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|error| error.to_string())?;
        writer.start_file(name, options).map_err(said)?;
        let parts: Vec<&[u8]> = match claim.find(&content) {
            Some(found) => vec![&content[..found.start()], &content[found.end()..]],
            None => vec![&content],
        };
        for part in parts {
            writer.write_all(part).map_err(|error| error.to_string())?;
        }
    }
    Ok(writer.finish().map_err(said)?.into_inner())
}
