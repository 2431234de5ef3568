use super::*;
use proptest::prelude::*;

/// Points of which only the side and the closeness matter; values alternate, so that none trend.
fn sides(sides: &str) -> Vec<Place> {
    sides
        .chars()
        .enumerate()
        .map(|(index, side)| Place {
            value: (index % 2) as f64,
            side: match side {
                '+' | '^' => 1,
                '-' | 'v' => -1,
                _ => 0,
            },
            outside: false,
            close: side == '^' || side == 'v',
        })
        .collect()
}

fn values(values: &[f64]) -> Vec<Place> {
    // Sides alternate, so that there are no shifts.
    let place = |(index, value): (usize, &f64)| Place {
        value: *value,
        side: if index % 2 == 0 { 1 } else { -1 },
        outside: false,
        close: false,
    };
    values.iter().enumerate().map(place).collect()
}

fn marks(places: &[Place]) -> String {
    let mark = |signal: Option<Signal>| match signal {
        None => '.',
        Some(Signal::Outside { .. }) => 'o',
        Some(Signal::Trend { rising: true }) => '/',
        Some(Signal::Trend { rising: false }) => '\\',
        Some(Signal::TwoInThree { .. }) => '2',
        Some(Signal::Shift { .. }) => '7',
    };
    signals(places).into_iter().map(mark).collect()
}

#[test]
fn shifts_take_seven() {
    assert_eq!(marks(&sides("++++++")), "......");
    assert_eq!(marks(&sides("-+++++++-")), ".7777777.");
    assert_eq!(marks(&sides("++++0+++++++")), ".....7777777");
    assert_eq!(marks(&sides("0000000")), ".......");
    assert_eq!(marks(&sides("-------+++++++")), "77777777777777");
    assert_eq!(marks(&[]), "");
}

#[test]
fn trends_take_seven_points() {
    assert_eq!(marks(&values(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])), "......");
    assert_eq!(marks(&values(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 7.0])), "///////.");
    assert_eq!(marks(&values(&[9.0, 8.0, 7.0, 6.0, 6.0, 5.0, 4.0, 3.0])), "........");
    // At the peak one run ends and another begins: the later one has it.
    let peak: Vec<f64> = (0..13).map(|t: i32| f64::from(6 - (t - 6).abs())).collect();
    assert_eq!(marks(&values(&peak)), "//////\\\\\\\\\\\\\\");
    // Two rising runs with one step down between them: each keeps its direction.
    let saw: Vec<f64> = (0..14).map(|t: i32| f64::from(t % 7)).collect();
    assert_eq!(marks(&values(&saw)), "//////////////");
}

#[test]
fn two_in_three_take_one_side() {
    assert_eq!(marks(&sides("^+^")), "2.2");
    assert_eq!(marks(&sides("^^+")), "22.");
    assert_eq!(marks(&sides("^^-")), "...");
    assert_eq!(marks(&sides("^-^")), "...");
    assert_eq!(marks(&sides("^0^")), "...");
    assert_eq!(marks(&sides("^^")), "..");
    assert_eq!(marks(&sides("v-v-v")), "2.2.2");
    assert_eq!(marks(&sides("^++^")), "....");
}

#[test]
fn the_first_rule_that_holds_is_told() {
    let mut places = sides("^^^^^^^");
    places[3].outside = true;
    places[3].close = false;
    assert_eq!(marks(&places), "222o222");
    let texts: Vec<&str> = signals(&places).into_iter().flatten().map(Signal::text).collect();
    assert_eq!(texts[2..4], ["2 in 3 Above CL", "Above UCL"]);
    for (place, value) in places.iter_mut().zip([7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]) {
        place.value = value;
    }
    assert_eq!(marks(&places), "\\\\\\o\\\\\\");
    assert!(!Signal::Trend { rising: false }.upwards());
}

/// The rules as definitions: is there a run of which the point is part?
fn slow(places: &[Place], point: usize) -> (bool, bool, bool) {
    let n = places.len();
    let runs = |length: usize| (0..n).filter(move |start| start + length <= n);
    let holds = |start: usize, length: usize| (start..start + length).contains(&point);
    let trend = runs(7).any(|s| {
        holds(s, 7)
            && ((s..s + 6).all(|k| places[k].value < places[k + 1].value)
                || (s..s + 6).all(|k| places[k].value > places[k + 1].value))
    });
    let shift = runs(7).any(|s| {
        let first = places[s].side;
        holds(s, 7) && first != 0 && (s..s + 7).all(|k| places[k].side == first)
    });
    let close = places[point].close
        && runs(3).any(|s| {
            let first = places[s].side;
            holds(s, 3)
                && first != 0
                && (s..s + 3).all(|k| places[k].side == first)
                && (s..s + 3).filter(|&k| places[k].close).count() >= 2
        });
    (trend, shift, close)
}

fn places() -> impl Strategy<Value = Vec<Place>> {
    // Steps that keep their way more often than not, so that there are runs.
    let step = (0i8..5, -1i8..2, any::<bool>(), 0u8..10);
    prop::collection::vec(step, 0..60).prop_map(|steps| {
        let mut value = 0.0;
        let mut side = 1;
        steps
            .into_iter()
            .map(|(step, turn, close, outside)| {
                value += if step == 0 { -1.0 } else { 1.0 };
                side = if turn < 0 && step < 2 { -side } else { side };
                let outside = outside == 0;
                Place { value, side, outside, close: close && !outside }
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn agrees_with_the_definitions(places in places()) {
        for (point, signal) in signals(&places).into_iter().enumerate() {
            let (trend, shift, close) = slow(&places, point);
            let above = places[point].side > 0;
            match signal {
                Some(Signal::Outside { above: told }) => prop_assert!(places[point].outside && told == above),
                Some(Signal::Trend { .. }) => prop_assert!(trend),
                Some(Signal::TwoInThree { above: told }) => prop_assert!(close && !trend && told == above),
                Some(Signal::Shift { above: told }) => prop_assert!(shift && !trend && !close && told == above),
                None => prop_assert!(!trend && !shift && !close && !places[point].outside),
            }
        }
    }

    #[test]
    fn time_run_backwards_turns_trends_round(places in places()) {
        let mut back = places.clone();
        back.reverse();
        let mut told = signals(&back);
        told.reverse();
        for (forward, back) in signals(&places).into_iter().zip(told) {
            match (forward, back) {
                // A peak belongs to the later run, which is the other one backwards.
                (Some(Signal::Trend { .. }), Some(Signal::Trend { .. })) => {}
                (forward, back) => prop_assert_eq!(forward, back),
            }
        }
    }
}
