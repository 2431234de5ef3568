//! What a file is, by its bytes: names lie, and servers answer with web pages where data was asked.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use regex::bytes::Regex as BytesRegex;

/// What the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Office Open XML workbook, `.xlsx` or `.xlsm`.
    Xlsx,
    /// Binary Office workbook, `.xlsb`.
    Xlsb,
    /// OpenDocument spreadsheet.
    Ods,
    /// BIFF workbook in an OLE2 container, or an encrypted workbook of a newer format.
    Ole2,
    /// XML, hopefully SDMX-ML.
    Xml,
    /// XML Spreadsheet 2003.
    SpreadsheetXml,
    /// A web page, often called `.xls`.
    Html,
    /// JSON: JSON-stat, SDMX-JSON, or the World Bank's.
    Json,
    /// PC-Axis.
    Px,
    /// Eurostat's tab-separated values, with the dimensions packed in the first column.
    EurostatTsv,
    /// Text with separators.
    Text,
}

/// What the bytes are, by their first ones and, in a zip, by the names of the entries.
pub fn sniff(bytes: &[u8]) -> Format {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        let has = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
        // Entry names stand uncompressed in the archive.
        return if has(b"xl/workbook.bin") {
            Format::Xlsb
        } else if has(b"opendocument.spreadsheet") && !has(b"xl/workbook.xml") {
            Format::Ods
        } else {
            Format::Xlsx
        };
    }
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Format::Ole2;
    }
    let head = head(bytes);
    let start = head.trim_start();
    match start.chars().next() {
        Some('<') => markup(start),
        Some('{') if starts(&start[1..], &['"', '}']) => Format::Json,
        Some('[') if starts(&start[1..], &['{', '[', ']']) => Format::Json,
        Some('A'..='Z') if is_px(start, bytes) => Format::Px,
        _ if is_eurostat(start) => Format::EurostatTsv,
        _ => Format::Text,
    }
}

/// The beginning of a text, in whichever encoding, ASCII letters right.
fn head(bytes: &[u8]) -> Cow<'_, str> {
    let head = &bytes[..bytes.len().min(8192)];
    match encoding_rs::Encoding::for_bom(head) {
        Some((encoding, skip)) => encoding.decode_without_bom_handling(&head[skip..]).0,
        None => String::from_utf8_lossy(head),
    }
}

fn starts(text: &str, with: &[char]) -> bool {
    text.trim_start().starts_with(with)
}

/// The root element decides; what looks like none is a text that begins with `<`.
fn markup(start: &str) -> Format {
    let declared = start.starts_with("<?xml");
    let mut rest = start;
    let root = loop {
        let end = match rest {
            _ if rest.starts_with("<!--") => rest.find("-->").map(|end| end + 3),
            _ if rest.starts_with("<?") || rest.starts_with("<!") => rest.find('>').map(|e| e + 1),
            _ => break rest.strip_prefix('<').unwrap_or(""),
        };
        let Some(end) = end else { break "" };
        if rest.len() > 9 && rest.is_char_boundary(9) && rest[..9].eq_ignore_ascii_case("<!doctype")
        {
            let kind = rest[9..end].trim_start();
            if kind.len() >= 4 && kind.is_char_boundary(4) && kind[..4].eq_ignore_ascii_case("html")
            {
                return Format::Html;
            }
        }
        rest = rest[end..].trim_start();
    };
    let end = root.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(root.len());
    let name = root[..end].rsplit(':').next().unwrap_or("");
    let page =
        ["html", "head", "body", "table", "meta", "style", "div", "title", "script", "center", "p"];
    if page.iter().any(|tag| name.eq_ignore_ascii_case(tag)) {
        return Format::Html;
    }
    if name == "Workbook" && start.contains("urn:schemas-microsoft-com:office:spreadsheet") {
        return Format::SpreadsheetXml;
    }
    let named = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let sdmx = ["DataSet", "Series", "Structure", "MessageGroup"].contains(&name)
        || name.ends_with("Data");
    match declared || (named && (sdmx || start.contains("xmlns") || start.contains("</"))) {
        true => Format::Xml,
        false => Format::Text,
    }
}

/// A keyword with its value comes first, and the keywords without which there is no table follow.
fn is_px(start: &str, bytes: &[u8]) -> bool {
    static FIRST: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"^[A-Z][A-Z0-9-]+(\[[^\]"]{1,20}\])?(\("[^)]*\))?\s*="#).ok()
    });
    static NEEDED: LazyLock<Option<BytesRegex>> =
        LazyLock::new(|| BytesRegex::new(r"(?-u)(STUB|HEADING|VALUES|DATA)[^=;]{0,300}=").ok());
    FIRST.as_ref().is_some_and(|first| first.is_match(start))
        && NEEDED.as_ref().is_some_and(|needed| needed.is_match(bytes))
}

/// `freq,unit,geo\TIME_PERIOD` and a tab.
fn is_eurostat(start: &str) -> bool {
    let line = start.lines().next().unwrap_or("");
    let Some((packed, _)) = line.split_once('\t') else { return false };
    let Some((rows, columns)) = packed.trim_end().split_once('\\') else { return false };
    let id = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    rows.split(',').all(id) && id(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_bytes() {
        let cases: [(&str, Format); 17] = [
            ("<?xml version='1.0'?><m:GenericData xmlns:m='x'/>", Format::Xml),
            ("<!-- x --><generic:Series><a></a></generic:Series>", Format::Xml),
            (
                "<?xml version='1.0'?><?mso-application progid=\"Excel.Sheet\"?>\n<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">",
                Format::SpreadsheetXml,
            ),
            ("<html xmlns:x=\"urn:schemas-microsoft-com:office:excel\">", Format::Html),
            ("\u{feff}<!DOCTYPE html>\n<html>", Format::Html),
            ("<TABLE border=1>", Format::Html),
            ("<not stated>;1\n", Format::Text),
            ("<5;1\n", Format::Text),
            ("{\"a\": 1}", Format::Json),
            ("[{\"page\": 1}]", Format::Json),
            ("[1] a note;2\n", Format::Text),
            ("CHARSET=\"ANSI\";\nSTUB=\"a\";", Format::Px),
            ("TITLE=x\n", Format::Text),
            ("freq,unit,geo\\TIME_PERIOD\t2011 \n", Format::EurostatTsv),
            ("geo\\time\t2011 \n", Format::EurostatTsv),
            ("C:\\data\t1\n", Format::Text),
            ("area,value\n", Format::Text),
        ];
        for (text, format) in cases {
            assert_eq!(sniff(text.as_bytes()), format, "{text}");
        }
        assert_eq!(sniff(b"\xFF\xFE<\0h\0t\0m\0l\0>\0"), Format::Html);
    }
}
