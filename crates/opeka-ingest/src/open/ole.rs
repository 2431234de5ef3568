//! The container of the older formats, read as far as it can be.
//!
//! Some offices write containers whose last sectors are missing, and other programs open them; so
//! does this. Only a chain of sectors that runs in a circle is refused: whoever follows it never
//! comes to an end.

use super::binary::{u16_at, u32_at};
use super::limits::Refused;

const END: u32 = 0xFFFF_FFFE;
/// Numbers from here on name no sector.
const RESERVED: u32 = 0xFFFF_FFFA;

/// The allocation table, the directory and the sectors.
struct Container<'a> {
    bytes: &'a [u8],
    size: usize,
    table: Vec<u32>,
}

/// What a container holds.
#[derive(Debug)]
pub(super) enum Holds {
    /// The stream of a workbook, as far as it is there.
    Workbook(Vec<u8>),
    /// A workbook of a newer format under a password.
    Encrypted,
    /// Nothing that is known here.
    Other,
}

/// Looks into a container. Whoever follows its chains may do so afterwards without fear.
pub(super) fn look(bytes: &[u8]) -> Result<Holds, Refused> {
    let Some((container, directory, small)) = Container::open(bytes)? else {
        return Ok(Holds::Other);
    };
    let mut checked = vec![Seen::Not; container.table.len()];
    for start in [small].into_iter().chain(entries(&directory).map(|entry| entry.start)) {
        container.must_end(start, &mut checked)?;
    }
    if entries(&directory).any(|entry| entry.name == "ENCRYPTEDPACKAGE") {
        return Ok(Holds::Encrypted);
    }
    let mut found = entries(&directory).filter(|e| e.name == "WORKBOOK" || e.name == "BOOK");
    let Some(entry) = found.next() else { return Ok(Holds::Other) };
    if entry.size >= 4096 {
        return Ok(Holds::Workbook(container.chain(entry.start, entry.size)));
    }
    // Small streams lie in sectors of 64 bytes within the stream of the root.
    let root = entries(&directory).next().map_or(END, |root| root.start);
    let within = container.chain(root, usize::MAX);
    let table = words(&container.chain(small, usize::MAX));
    let (mut stream, mut sector) = (Vec::new(), entry.start);
    for _ in 0..=table.len() {
        let Some(part) = within.get(sector as usize * 64..).filter(|part| !part.is_empty()) else {
            break;
        };
        stream.extend_from_slice(&part[..part.len().min(64)]);
        sector = table.get(sector as usize).copied().unwrap_or(END);
        if sector >= RESERVED {
            break;
        }
    }
    stream.truncate(entry.size);
    Ok(Holds::Workbook(stream))
}

#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Not,
    /// On the chain that is being followed.
    Now,
    Ends,
}

struct Entry {
    name: String,
    start: u32,
    size: usize,
}

fn entries(directory: &[u8]) -> impl Iterator<Item = Entry> {
    directory.chunks_exact(128).map(|entry| {
        let units = entry[..64].chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        Entry {
            name: String::from_utf16_lossy(&units).to_uppercase(),
            start: u32_at(entry, 116).unwrap_or(END),
            size: u32_at(entry, 120).unwrap_or(0) as usize,
        }
    })
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect()
}

impl<'a> Container<'a> {
    /// The container, its directory, and where the table of small sectors starts.
    fn open(bytes: &'a [u8]) -> Result<Option<(Self, Vec<u8>, u32)>, Refused> {
        let size = match u16_at(bytes, 30) {
            Some(9) => 512,
            Some(12) => 4096,
            _ => return Ok(None),
        };
        let Some(header) = bytes.get(..512) else { return Ok(None) };
        let mut container = Self { bytes, size, table: Vec::new() };
        let mut where_tables = words(&header[76..512]);
        let mut more = u32_at(header, 68).unwrap_or(END);
        let sectors = bytes.len() / size + 1;
        for _ in 0..=sectors {
            if more >= RESERVED {
                break;
            }
            where_tables.extend(words(container.sector(more)));
            more = where_tables.pop().unwrap_or(END);
        }
        for table in where_tables.into_iter().filter(|sector| *sector < RESERVED) {
            if container.table.len() > 2 * sectors + 2048 {
                return Err(Refused("its allocation table is larger than the file".into()));
            }
            let words = words(container.sector(table));
            container.table.extend(words);
        }
        let start = u32_at(header, 48).unwrap_or(END);
        let mut checked = vec![Seen::Not; container.table.len()];
        container.must_end(start, &mut checked)?;
        let directory = container.chain(start, usize::MAX);
        Ok(Some((container, directory, u32_at(header, 60).unwrap_or(END))))
    }

    /// A sector, or what is left of it.
    fn sector(&self, sector: u32) -> &'a [u8] {
        let start = (sector as usize + 1) * self.size;
        let end = (start + self.size).min(self.bytes.len());
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// A chain of sectors, no more than a number of bytes. The chain must end.
    fn chain(&self, start: u32, most: usize) -> Vec<u8> {
        let (mut stream, mut sector) = (Vec::new(), start);
        while sector < RESERVED && stream.len() < most {
            stream.extend_from_slice(self.sector(sector));
            sector = self.table.get(sector as usize).copied().unwrap_or(END);
        }
        stream.truncate(most);
        stream
    }

    /// Refuses a chain that runs in a circle.
    fn must_end(&self, start: u32, seen: &mut [Seen]) -> Result<(), Refused> {
        let (mut sector, mut walked) = (start, Vec::new());
        while let Some(&now) = seen.get(sector as usize) {
            match now {
                Seen::Ends => break,
                Seen::Now => {
                    return Err(Refused("its sectors follow each other in a circle".into()));
                }
                Seen::Not => seen[sector as usize] = Seen::Now,
            }
            walked.push(sector);
            sector = self.table[sector as usize];
        }
        walked.into_iter().for_each(|sector| seen[sector as usize] = Seen::Ends);
        Ok(())
    }
}
