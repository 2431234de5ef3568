//! Which paths of treatment units have, and which they could have had.

use std::collections::BTreeMap;

use crate::Reason;
use crate::effect::panel::Panel;
use crate::random::Random;

/// The paths of treatment over time, and which block of units has which: a block is a cluster, or a
/// unit where each is its own.
#[derive(Clone, Debug)]
pub(crate) struct Design {
    /// Treatment at each time of the panel, for each code; all different, and that of the never
    /// treated first.
    pub(super) paths: Vec<Vec<f64>>,
    /// The code of each block.
    pub(super) codes: Vec<u32>,
    /// The block of each unit.
    pub(super) block: Vec<u32>,
    /// The blocks whose paths change places among each other.
    pub(super) strata: Vec<Vec<u32>>,
}

impl Design {
    /// From treatment as it stands, row by row. In a panel with gaps a unit is treated from its
    /// first treated row on.
    ///
    /// # Errors
    /// A unit in several clusters or strata, a cluster in several strata or whose units are not
    /// treated at the same times, and a treatment that ends in a panel with gaps.
    pub(crate) fn new(
        panel: &Panel,
        treated: &[f64],
        stratum: Option<&[u32]>,
    ) -> Result<Self, Reason> {
        let n_times = panel.n_times();
        let path_of = |unit: usize| -> Result<Vec<f64>, Reason> {
            let rows = panel.rows_of(unit);
            if rows.len() == n_times {
                return Ok(treated[rows].to_vec());
            }
            let first = rows.clone().find(|row| treated[*row] > 0.0);
            let from = first.map_or(n_times, |row| panel.time[row] as usize);
            if rows.clone().any(|row| (treated[row] > 0.0) != (panel.time[row] as usize >= from)) {
                return Err(Reason::because(format!(
                    "the treatment of {} ends and some of its years are missing (what it would be \
                     there is not known)",
                    panel.units[unit]
                )));
            }
            Ok((0..n_times).map(|time| f64::from(time >= from)).collect())
        };
        let paths = (0..panel.n_units()).map(path_of).collect::<Result<Vec<_>, _>>()?;
        let bits = |path: &Vec<f64>| path.iter().map(|d| d.to_bits()).collect();
        let keys: Vec<Vec<u64>> = paths.iter().map(bits).collect();
        Self::of_paths(panel, &keys, &paths, stratum)
    }

    /// From the date from which each unit is treated, if any; the codes are those of the dates,
    /// whatever the times of the panel.
    pub(crate) fn of_dates(panel: &Panel, dates: &[Option<f64>]) -> Result<Self, Reason> {
        let keys: Vec<Vec<u64>> =
            dates.iter().map(|date| date.iter().map(|date| date.to_bits()).collect()).collect();
        let path = |date: &Option<f64>| {
            let on = |time: &f64| f64::from(date.is_some_and(|date| *time >= date));
            panel.times.iter().map(on).collect()
        };
        let paths: Vec<Vec<f64>> = dates.iter().map(path).collect();
        Self::of_paths(panel, &keys, &paths, None)
    }

    /// From the path of each unit, and what tells paths apart.
    fn of_paths(
        panel: &Panel,
        key: &[Vec<u64>],
        path: &[Vec<f64>],
        stratum: Option<&[u32]>,
    ) -> Result<Self, Reason> {
        let n_blocks = panel.n_clusters;
        let mut of_block: Vec<Option<usize>> = vec![None; n_blocks];
        let mut block = Vec::with_capacity(panel.n_units());
        let mut stratum_of = vec![0; n_blocks];
        for unit in 0..panel.n_units() {
            let rows = panel.rows_of(unit);
            let name = &panel.units[unit];
            let own = panel.cluster[rows.start];
            if panel.cluster[rows.clone()].iter().any(|cluster| *cluster != own) {
                return Err(Reason::because(format!("{name} lies in more than one cluster")));
            }
            let layer = stratum.map_or(0, |stratum| stratum[rows.start]);
            if stratum.is_some_and(|stratum| stratum[rows].iter().any(|other| *other != layer)) {
                return Err(Reason::because(format!("{name} lies in more than one stratum")));
            }
            match of_block[own as usize] {
                None => {
                    of_block[own as usize] = Some(unit);
                    stratum_of[own as usize] = layer;
                }
                Some(first) => {
                    let other = &panel.units[first];
                    if key[first] != key[unit] {
                        return Err(Reason::because(format!(
                            "{other} and {name} are of one cluster and not treated at the same \
                             times (clusters would be treated as a whole)"
                        )));
                    }
                    if stratum_of[own as usize] != layer {
                        return Err(Reason::because(format!(
                            "{other} and {name} are of one cluster and of different strata"
                        )));
                    }
                }
            }
            block.push(own);
        }

        let mut known: BTreeMap<&[u64], u32> = BTreeMap::new();
        let firsts: Vec<usize> = of_block.into_iter().flatten().collect();
        firsts.iter().for_each(|unit| _ = known.insert(&key[*unit], 0));
        known.values_mut().zip(0..).for_each(|(code, place)| *code = place);
        let codes: Vec<u32> = firsts.iter().map(|unit| known[key[*unit].as_slice()]).collect();
        let mut paths = vec![Vec::new(); known.len()];
        firsts
            .iter()
            .zip(&codes)
            .for_each(|(unit, code)| paths[*code as usize] = path[*unit].clone());

        let mut strata: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (block, layer) in stratum_of.iter().enumerate() {
            strata.entry(*layer).or_default().push(block as u32);
        }
        Ok(Self { paths, codes, block, strata: strata.into_values().collect() })
    }

