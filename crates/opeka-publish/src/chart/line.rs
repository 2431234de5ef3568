//! Draws a laid-out chart of lines.
//!
//! plotters draws the shapes. Its coordinates are whole numbers, so it draws on a page ten times
//! as large, which is then scaled down: the points stand where they belong to a tenth of a pixel.
//! The texts are written beside it, each with its anchor and its measured length.

use std::fmt::Write as _;

use plotters::prelude::*;

use super::data::{Point, Series};
use super::layout::{Anchor, Layout};
use super::text::FAMILY;
use crate::escape::escape;

/// How many units of the drawing one pixel has.
const UNITS: f64 = 10.0;

/// The Government Analysis Function's palette for up to four categories, in its order.
const PALETTE: [RGBColor; 4] = [
    RGBColor(0x12, 0x43, 0x6D),
    RGBColor(0x28, 0xA1, 0x97),
    RGBColor(0x80, 0x16, 0x50),
    RGBColor(0xF4, 0x6A, 0x25),
];
const GREY: RGBColor = RGBColor(0xBF, 0xC4, 0xC7);
const GRID: RGBColor = RGBColor(0xE3, 0xE6, 0xE8);
const ZERO: RGBColor = RGBColor(0x6F, 0x77, 0x7B);
const LEADER: RGBColor = RGBColor(0xB1, 0xB4, 0xB6);

type Shapes<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// What plotters says when a shape cannot be drawn; on text in memory it never does.
pub(crate) type DrawError = DrawingAreaErrorKind<std::io::Error>;

/// A point as a reader meets it.
pub(crate) struct Hover<'a> {
    pub(crate) series: &'a str,
    pub(crate) coloured: bool,
    pub(crate) point: &'a Point,
    pub(crate) y: f64,
    pub(crate) value: &'a str,
}

