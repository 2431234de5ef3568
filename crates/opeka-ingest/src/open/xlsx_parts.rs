//! The parts of an Office Open XML workbook, and what stands in them beside the values.

use std::collections::HashMap;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_xml::escape::unescape;

use super::limits::{Archive, COLUMNS, ROWS, Refused};
use super::scan::Does;
use super::superscript::{self, SheetMarks, Split};
use super::workbook::Unreadable;
use crate::grid::Span;

/// Where the sheets are, and which shared strings end in a superscript run.
pub(super) struct Parts {
    /// Names and paths of the sheets, in their order.
    pub(super) sheets: Vec<(String, String)>,
    /// Shared strings that end in a superscript run, by their number.
    pub(super) raised: HashMap<usize, Split>,
}

/// What a sheet says beside its values.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) merged: Vec<Span>,
    pub(super) marks: SheetMarks,
    /// Whether its cells stand in row-major order, each once.
    pub(super) in_order: bool,
}

impl Parts {
    /// Follows the relationships, and scans every part but the sheets, so that a reader may trust
    /// them.
    pub(super) fn find(archive: &mut Archive) -> Result<Self, Unreadable> {
        // Some programs call the workbook's own part `workbook2.xml`.
        let mut part = "xl/workbook.xml".to_owned();
        archive.scan("_rels/.rels", |_, tag| {
            let is_workbook =
                tag.attribute(b"Type").is_some_and(|t| t.ends_with(b"/officeDocument"));
            if is_workbook && let Some(target) = tag.attribute(b"Target").and_then(written) {
                part = target;
            }
            Ok(())
        })?;
        let part = part.trim_start_matches('/');
        let (folder, name) = part.split_at(part.rfind('/').map_or(0, |slash| slash + 1));
        let (folder, name) = (folder.to_owned(), name.to_owned());
        let sheets = sheets(archive, &folder, &name)?;
        let theme = format!("{folder}theme/").to_lowercase();
        let themes: Vec<String> = archive
            .names()
            .into_iter()
            .filter(|n| n.starts_with(&theme))
            .map(String::from)
            .collect();
        for path in themes.into_iter().filter(|path| path.ends_with(".xml")) {
            archive.scan(&path, |_, _| Ok(()))?;
        }
        archive.scan(&format!("{folder}styles.xml"), |_, _| Ok(()))?;
        let path = format!("{folder}sharedStrings.xml");
        let (mut stated, mut items, mut any_raised) = (0u64, 0u64, false);
        archive.scan(&path, |_, tag| {
            match tag.name {
                b"sst" if tag.does != Does::Close => {
                    let count = tag.attribute(b"uniqueCount").and_then(number);
                    stated = stated.max(count.unwrap_or(0));
                }
                b"si" if tag.does != Does::Close => items += 1,
                b"vertAlign" => any_raised = true,
                _ => (),
            }
            Ok(())
        })?;
        // The reader sets memory aside for as many as are stated.
        if stated > 2 * items + 1_000_000 {
            let message = format!("`{path}` states {stated} texts and has {items}");
            return Err(Unreadable::Refused(message));
        }
        let raised = match any_raised {
            true => superscript::shared_strings(archive, &path)?,
            false => HashMap::new(),
        };
        Ok(Self { sheets, raised })
    }
}