    /// The assignment of the data: the code of each block.
    pub(crate) fn codes(&self) -> &[u32] {
        &self.codes
    }

    pub(super) fn n_blocks(&self) -> usize {
        self.codes.len()
    }

    /// How many blocks are treated at some time.
    pub(crate) fn n_treated(&self) -> usize {
        let treated = |code: &&u32| self.paths[**code as usize].iter().any(|d| *d != 0.0);
        self.codes.iter().filter(treated).count()
    }

    /// How many different ways there are to give the paths of a stratum to its blocks, over all
    /// strata; infinite where a 64-bit number does not hold it.
    pub(crate) fn n_assignments(&self) -> f64 {
        let mut ways = 1.0;
        for blocks in &self.strata {
            let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
            blocks.iter().for_each(|block| {
                *counts.entry(self.codes[*block as usize]).or_default() += 1;
            });
            let mut left = blocks.len();
            for count in counts.into_values() {
                ways *= binomial(left, count);
                left -= count;
            }
        }
        ways
    }

    /// An assignment of which all are equally likely.
    pub(crate) fn draw(&self, random: &mut Random) -> Vec<u32> {
        let mut codes = self.codes.clone();
        let mut own = Vec::new();
        for blocks in &self.strata {
            own.clear();
            own.extend(blocks.iter().map(|block| self.codes[*block as usize]));
            random.shuffle(&mut own);
            blocks.iter().zip(&own).for_each(|(block, code)| codes[*block as usize] = *code);
        }
        codes
    }

    /// The paths with treatment, and how many blocks have each.
    pub(crate) fn treated_paths(&self) -> impl Iterator<Item = (&[f64], usize)> {
        let paths = self.paths.iter().zip(0u32..);
        paths.filter(|(path, _)| path.iter().any(|d| *d != 0.0)).map(|(path, code)| {
            (path.as_slice(), self.codes.iter().filter(|own| **own == code).count())
        })
    }

    /// Which block takes the place of which: all orders within strata are equally likely.
    pub(crate) fn draw_order(&self, random: &mut Random) -> Vec<u32> {
        let mut order = vec![0; self.n_blocks()];
        for blocks in &self.strata {
            let mut own = blocks.clone();
            random.shuffle(&mut own);
            blocks.iter().zip(&own).for_each(|(place, block)| order[*place as usize] = *block);
        }
        order
    }

    /// All assignments, each once.
    pub(crate) fn all(&self) -> impl Iterator<Item = Vec<u32>> + '_ {
        let mut own: Vec<Vec<u32>> = self
            .strata
            .iter()
            .map(|blocks| blocks.iter().map(|block| self.codes[*block as usize]).collect())
            .collect();
        own.iter_mut().for_each(|codes| codes.sort_unstable());
        let mut more = true;
        std::iter::from_fn(move || {
            if !more {
                return None;
            }
            let mut codes = vec![0; self.codes.len()];
            for (blocks, own) in self.strata.iter().zip(&own) {
                blocks.iter().zip(own).for_each(|(block, code)| codes[*block as usize] = *code);
            }
            // The first stratum that has a next order takes it; those before it begin anew.
            more = own.iter_mut().any(|own| next_order(own));
            Some(codes)
        })
    }
}