/// The whole SVG. `id` sets the names inside apart from those of other charts on a page.
pub(crate) fn draw(
    layout: &Layout,
    series: &[Series],
    hovers: &[Hover<'_>],
    texts: &super::Described<'_>,
) -> Result<String, DrawError> {
    let shapes = shapes(layout, series)?;
    let (width, height) = (short(layout.width), short(layout.height));
    let id = texts.id;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" lang=\"{}\" \
         aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#FFFFFF\"/>\n\
         <g transform=\"scale({})\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n{shapes}</g>\n",
        texts.lang,
        escape(texts.title),
        escape(texts.description),
        1.0 / UNITS,
    );
    let _ = writeln!(svg, "<g font-family=\"{FAMILY}\">");
    for text in &layout.texts {
        let anchor = match text.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if text.style.bold { " font-weight=\"bold\"" } else { "" };
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{weight}{anchor} fill=\"{}\" \
             textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
            short(text.x),
            short(text.baseline),
            short(text.style.size),
            text.fill,
            short(text.width),
            escape(&text.text),
        );
    }
    svg.push_str("</g>\n");
    hover_circles(&mut svg, layout, hovers, texts.cells_word);
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Invisible circles that answer the pointer with the point's name, value and cells.
fn hover_circles(svg: &mut String, layout: &Layout, hovers: &[Hover<'_>], cells_word: &str) {
    const NAMED: usize = 6;
    svg.push_str("<g fill=\"none\" pointer-events=\"all\">\n");
    for (at, hover) in hovers.iter().enumerate() {
        let cells = &hover.point.cells;
        let mut named = cells.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join("\n");
        if cells.len() > NAMED {
            let _ = write!(named, "\n… + {}", cells.len() - NAMED);
        }
        let title = format!(
            "{}\n{}: {}\n{cells_word}:\n{named}",
            hover.series, hover.point.period, hover.value
        );
        let _ = writeln!(
            svg,
            "<circle data-point=\"{at}\" cx=\"{}\" cy=\"{}\" r=\"8\" data-series=\"{}\" \
             data-period=\"{}\" data-value=\"{}\" data-cells=\"{}\"><title>{}</title></circle>",
            short(layout.x(hover.point.x)),
            short(hover.y),
            escape(hover.series),
            escape(&hover.point.period),
            hover.point.value.unwrap_or_default(),
            escape(&cells.join("|")),
            escape(&title),
        );
    }
    svg.push_str("</g>\n");
}

/// A coordinate with at most one decimal: more would not be seen.
pub(crate) fn short(value: f64) -> String {
    let tenths = libm::round(value * 10.0) / 10.0;
    format!("{}", if tenths == 0.0 { 0.0 } else { tenths })
}

fn units(value: f64) -> i32 {
    libm::round(value * UNITS) as i32
}

fn shapes(layout: &Layout, series: &[Series]) -> Result<String, DrawError> {
    let mut buffer = String::new();
    {
        let size = (units(layout.width).unsigned_abs(), units(layout.height).unsigned_abs());
        let root = SVGBackend::with_string(&mut buffer, size).into_drawing_area();
        frame(&root, layout)?;
        // Light grey lines first, the first series last: what stands out lies above.
        for one in series.iter().filter(|one| one.colour.is_none()) {
            line(&root, layout, one, GREY, 1.5)?;
        }
        for one in series.iter().rev() {
            if let Some((at, colour)) = palette(one) {
                line(&root, layout, one, colour, 2.5)?;
                markers(&root, layout, one, at, colour)?;
            }
        }
        labels(&root, layout, series)?;
        root.present()?;
    }
    // The page's own element is written by `draw`; what is inside stays.
    let inside = buffer
        .split_once(">\n")
        .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
        .map(|(inside, _)| inside.replace(" opacity=\"1\"", "").replace(" \"/>", "\"/>"));
    Ok(inside.unwrap_or_default())
}

fn palette(one: &Series) -> Option<(usize, RGBColor)> {
    let at = one.colour?;
    PALETTE.get(at).map(|colour| (at, *colour))
}

fn frame(root: &Shapes<'_>, layout: &Layout) -> Result<(), DrawError> {
    let plot = layout.plot;
    let across = |y: f64| vec![(units(plot.left), units(y)), (units(plot.right), units(y))];
    for y in &layout.grid {
        root.draw(&PathElement::new(across(*y), stroke(GRID, 1.0)))?;
    }
    if let Some(y) = layout.zero {
        root.draw(&PathElement::new(across(y), stroke(ZERO, 1.0)))?;
    }
    for x in &layout.years {
        let down = vec![(units(*x), units(plot.bottom)), (units(*x), units(plot.bottom + 5.0))];
        root.draw(&PathElement::new(down, stroke(ZERO, 1.0)))?;
    }
    Ok(())
}

/// The line, broken where a period has no value.
fn line(
    root: &Shapes<'_>,
    layout: &Layout,
    one: &Series,
    colour: RGBColor,
    width: f64,
) -> Result<(), DrawError> {
    let mut part: Vec<(i32, i32)> = Vec::new();
    let mut parts = Vec::new();
    for point in &one.points {
        match point.value {
            Some(value) => part.push((units(layout.x(point.x)), units(layout.y(value)))),
            None => parts.push(std::mem::take(&mut part)),
        }
    }
    parts.push(part);
    for part in parts {
        match part.as_slice() {
            [] => {}
            // A light grey series has no markers: its lonely points would be lost.
            [dot] if one.colour.is_none() => {
                root.draw(&Circle::new(*dot, units(2.5), colour.filled()))?;
            }
            [_] => {}
            _ => root.draw(&PathElement::new(part, stroke(colour, width)))?,
        }
    }
    Ok(())
}

fn markers(
    root: &Shapes<'_>,
    layout: &Layout,
    one: &Series,
    at: usize,
    colour: RGBColor,
) -> Result<(), DrawError> {
    // Markers that crowd hide the line between them.
    let xs: Vec<f64> = one.drawn().map(|(point, _)| layout.x(point.x)).collect();
    let apart = xs.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let size = (apart / 5.0).clamp(2.0, 4.0);
    for (point, value) in one.drawn() {
        marker(root, at, colour, layout.x(point.x), layout.y(value), size)?;
    }
    Ok(())
}

/// Each series has a shape of its own, so that colour is never the only sign.
fn marker(
    root: &Shapes<'_>,
    at: usize,
    colour: RGBColor,
    x: f64,
    y: f64,
    size: f64,
) -> Result<(), DrawError> {
    // A white rim keeps markers of crossing lines apart.
    for (colour, size) in [(WHITE, size + 1.2), (colour, size)] {
        let at_units = |dx: f64, dy: f64| (units(x + dx * size), units(y + dy * size));
        match at {
            0 => root.draw(&Circle::new(at_units(0.0, 0.0), units(size), colour.filled()))?,
            1 => root.draw(&Rectangle::new(
                [at_units(-0.9, -0.9), at_units(0.9, 0.9)],
                colour.filled(),
            ))?,
            2 => root.draw(&Polygon::new(
                vec![at_units(0.0, -1.2), at_units(1.15, 0.85), at_units(-1.15, 0.85)],
                colour.filled(),
            ))?,
            _ => root.draw(&Polygon::new(
                vec![
                    at_units(0.0, -1.35),
                    at_units(1.35, 0.0),
                    at_units(0.0, 1.35),
                    at_units(-1.35, 0.0),
                ],
                colour.filled(),
            ))?,
        }
    }
    Ok(())
}

/// Markers of the labels, and a thin line to the end that each one names where it is not beside.
fn labels(root: &Shapes<'_>, layout: &Layout, series: &[Series]) -> Result<(), DrawError> {
    for label in &layout.labels {
        let (x, y) = label.marker;
        let from = (label.end.0 + 7.0, label.end.1);
        let moved = (y - from.1).abs() > 5.0 || layout.plot.right - label.end.0 > 14.0;
        if moved {
            let path = vec![
                (units(from.0), units(from.1)),
                (units(layout.plot.right), units(from.1)),
                (units(x - 7.0), units(y)),
            ];
            root.draw(&PathElement::new(path, stroke(LEADER, 1.0)))?;
        }
        match label.series.and_then(|at| palette(&series[at])) {
            Some((at, colour)) => marker(root, at, colour, x, y, 4.0)?,
            None => {
                let path = vec![(units(x - 5.0), units(y)), (units(x + 5.0), units(y))];
                root.draw(&PathElement::new(path, stroke(GREY, 2.0)))?;
            }
        }
    }
    Ok(())
}

fn stroke(colour: RGBColor, width: f64) -> ShapeStyle {
    colour.stroke_width(units(width).unsigned_abs())
}
