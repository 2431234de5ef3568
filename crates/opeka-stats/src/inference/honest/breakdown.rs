//! How far trends may differ before zero is among the effects that fit.

use super::arp::ConditionalTest;
use super::{Analysis, HonestDelta, HonestMethod};

/// How often the first bound is doubled in search of one that lets zero in.
const DOUBLINGS: usize = 20;

/// Halvings between a bound that leaves zero out and one that does not.
const HALVINGS: usize = 36;

impl Analysis<'_> {
    /// The largest bound whose limits leave zero out, or why there is none.
    pub(super) fn breakdown(&self) -> (Option<f64>, Option<String>) {
        let side = match self.limits(0.0) {
            Ok((low, _)) if low > 0.0 => Side::Above,
            Ok((_, high)) if high < 0.0 => Side::Below,
            Ok(_) => {
                let told = "no breakdown value: even with a bound of 0 the limits include 0";
                return (None, Some(told.to_owned()));
            }
            Err(_) => {
                let told = "no breakdown value: with a bound of 0 every effect is rejected";
                return (None, Some(told.to_owned()));
            }
        };
        let start = match self.options.delta {
            HonestDelta::Smoothness => self.std_error,
            HonestDelta::RelativeMagnitudes | HonestDelta::RelativeSmoothness => 1.0,
        };
        let (mut out, mut within) = (0.0, start);
        let mut doubled = 0;
        while self.leaves_zero_out(within, side) {
            (out, within) = (within, 2.0 * within);
            doubled += 1;
            if doubled == DOUBLINGS {
                let told = format!("no breakdown value: the limits leave 0 out up to {out}");
                return (None, Some(told));
            }
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (out + within);
            if self.leaves_zero_out(middle, side) {
                out = middle;
            } else {
                within = middle;
            }
        }
        (Some(out), None)
    }

    fn leaves_zero_out(&self, m: f64, side: Side) -> bool {
        if self.method == HonestMethod::FixedLength || self.options.grid_points.is_some() {
            return match (self.limits(m), side) {
                (Ok((low, _)), Side::Above) => low > 0.0,
                (Ok((_, high)), Side::Below) => high < 0.0,
                (Err(_), _) => false,
            };
        }
        let tests = self.tests(m);
        match side {
            Side::Above => tests.iter().all(|test| test.lowest(0.0).is_none()),
            Side::Below => {
                tests.iter().map(ConditionalTest::mirrored).all(|test| test.lowest(0.0).is_none())
            }
        }
    }
}

/// On which side of zero the limits are.
#[derive(Clone, Copy, Debug)]
enum Side {
    Above,
    Below,
}