/// Names and paths of the sheets, by the workbook's relationships.
fn sheets(
    archive: &mut Archive,
    folder: &str,
    workbook: &str,
) -> Result<Vec<(String, String)>, Unreadable> {
    let mut targets = HashMap::new();
    archive.scan(&format!("{folder}_rels/{workbook}.rels"), |_, tag| {
        if let (Some(id), Some(target)) = (tag.attribute(b"Id"), tag.attribute(b"Target")) {
            let target = written(target).unwrap_or_default();
            let path = match target.strip_prefix('/') {
                Some(absolute) => absolute.to_owned(),
                None => format!("{folder}{target}"),
            };
            targets.insert(id.to_vec(), path);
        }
        Ok(())
    })?;
    let mut found = Vec::new();
    archive.scan(&format!("{folder}{workbook}"), |_, tag| {
        if tag.name == b"sheet" && tag.does != Does::Close {
            // `r:id`, whatever prefix the program chose.
            let id = tag.attributes().find(|(key, _)| *key == b"id" || key.ends_with(b":id"));
            let path = id.and_then(|(_, id)| targets.get(id).cloned());
            let name = tag.attribute(b"name").and_then(written);
            if let (Some(name), Some(path)) = (name, path) {
                found.push((name, path));
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// The sheets that claim to use whole rows (`1:174`), which the reader refuses; by their paths.
pub(super) fn ranges_of_rows(
    archive: &mut Archive,
    parts: &Parts,
) -> Result<Vec<String>, Unreadable> {
    let mut found = Vec::new();
    let mut head = Vec::new();
    for (_, path) in &parts.sheets {
        let Some(entry) = archive.entry(path)? else { continue };
        head.clear();
        // Damage is told by whoever reads the whole of it.
        let _ = entry.take(8 << 10).read_to_end(&mut head);
        let Some(at) = memchr::memmem::find(&head, b"dimension ") else { continue };
        let rest = &head[at..];
        let rest = &rest[..memchr::memchr(b'>', rest).unwrap_or(rest.len())];
        let claim = rest.split(|byte| matches!(byte, b'"' | b'\'')).nth(1).unwrap_or_default();
        let corners = claim.split(|byte| *byte == b':');
        if corners.into_iter().any(|corner| place(corner).is_none()) {
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// One pass over a sheet; a second one where it has superscript runs of its own. `seen` counts the cells
/// whose tag was passed, for whoever reads behind.
pub(super) fn beside(
    archive: &mut Archive,
    path: &str,
    raised: &HashMap<usize, Split>,
    seen: &AtomicU64,
) -> Result<Beside, Unreadable> {
    let mut passed = 0u64;
    let mut beside = Beside { in_order: true, ..Beside::default() };
    let (mut row, mut column) = (0u32, 0u32);
    let (mut before, mut here) = (None, (0, 0));
    let (mut shared, mut own) = (false, false);
    archive.scan(path, |text, tag| {
        match (tag.name, tag.does) {
            (b"c", Does::Open | Does::Both) => {
                passed += 1;
                if passed.is_multiple_of(64) {
                    seen.store(passed, Ordering::Release);
                }
                let mut of_shared = false;
                let mut at = (row, column);
                for (key, value) in tag.attributes() {
                    match key {
                        b"r" => at = inside(place(value), value)?,
                        b"t" => of_shared = value == b"s",
                        _ => (),
                    }
                    // Without raised strings nobody asks for more than the place.
                    if key == b"r" && raised.is_empty() {
                        break;
                    }
                }
                (shared, here) = (of_shared, at);
                beside.in_order &= before < Some(at);
                before = Some(at);
                column = at.1 + 1;
            }
            (b"v", Does::Close) if shared && !raised.is_empty() => {
                let index = number(text).and_then(|index| usize::try_from(index).ok());
                if let Some(split) = index.and_then(|index| raised.get(&index)) {
                    beside.marks.insert(here, split.clone());
                }
            }
            (b"row", does) => {
                if does != Does::Close
                    && let Some(value) = tag.attribute(b"r")
                {
                    let number = number(value).filter(|r| (1..=u64::from(ROWS)).contains(r));
                    let at = number.and_then(|r| Some((u32::try_from(r).ok()? - 1, 0)));
                    (row, column) = inside(at, value)?;
                }
                if does != Does::Open {
                    (row, column) = (row.saturating_add(1), 0);
                }
            }
            (b"vertAlign", _) => own = true,
            (b"mergeCell", Does::Open | Does::Both) => {
                if let Some(value) = tag.attribute(b"ref") {
                    beside.merged.push(inside(span(value), value)?);
                }
            }
            _ => (),
        }
        Ok(())
    })?;
    if own {
        beside.marks.extend(superscript::inline_strings(archive, path)?);
    }
    Ok(beside)
}

fn inside<T>(found: Option<T>, written: &[u8]) -> Result<T, Refused> {
    found.ok_or_else(|| {
        let written = String::from_utf8_lossy(&written[..written.len().min(40)]);
        Refused(format!("`{written}` is no place within A1:XFD1048576"))
    })
}

/// `B7` as row and column from 0, within the bounds of the format.
fn place(written: &[u8]) -> Option<(u32, u32)> {
    let letters = written.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (letters, digits) = written.split_at(letters);
    if !(1..=3).contains(&letters.len()) || !(1..=7).contains(&digits.len()) {
        return None;
    }
    let column = letters
        .iter()
        .fold(0, |column, letter| column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1);
    let row = digits.iter().try_fold(0, |row, digit| {
        digit.is_ascii_digit().then(|| row * 10 + u32::from(digit - b'0'))
    })?;
    ((1..=ROWS).contains(&row) && column <= COLUMNS).then(|| (row - 1, column - 1))
}

/// `B2:D2` as a rectangle.
fn span(written: &[u8]) -> Option<Span> {
    let mut corners = written.split(|byte| *byte == b':');
    let a = place(corners.next()?)?;
    let b = corners.next().map_or(Some(a), place)?;
    corners.next().is_none().then(|| Span {
        top: a.0.min(b.0),
        left: a.1.min(b.1),
        bottom: a.0.max(b.0),
        right: a.1.max(b.1),
    })
}

fn number(written: &[u8]) -> Option<u64> {
    std::str::from_utf8(written).ok()?.trim().parse().ok()
}

/// What an attribute says.
pub(super) fn written(attribute: &[u8]) -> Option<String> {
    Some(unescape(std::str::from_utf8(attribute).ok()?).ok()?.into_owned())
}
