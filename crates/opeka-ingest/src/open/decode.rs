//! Bytes become text: a byte-order mark decides, then what the file declares, then UTF-8, then the
//! most likely of the older encodings.

use std::borrow::Cow;

use encoding_rs::{
    Encoding, IBM866, ISO_8859_5, KOI8_R, MACINTOSH, UTF_8, WINDOWS_1251, WINDOWS_1252,
};
use opeka_model::Problem;

use super::flat::refuse_line;

/// The text of a file that declares nothing.
pub(super) fn decode<'b>(source: &str, bytes: &'b [u8]) -> Result<Cow<'b, str>, Problem> {
    declared(source, bytes, None)
}

/// The text of a file that declares an encoding by one of its usual names.
///
/// # Errors
/// One problem where a NUL byte shows that the bytes are no text.
pub(super) fn declared<'b>(
    source: &str,
    bytes: &'b [u8],
    label: Option<&str>,
) -> Result<Cow<'b, str>, Problem> {
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        let text = encoding.decode_without_bom_handling(&bytes[skip..]).0;
        // A NUL is none of the characters of a text in UTF-16 either.
        return match text.find('\0') {
            Some(at) => Err(nul(source, &text.as_bytes()[..at])),
            None => Ok(text),
        };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return match memchr::memchr(0, bytes) {
            Some(at) => Err(nul(source, &bytes[..at])),
            None => Ok(Cow::Borrowed(text)),
        };
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(nul(source, &bytes[..at]));
    }
    let encoding = label
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .filter(|encoding| encoding.is_ascii_compatible())
        .map_or_else(
            || guess(bytes),
            |encoding| if c1(encoding, bytes) { guess(bytes) } else { encoding },
        );
    Ok(encoding.decode_without_bom_handling(bytes).0)
}

fn nul(source: &str, before: &[u8]) -> Problem {
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    refuse_line(source, line, "a NUL byte in what should be text")
        .hint("the file is binary or damaged; fetch it again from its publisher")
}

/// Whether an ISO 8859 encoding is declared where the bytes that it leaves to control characters are
/// in use: the file is in the Windows encoding beside it.
fn c1(encoding: &'static Encoding, bytes: &[u8]) -> bool {
    encoding.name().starts_with("ISO-8859") && bytes.iter().any(|byte| (0x80..0xA0).contains(byte))
}

/// The most likely of the older encodings. The detector is made for web pages; in the short labels
/// of a table it takes one Cyrillic encoding for another, so these are told apart by what Russian
/// looks like: small letters that follow letters, and the letters that are frequent.
fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let found = detector.guess(None, chardetng::Utf8Detection::Deny);
    // The first of them is kept on a draw.
    let mut best = (WINDOWS_1251, russian(WINDOWS_1251, bytes));
    for encoding in [KOI8_R, ISO_8859_5, IBM866] {
        let score = russian(encoding, bytes);
        if score > best.1 {
            best = (encoding, score);
        }
    }
    let cyrillic = ["windows-1251", "KOI8-R", "KOI8-U", "ISO-8859-5", "IBM866", "x-mac-cyrillic"];
    let western = found == WINDOWS_1252 || found == MACINTOSH;
    // Words of a western or central European language are single high bytes between ASCII letters;
    // Russian words are runs of them.
    match best.1 > 0 && (cyrillic.contains(&found.name()) || runs(bytes)) {
        true => best.0,
        false if western || found == UTF_8 => WINDOWS_1252,
        false => found,
    }
}

/// How Russian the text reads in an encoding.
fn russian(encoding: &'static Encoding, bytes: &[u8]) -> i64 {
    let head = &bytes[..bytes.len().min(1 << 18)];
    let (mut score, mut before) = (0, ' ');
    for letter in encoding.decode_without_bom_handling(head).0.chars() {
        score += match letter {
            // A capital within a word tells that capital and small letters are exchanged.
            'А'..='Я' if ('а'..='я').contains(&before) => -4,
            'о' | 'е' | 'а' | 'и' | 'н' | 'т' | 'с' | 'р' | 'О' | 'Е' | 'А' | 'И' | 'Н' => {
                2
            }
            'а'..='я' | 'А'..='Я' | 'ё' | 'Ё' => 1,
            letter if letter.is_ascii() => 0,
            '№' | '«' | '»' | '–' | '—' | '…' | '\u{A0}' | '“' | '”' | '„' => 0,
            _ => -4,
        };
        before = letter;
    }
    score
}

/// Whether most high bytes stand beside another one.
fn runs(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1 << 18)];
    let high = head.iter().filter(|byte| **byte >= 0x80).count();
    let pairs = head.windows(2).filter(|pair| pair[0] >= 0x80 && pair[1] >= 0x80).count();
    pairs * 2 > high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_is_told_apart_in_each_of_its_encodings() {
        let texts = [
            "Область;Число детей\nПсковская область;3\n",
            "Дети, оставшиеся без попечения родителей\nМосква\n",
            "Субъект;2010\nг. Санкт-Петербург;1\nАлтайский край;2\n",
            "РОССИЙСКАЯ ФЕДЕРАЦИЯ;1\n",
            "год;всего\n2010;1\n",
        ];
        for text in texts {
            for encoding in [WINDOWS_1251, KOI8_R, ISO_8859_5, IBM866] {
                let (bytes, _, lost) = encoding.encode(text);
                // The encoder of the web standard writes numeric references for what it cannot.
                if lost || bytes.iter().all(u8::is_ascii) {
                    continue;
                }
                assert_eq!(decode("t", &bytes).unwrap(), text, "{}", encoding.name());
            }
        }
    }

    #[test]
    fn western_and_central_european_texts_are_not_taken_for_russian() {
        let german = WINDOWS_1252.encode("Ämter;Übernahme für Mädchen;Größe\n").0.into_owned();
        assert!(decode("t", &german).unwrap().contains("für Mädchen"));
        let spanish =
            WINDOWS_1252.encode("Comunidad Autónoma;Años\nAragón;3\nEspaña;5\n").0.into_owned();
        assert!(decode("t", &spanish).unwrap().contains("España"));
        let polish = encoding_rs::ISO_8859_2
            .encode("Województwo;Łódzkie;Świętokrzyskie;dzieci pozbawione opieki rodziców, pieczę zastępczą\n")
            .0
            .into_owned();
        assert!(decode("t", &polish).unwrap().contains("Świętokrzyskie"));
    }

    #[test]
    fn a_declared_encoding_is_taken_unless_its_control_characters_are_in_use() {
        let bytes = b"Espa\xF1a \x96 2010";
        assert_eq!(declared("t", bytes, Some("iso-8859-15")).unwrap(), "España – 2010");
        assert_eq!(declared("t", b"\xA4", Some("iso-8859-15")).unwrap(), "€");
    }
}
