//! Columns of names, each name stored once.

use std::collections::HashMap;

/// A column of names, such as the areas of the rows: a code for each row, and the names of the codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    codes: Vec<u32>,
    names: Vec<String>,
}

impl Labels {
    /// One name for each row.
    pub fn new<S: AsRef<str>>(rows: &[S]) -> Self {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut names = Vec::new();
        let code = |row: &'_ S| -> String { row.as_ref().to_owned() };
        let codes = rows
            .iter()
            .map(|row| {
                *known.entry(row.as_ref()).or_insert_with(|| {
                    names.push(code(row));
                    names.len() as u32 - 1
                })
            })
            .collect();
        Self { codes, names }
    }

    /// Codes that are already there: `codes[row]` is a position among `names`, which are all
    /// different. `None` where a code is not.
    pub fn from_codes(codes: Vec<u32>, names: Vec<String>) -> Option<Self> {
        let known = codes.iter().all(|code| (*code as usize) < names.len());
        known.then_some(Self { codes, names })
    }

    pub fn len(&self) -> usize {
        self.codes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The name of a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.names.get(*self.codes.get(row)? as usize).map(String::as_str)
    }

    pub(crate) fn name(&self, row: usize) -> &str {
        &self.names[self.codes[row] as usize]
    }

    /// The names that occur, in their order, and for each row the place of its name among them.
    ///
    /// Names that are all numbers are in the order of numbers.
    pub(crate) fn ranked(&self) -> (Vec<String>, Vec<u32>) {
        let mut occurs = vec![false; self.names.len()];
        self.codes.iter().for_each(|code| occurs[*code as usize] = true);
        let mut order: Vec<u32> =
            (0..self.names.len() as u32).filter(|code| occurs[*code as usize]).collect();
        let name = |code: u32| self.names[code as usize].as_str();
        let numbers: Option<Vec<(f64, u32)>> = order
            .iter()
            .map(|code| {
                let number = name(*code).parse().ok().filter(|n: &f64| !n.is_nan());
                Some((number?, *code))
            })
            .collect();
        match numbers {
            Some(mut numbers) => {
                // Numbers in order, as they mostly come, need no sorting.
                let by_number = |a: &(f64, u32), b: &(f64, u32)| {
                    a.0.total_cmp(&b.0).then_with(|| name(a.1).cmp(name(b.1)))
                };
                if !numbers.is_sorted_by(|a, b| by_number(a, b).is_le()) {
                    numbers.sort_unstable_by(by_number);
                }
                order = numbers.into_iter().map(|(_, code)| code).collect();
            }
            None => order.sort_unstable_by_key(|code| name(*code)),
        }
        let mut rank = vec![0u32; self.names.len()];
        order.iter().zip(0..).for_each(|(code, place)| rank[*code as usize] = place);
        let names = order.iter().map(|code| name(*code).to_owned()).collect();
        (names, self.codes.iter().map(|code| rank[*code as usize]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_whatever_that_of_the_rows() {
        let (names, rank) = Labels::new(&["Leeds", "Hull", "Leeds", "York"]).ranked();
        assert_eq!(names, ["Hull", "Leeds", "York"]);
        assert_eq!(rank, [1, 0, 1, 2]);
        let (names, rank) = Labels::new(&["10", "9", "10"]).ranked();
        assert_eq!(names, ["9", "10"]);
        assert_eq!(rank, [1, 0, 1]);
    }

    #[test]
    fn codes_name_what_occurs() {
        let names = vec!["b".to_owned(), "unused".to_owned(), "a".to_owned()];
        let labels = Labels::from_codes(vec![0, 2, 0], names.clone()).unwrap();
        assert_eq!(labels.ranked(), (vec!["a".to_owned(), "b".to_owned()], vec![1, 0, 1]));
        assert_eq!(labels.name(1), "a");
        assert_eq!(Labels::from_codes(vec![3], names), None);
    }
}
