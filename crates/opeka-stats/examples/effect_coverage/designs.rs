//! The panels that are simulated.

use crate::draws::Draws;
use opeka_stats::Labels;

/// The years of every panel; treatment begins with the sixth.
const YEARS: usize = 10;
const FROM: usize = 5;

/// The effect that is there.
pub(crate) const EFFECT: f64 = 0.5;

pub(crate) const TREATED: [usize; 6] = [1, 2, 5, 10, 20, 50];
pub(crate) const AREAS: [usize; 4] = [20, 50, 150, 500];
pub(crate) const AUTOCORRELATIONS: [f64; 3] = [0.0, 0.5, 0.8];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Design {
    pub(crate) areas: usize,
    pub(crate) treated: usize,
    pub(crate) autocorrelation: f64,
    /// Whether errors have the variance 1/population, with populations from 1 to 100.
    pub(crate) unequal: bool,
}

/// Fewer areas are treated than are not.
pub(crate) fn grid() -> Vec<Design> {
    let mut designs = Vec::new();
    for unequal in [false, true] {
        for autocorrelation in AUTOCORRELATIONS {
            for areas in AREAS {
                for treated in TREATED.into_iter().filter(|treated| 2 * treated <= areas) {
                    designs.push(Design { areas, treated, autocorrelation, unequal });
                }
            }
        }
    }
    designs
}

/// A simulated panel with an effect.
pub(crate) struct Panel {
    pub(crate) y: Vec<f64>,
    pub(crate) unit: Labels,
    pub(crate) time: Vec<f64>,
    pub(crate) treated: Vec<Option<f64>>,
    pub(crate) population: Vec<f64>,
}

impl Panel {
    /// The year in which the treatment of each row's area begins.
    pub(crate) fn first_treated(&self) -> Vec<Option<f64>> {
        let years = self.treated.chunks_exact(YEARS);
        years.flat_map(|area| [(area[FROM] == Some(1.0)).then_some(FROM as f64); YEARS]).collect()
    }
}

pub(crate) const POINTS: [usize; 3] = [24, 48, 96];

/// One series, treated from its middle on, and one beside it that is not treated.
pub(crate) struct Series {
    pub(crate) y: Vec<f64>,
    pub(crate) time: Vec<f64>,
    pub(crate) treated: Vec<Option<f64>>,
    pub(crate) control: Vec<f64>,
}

/// Errors of the series resemble those of the period before; the control explains half of them.
pub(crate) fn series(points: usize, autocorrelation: f64, number: usize) -> Series {
    let key = 1_000_000 + 10 * points + (10.0 * autocorrelation) as usize;
    let mut draws = Draws::new((key as u64) << 32 | number as u64);
    let (own, shared) =
        (draws.errors(points, autocorrelation), draws.errors(points, autocorrelation));
    let on = |point: usize| f64::from(u8::from(point >= points / 2));
    let y = own.iter().zip(&shared).enumerate();
    Series {
        y: y.map(|(point, (a, b))| 0.02 * point as f64 + EFFECT * on(point) + a + b).collect(),
        time: (0..points).map(|point| point as f64).collect(),
        treated: (0..points).map(|point| Some(on(point))).collect(),
        control: shared.iter().enumerate().map(|(point, b)| 0.02 * point as f64 + b).collect(),
    }
}

impl Design {
    /// The same errors for every method, so that their differences are those of the methods.
    pub(crate) fn panel(&self, number: usize) -> Panel {
        let key = 10 * self.areas + (10.0 * self.autocorrelation) as usize;
        let mut draws = Draws::new((key as u64) << 32 | number as u64);
        let names: Vec<u32> = (0..self.areas as u32).flat_map(|area| [area; YEARS]).collect();
        let labels = (0..self.areas).map(|area| format!("{area:03}")).collect();
        let mut panel = Panel {
            y: Vec::with_capacity(self.areas * YEARS),
            unit: Labels::from_codes(names, labels).unwrap_or_default(),
            time: (0..self.areas).flat_map(|_| (0..YEARS).map(|year| year as f64)).collect(),
            treated: Vec::new(),
            population: Vec::new(),
        };
        for area in 0..self.areas {
            // Sizes from 1 to 100, in no order, and another one for the treated areas of each try.
            let place = (area * 37 + number * 61) % self.areas;
            let population = libm::pow(100.0, place as f64 / (self.areas as f64 - 1.0));
            let size = if self.unequal { 1.0 / population.sqrt() } else { 1.0 };
            let level = draws.normal();
            let errors = draws.errors(YEARS, self.autocorrelation);
            for (year, error) in errors.into_iter().enumerate() {
                let on = area < self.treated && year >= FROM;
                let effect = if on { EFFECT } else { 0.0 };
                panel.y.push(level + 0.1 * year as f64 + effect + size * error);
                panel.treated.push(Some(f64::from(on)));
                panel.population.push(if self.unequal { population } else { 1.0 });
            }
        }
        panel
    }
}
