//! A column of words as it is kept for a method.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::Arc;

use opeka_stats::Labels;

/// The code of a missing word.
const NOTHING: u32 = u32::MAX;

/// Words as codes: a season, a region or a status is one of few.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// Of the rows up to the last that has a word: a column that is left out takes no space.
    codes: Vec<u32>,
    words: Vec<Arc<str>>,
    known: HashMap<Arc<str>, u32>,
}

impl Words {
    /// Sets the word of a row, which is the last.
    pub(crate) fn push(&mut self, row: usize, word: Option<&str>) {
        if let Some(word) = word {
            let code = self.code(word);
            self.codes.resize(row, NOTHING);
            self.codes.push(code);
        }
    }

    fn code(&mut self, word: &str) -> u32 {
        // Rows of one area mostly come together.
        if let Some(last) = self.codes.last()
            && self.words.get(*last as usize).is_some_and(|known| known.as_ref() == word)
        {
            return *last;
        }
        if let Some(code) = self.known.get(word) {
            return *code;
        }
        let (code, word) = (self.words.len() as u32, Arc::<str>::from(word));
        self.words.push(Arc::clone(&word));
        self.known.insert(word, code);
        code
    }

    pub(crate) fn word(&self, row: usize) -> Option<&str> {
        self.words.get(*self.codes.get(row)? as usize).map(AsRef::as_ref)
    }

    /// Makes this the words of another, in this order.
    pub(crate) fn take(&mut self, from: &Self, rows: &[u32]) {
        if self.words.len() != from.words.len() {
            self.words.clone_from(&from.words);
            self.known.clone_from(&from.known);
        }
        self.codes.clear();
        if !from.codes.is_empty() {
            let code = |row: &u32| from.codes.get(*row as usize).copied();
            self.codes.extend(rows.iter().map(|row| code(row).unwrap_or(NOTHING)));
        }
    }

    pub(crate) fn remove(&mut self, row: usize) {
        if row < self.codes.len() {
            self.codes.remove(row);
        }
    }

    /// The words of these rows, if each of them has one.
    pub(crate) fn labels(&self, rows: &[u32]) -> Option<Labels> {
        let codes = rows.iter().map(|row| self.codes.get(*row as usize).copied());
        let names = self.words.iter().map(|word| word.as_ref().to_owned()).collect();
        Labels::from_codes(codes.collect::<Option<_>>()?, names)
    }

    pub(crate) fn size(&self) -> usize {
        let text: usize = self.words.iter().map(|word| word.len() + 64).sum();
        self.codes.capacity() * size_of::<u32>() + text
    }
}