fn binomial(n: usize, k: usize) -> f64 {
    let k = k.min(n - k);
    (1..=k).fold(1.0, |ways, i| ways * (n - k + i) as f64 / i as f64)
}

/// The next order of items in the order of words; after the last one the first one, and `false`.
fn next_order(items: &mut [u32]) -> bool {
    let Some(rise) = items.windows(2).rposition(|pair| pair[0] < pair[1]) else {
        items.reverse();
        return false;
    };
    let last = items.iter().rposition(|item| *item > items[rise]).unwrap_or(rise);
    items.swap(rise, last);
    items[rise + 1..].reverse();
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::labels::Labels;
    use crate::effect::panel::PanelRows;
    use crate::testing::reason;

    fn panel(cluster: Option<&Labels>) -> Panel {
        let names: Vec<String> = (0..12).map(|row| format!("u{}", row / 2)).collect();
        let time: Vec<f64> = (0..12).map(|row| f64::from(row % 2)).collect();
        let unit = Labels::new(&names);
        Panel::new(&PanelRows { cluster, ..PanelRows::new(&[0.0; 12], &unit, &time) }).unwrap()
    }

    const TREATED: [f64; 12] = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0];

    #[test]
    fn assignments_are_all_and_each_once() {
        let design = Design::new(&panel(None), &TREATED, None).unwrap();
        assert_eq!(design.codes, [1, 1, 0, 0, 2, 0]);
        assert_eq!(design.paths, [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
        assert_eq!((design.n_treated(), design.n_assignments()), (3, 60.0));
        let mut all: Vec<Vec<u32>> = design.all().collect();
        assert!(all.contains(&design.codes));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 60);

        let stratum = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1];
        let design = Design::new(&panel(None), &TREATED, Some(&stratum)).unwrap();
        assert_eq!(design.n_assignments(), 9.0);
        let mut all: Vec<Vec<u32>> = design.all().collect();
        assert!(all.iter().all(|codes| codes[..3].iter().sum::<u32>() == 2));
        assert!(all.contains(&design.draw(&mut Random::new(1, 0))));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 9);
    }

    #[test]
    fn clusters_are_treated_as_a_whole() {
        let of = |names: [&str; 6]| -> Labels {
            Labels::new(&(0..12).map(|row| names[row / 2]).collect::<Vec<_>>())
        };
        let clusters = of(["a", "a", "b", "c", "d", "b"]);
        let design = Design::new(&panel(Some(&clusters)), &TREATED, None).unwrap();
        assert_eq!((design.n_blocks(), design.n_assignments()), (4, 12.0));
        let clusters = of(["a", "b", "b", "c", "d", "c"]);
        let error = Design::new(&panel(Some(&clusters)), &TREATED, None).err();
        assert!(reason(error).contains("u1 and u2 are of one cluster and not treated at the same"));
        let rows: Vec<String> = (0..12).map(|row| format!("c{row}")).collect();
        let error = Design::new(&panel(Some(&Labels::new(&rows))), &TREATED, None).err();
        assert!(reason(error).contains("u0 lies in more than one cluster"));
        let stratum: Vec<u32> = (0..12).collect();
        let error = Design::new(&panel(None), &TREATED, Some(&stratum)).err();
        assert!(reason(error).contains("u0 lies in more than one stratum"));
    }

    #[test]
    fn gaps_take_a_treatment_that_stays() {
        let gap = panel(None).keep(|row| row != 1);
        let design =
            Design::new(&gap, &[0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], None);
        assert_eq!(design.unwrap().codes, [0, 2, 1, 0, 0, 0]);
        let unit = Labels::new(&["a", "a", "a", "b", "b"]);
        let rows = PanelRows::new(&[0.0; 5], &unit, &[0.0, 1.0, 2.0, 0.0, 2.0]);
        let panel = Panel::new(&rows).unwrap();
        let error = Design::new(&panel, &[0.0, 0.0, 0.0, 1.0, 0.0], None).err();
        assert!(reason(error).contains("the treatment of b ends"));
    }

    #[test]
    fn many_assignments_are_counted() {
        assert_eq!(binomial(38, 22), 22_239_974_430.0);
        assert_eq!(binomial(18, 9), 48_620.0);
        assert_eq!(binomial(5, 0), 1.0);
    }
}
