//! What a file may make of this machine: bounds on names, sizes, depths, and the one door through
//! which an archive is unpacked.
//!
//! An archive of a kilobyte can claim a terabyte. Sizes are therefore taken from its directory and
//! held to it: each part is scanned once, as a stream, and a reader that trusts it follows behind the
//! scan, never past what was scanned.

use std::collections::HashMap;
use std::io::{BufReader, Cursor, Read};

use zip::ZipArchive;

use super::scan::{self, Tag};
use super::workbook::Unreadable;

/// Most entries that an archive may have; ten thousand sheets with all their parts have fewer.
pub(super) const MOST_ENTRIES: usize = 200_000;
/// Most bytes that the parts which are read may unpack to, together.
pub(super) const MOST_UNPACKED: u64 = 2 << 30;
/// Beyond [`RATIO_FREE`], a part may unpack to this many times its packed size. Repeated empty cells
/// reach some 200, a bomb 1,000.
pub(super) const MOST_RATIO: u64 = 500;
/// Parts that unpack to less are not held to [`MOST_RATIO`].
pub(super) const RATIO_FREE: u64 = 64 << 20;
/// Most bytes of one text or tag; a cell of a workbook ends at 32,767 characters.
pub(super) const MOST_TEXT: usize = 16 << 20;
/// Deepest nesting of elements.
pub(super) const MOST_DEPTH: u32 = 1_000;
/// Rows and columns of the newer formats.
pub(super) const ROWS: u32 = 1 << 20;
pub(super) const COLUMNS: u32 = 1 << 14;
/// Most cells of a file that only stand there as repetitions of others.
pub(super) const MOST_REPEATED: u64 = 2_000_000;
/// Most places of a used range that a reader may lay out in memory.
pub(super) const MOST_PLACES: u64 = 20_000_000;

/// A file that must not be read further, as one lower-case line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

impl From<Refused> for Unreadable {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused.0)
    }
}

/// An archive whose directory is within the bounds. Names are only ever compared: no entry is
/// written anywhere, so that `../` and absolute names are names like others.
#[derive(Clone)]
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// By the folded name.
    entries: HashMap<String, usize>,
}

/// Names are equal whatever their case and their slashes.
fn folded(name: &str) -> String {
    name.trim_start_matches('/').replace('\\', "/").to_lowercase()
}

impl<'a> Archive<'a> {
    /// Reads the directory and holds it to the bounds.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let damaged = |error: zip::result::ZipError| Unreadable::Damaged(error.to_string());
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        if zip.len() > MOST_ENTRIES {
            let message =
                format!("the archive has {} entries, more than {MOST_ENTRIES}", zip.len());
            return Err(Unreadable::Refused(message));
        }
        let twice = |name: &str| Refused(format!("the archive has two entries `{name}`"));
        if zip.len() < stated_entries(bytes) {
            return Err(Refused("the archive has two entries of one name".into()).into());
        }
        let (mut entries, mut unpacked) = (HashMap::with_capacity(zip.len()), 0u64);
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(damaged)?;
            let name = entry.name().map_err(damaged)?.into_owned();
            let (size, packed) = (entry.size(), entry.compressed_size());
            if entries.insert(folded(&name), index).is_some() {
                return Err(twice(&name).into());
            }
            if !is_read(&name) {
                continue;
            }
            unpacked = unpacked.saturating_add(size);
            if size > RATIO_FREE && size / MOST_RATIO > packed {
                return Err(Unreadable::Refused(format!(
                    "`{name}` unpacks to {size} bytes, more than {MOST_RATIO} times its {packed}"
                )));
            }
        }
        if unpacked > MOST_UNPACKED {
            return Err(Unreadable::Refused(format!(
                "the archive unpacks to {unpacked} bytes, more than {MOST_UNPACKED}"
            )));
        }
        Ok(Self { zip, entries })
    }

    /// The names of all entries, folded, in their order.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<(&usize, &str)> =
            self.entries.iter().map(|(name, index)| (index, name.as_str())).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }

    /// The entry of that name, which ends in an error where it unpacks to more than it states.
    pub(super) fn entry<'s>(
        &'s mut self,
        path: &str,
    ) -> Result<Option<BufReader<impl Read + use<'s, 'a>>>, Unreadable> {
        Ok(self.held(path)?.map(|entry| BufReader::with_capacity(64 << 10, entry)))
    }

    fn held<'s>(&'s mut self, path: &str) -> Result<Option<impl Read + use<'s, 'a>>, Unreadable> {
        let Some(&index) = self.entries.get(&folded(path)) else { return Ok(None) };
        let entry =
            self.zip.by_index(index).map_err(|error| Unreadable::Damaged(error.to_string()))?;
        let left = entry.size();
        Ok(Some(Held { entry, left }))
    }

    /// Scans a part; nothing where there is no such part.
    pub(super) fn scan(
        &mut self,
        path: &str,
        each: impl FnMut(&[u8], Tag) -> Result<(), Refused>,
    ) -> Result<(), Unreadable> {
        // Without a buffer of its own: the scan has one.
        let Some(entry) = self.held(path)? else { return Ok(()) };
        scan::scan(entry, each).map_err(|why| match why {
            scan::Stopped::Refused(Refused(why)) => Unreadable::Refused(format!("`{path}`: {why}")),
            scan::Stopped::Damaged(why) => Unreadable::Damaged(format!("`{path}`: {why}")),
        })
    }

    /// The whole of a part.
    pub(super) fn whole(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let Some(mut entry) = self.entry(path)? else { return Ok(None) };
        let mut content = Vec::new();
        match entry.read_to_end(&mut content) {
            Ok(_) => Ok(Some(content)),
            Err(error) => Err(Unreadable::Damaged(format!("`{path}`: {error}"))),
        }
    }
}

/// Whether readers unpack entries of that name; pictures and the like stay as they are.
fn is_read(name: &str) -> bool {
    let name = name.to_lowercase();
    [".xml", ".rels", ".bin"].iter().any(|end| name.ends_with(end))
}

/// The number of entries by the end of the archive; the directory's reader folds equal names.
fn stated_entries(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(22 + 0xFFFF)..];
    let Some(at) = memchr::memmem::rfind(tail, b"PK\x05\x06") else { return 0 };
    match tail.get(at + 10..at + 12) {
        // The wider form of the archive states the number elsewhere.
        Some(&[0xFF, 0xFF]) | None => 0,
        Some(count) => usize::from(u16::from_le_bytes([count[0], count[1]])),
    }
}

/// An entry that is held to the size it states.
struct Held<R> {
    entry: R,
    left: u64,
}

impl<R: Read> Read for Held<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.entry.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(std::io::Error::other("it unpacks to more than it states")),
        }
        Ok(read)
    }
}
