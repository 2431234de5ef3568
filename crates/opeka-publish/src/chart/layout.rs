//! Where everything of a chart stands, decided before a line of it is drawn.
//!
//! The page is read from above: title, subtitle, what the vertical axis measures, the plot with
//! the names of its lines at their right ends, the source. Every text is measured first; the
//! margins follow from the widest label, and the page grows downwards where the texts need it.

use super::axis::{TimeAxis, ValueAxis};
use super::data::Series;
use super::text::{ASCENT, DESCENT, Type};

/// Distance of everything from the edge of the page.
const EDGE: f64 = 16.0;
const TITLE: Type = Type::bold(19.0);
const SUBTITLE: Type = Type::regular(14.0);
const AXIS: Type = Type::regular(12.5);
const LABEL: Type = Type::regular(13.0);
const NOTE: Type = Type::regular(11.5);
const EMPTY: Type = Type::regular(16.0);

/// Between two labels at the right.
const LABEL_GAP: f64 = 5.0;
/// From the plot to the marker of a label, and from there to its text.
const LABEL_MARKER: f64 = 18.0;
const LABEL_TEXT: f64 = 28.0;
/// From the frame of the plot to the first and the last point.
const INSET: f64 = 10.0;
/// How far a label may stand above or below the plot.
const OVERHANG: f64 = 6.0;

pub(crate) const INK: &str = "#0B0C0C";
pub(crate) const FADED_INK: &str = "#505A5F";

/// A rectangle; `y` grows downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// One line of text.
#[derive(Debug, Clone)]
pub(crate) struct TextBox {
    pub(crate) text: String,
    pub(crate) x: f64,
    pub(crate) baseline: f64,
    pub(crate) anchor: Anchor,
    pub(crate) style: Type,
    pub(crate) fill: &'static str,
    pub(crate) width: f64,
}

impl TextBox {
    fn new(text: &str, x: f64, baseline: f64, anchor: Anchor, style: Type) -> Self {
        let width = style.width(text);
        Self { text: text.to_owned(), x, baseline, anchor, style, fill: INK, width }
    }

    fn faded(mut self) -> Self {
        self.fill = FADED_INK;
        self
    }

    /// The measured box: nothing of the text is outside.
    #[cfg(test)]
    pub(crate) fn rect(&self) -> Rect {
        let left = match self.anchor {
            Anchor::Start => self.x,
            Anchor::Middle => self.x - self.width / 2.0,
            Anchor::End => self.x - self.width,
        };
        Rect {
            left,
            top: self.baseline - ASCENT * self.style.size,
            right: left + self.width,
            bottom: self.baseline + DESCENT * self.style.size,
        }
    }
}

/// The name of a line at its right end.
#[derive(Debug, Clone)]
pub(crate) struct EndLabel {
    /// The series, or `None` for the name of all light grey ones.
    pub(crate) series: Option<usize>,
    /// Where the marker of the label stands.
    pub(crate) marker: (f64, f64),
    /// The end of the line that the label names.
    pub(crate) end: (f64, f64),
}

/// Everything that is drawn, in pixels of the page.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) plot: Rect,
    pub(crate) texts: Vec<TextBox>,
    /// Heights of the grid's lines, and of the line of zero.
    pub(crate) grid: Vec<f64>,
    pub(crate) zero: Option<f64>,
    /// Places of the years that are named.
    pub(crate) years: Vec<f64>,
    pub(crate) labels: Vec<EndLabel>,
    values: ValueAxis,
    times: TimeAxis,
}

/// What a layout is made of.
pub(crate) struct Input<'a> {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) title: &'a str,
    pub(crate) subtitle: &'a str,
    pub(crate) axis: &'a str,
    pub(crate) note: &'a str,
    pub(crate) others: &'a str,
    pub(crate) empty: &'a str,
    pub(crate) series: &'a [Series],
    pub(crate) zero: bool,
    /// Prints a tick of the vertical axis with so many decimals.
    pub(crate) tick: &'a dyn Fn(f64, usize) -> String,
}

impl Layout {
    pub(crate) fn new(input: &Input<'_>) -> Self {
        let width = input.width;
        let across = width - 2.0 * EDGE;
        let mut texts = Vec::new();

        // From above.
        let mut y = EDGE;
        let header = [
            (input.title, TITLE, false, 5.0),
            (input.subtitle, SUBTITLE, true, 14.0),
            (input.axis, AXIS, true, 0.0),
        ];
        for (text, style, faded, gap) in header {
            let lines = style.wrap_evenly(text, across);
            y = stack(&mut texts, &lines, EDGE, y, style, faded);
            y += if lines.is_empty() { 0.0 } else { gap };
        }
        let top = y + 12.0;

        // From below, as far as it is known without the height of the page.
        let note = NOTE.wrap(input.note, across);
        let below_plot = 8.0 + AXIS.pitch() + 8.0 + note.len() as f64 * NOTE.pitch() + EDGE;

        // The labels at the right, and with them the right margin.
        let wrapped = end_labels(input, across);
        let widest = wrapped
            .iter()
            .flat_map(|(_, lines)| lines)
            .map(|line| LABEL.width(line))
            .fold(0.0, f64::max);
        let stacked: f64 = wrapped.iter().map(|(_, l)| label_height(l) + LABEL_GAP).sum();
        let plot_height = (input.height - top - below_plot)
            .max(width * 0.24)
            .max(stacked - LABEL_GAP - 2.0 * OVERHANG);
        let bottom = top + plot_height;
        let right = if wrapped.is_empty() {
            width - EDGE - 20.0
        } else {
            width - EDGE - widest - LABEL_TEXT
        };

        // The vertical axis, and with it the left margin.
        let values = ValueAxis::new(
            input.series.iter().flat_map(|one| one.drawn().map(|(_, value)| value)),
            input.zero,
            (plot_height / 52.0).clamp(2.0, 6.0),
        );
        let empty = input.series.is_empty();
        let ticks: Vec<(f64, String)> = if empty {
            Vec::new()
        } else {
            values.ticks().into_iter().map(|v| (v, (input.tick)(v, values.decimals))).collect()
        };
        let tick_width = ticks.iter().map(|(_, text)| AXIS.width(text)).fold(0.0, f64::max);
        let left = EDGE + tick_width + 8.0;
        let plot = Rect { left, top, right, bottom };
        let times =
            TimeAxis::new(input.series.iter().flat_map(|one| one.drawn().map(|(p, _)| p.x)));

        let mut layout = Self {
            width,
            height: bottom + below_plot,
            plot,
            texts,
            grid: Vec::new(),
            zero: None,
            years: Vec::new(),
            labels: Vec::new(),
            values,
            times,
        };
        for (value, text) in &ticks {
            let y = layout.y(*value);
            layout.grid.push(y);
            if *value == 0.0 {
                layout.zero = Some(y);
            }
            let baseline = y + AXIS.size * 0.36;
            layout.texts.push(TextBox::new(text, left - 8.0, baseline, Anchor::End, AXIS).faded());
        }
        if empty {
            let middle = ((EDGE + width - EDGE) / 2.0, (top + bottom) / 2.0);
            let text = TextBox::new(input.empty, middle.0, middle.1, Anchor::Middle, EMPTY);
            layout.texts.push(text.faded());
        } else {
            let years = layout.times.ticks(plot.left + INSET, plot.right - INSET, AXIS);
            let baseline = bottom + 8.0 + AXIS.size * ASCENT;
            for year in years {
                let x = layout.x(year as f64);
                layout.years.push(x);
                let text = year.to_string();
                layout.texts.push(TextBox::new(&text, x, baseline, Anchor::Middle, AXIS).faded());
            }
        }
        layout.place_labels(input.series, wrapped);
        let y = layout.height - EDGE - note.len() as f64 * NOTE.pitch();
        stack(&mut layout.texts, &note, EDGE, y, NOTE, true);
        layout
    }

    pub(crate) fn x(&self, time: f64) -> f64 {
        self.times.place(time, self.plot.left + INSET, self.plot.right - INSET)
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        let (low, high) = (self.values.low(), self.values.high());
        // Halves first: the difference of two huge values of different sign is not a number.
        let part = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        self.plot.bottom - part * (self.plot.bottom - self.plot.top)
    }

    /// Puts each label as near to the end of its line as its neighbours allow.
    fn place_labels(&mut self, series: &[Series], wrapped: Vec<(Option<usize>, Vec<String>)>) {
        let mut wanted: Vec<(EndLabel, Vec<String>)> = wrapped
            .into_iter()
            .map(|(which, lines)| {
                let end = self.end_of(series, which);
                let marker = (self.plot.right + LABEL_MARKER, end.1);
                (EndLabel { series: which, marker, end }, lines)
            })
            .collect();
        wanted.sort_by(|a, b| a.0.end.1.total_cmp(&b.0.end.1));
        // The first line of a label stands at the height of the line's end, the others below it.
        let centres: Vec<f64> = wanted
            .iter()
            .map(|(label, lines)| label.end.1 + (label_height(lines) - LABEL.pitch()) / 2.0)
            .collect();
        let heights: Vec<f64> =
            wanted.iter().map(|(_, lines)| label_height(lines) + LABEL_GAP).collect();
        let (top, bottom) = (self.plot.top - OVERHANG, self.plot.bottom + OVERHANG);
        let placed = spread(&centres, &heights, top - LABEL_GAP / 2.0, bottom + LABEL_GAP / 2.0);
        for ((mut label, lines), centre) in wanted.into_iter().zip(placed) {
            let first = centre - label_height(&lines) / 2.0;
            label.marker.1 = first + LABEL.pitch() / 2.0;
            let x = self.plot.right + LABEL_TEXT;
            let faded = label.series.is_none();
            stack(&mut self.texts, &lines, x, first, LABEL, faded);
            self.labels.push(label);
        }
    }

    /// The end of a line; for the light grey ones the middle of their ends.
    fn end_of(&self, series: &[Series], which: Option<usize>) -> (f64, f64) {
        let end = |one: &Series| {
            let (point, value) = one.drawn().next_back()?;
            Some((self.x(point.x), self.y(value)))
        };
        let middle = (self.plot.right, (self.plot.top + self.plot.bottom) / 2.0);
        match which {
            Some(at) => series.get(at).and_then(end).unwrap_or(middle),
            None => {
                let mut ends: Vec<(f64, f64)> =
                    series.iter().filter(|one| one.colour.is_none()).filter_map(end).collect();
                ends.sort_by(|a, b| a.1.total_cmp(&b.1));
                ends.get(ends.len() / 2).copied().unwrap_or(middle)
            }
        }
    }
}

/// The lines of each label: one for each coloured series that is drawn, and one for all others.
fn end_labels(input: &Input<'_>, across: f64) -> Vec<(Option<usize>, Vec<String>)> {
    let words = input.series.iter().filter(|one| one.colour.is_some()).map(|one| &*one.name);
    let widest = words.map(|name| LABEL.widest_word(name)).fold(0.0, f64::max);
    // A long word gets more room before it is cut, up to two fifths of the page.
    let room = (across * 0.34).max(widest.min(across * 0.4));
    let mut labels: Vec<(Option<usize>, Vec<String>)> = input
        .series
        .iter()
        .enumerate()
        .filter(|(_, one)| one.colour.is_some() && one.drawn().next().is_some())
        .map(|(at, one)| (Some(at), LABEL.wrap_evenly(&one.name, room)))
        .collect();
    if input.series.iter().any(|one| one.colour.is_none() && one.drawn().next().is_some()) {
        labels.push((None, LABEL.wrap_evenly(input.others, room)));
    }
    labels
}

fn label_height(lines: &[String]) -> f64 {
    lines.len() as f64 * LABEL.pitch()
}

/// Writes lines one below the other from `top`, and says where the next one would start.
fn stack(
    texts: &mut Vec<TextBox>,
    lines: &[String],
    x: f64,
    top: f64,
    style: Type,
    faded: bool,
) -> f64 {
    let mut y = top;
    // The baseline stands so that the line's box lies in the middle of its pitch.
    let lead = (style.pitch() - (ASCENT + DESCENT) * style.size) / 2.0 + ASCENT * style.size;
    for line in lines {
        let text = TextBox::new(line, x, y + lead, Anchor::Start, style);
        texts.push(if faded { text.faded() } else { text });
        y += style.pitch();
    }
    y
}

/// Centres of boxes of the given heights, as near to the wanted centres as they can stand without
/// overlap between `top` and `bottom`, in the order given.
///
/// Neighbours that would overlap are joined into one block, which stands at the mean of what its
/// members want: the pool-adjacent-violators algorithm, exact for least squares.
fn spread(wanted: &[f64], heights: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    struct Block {
        start: f64,
        height: f64,
        members: usize,
    }
    let mut blocks: Vec<Block> = Vec::new();
    let clamp = |start: f64, height: f64| start.min(bottom - height).max(top);
    for (centre, height) in wanted.iter().zip(heights) {
        let start = clamp(centre - height / 2.0, *height);
        blocks.push(Block { start, height: *height, members: 1 });
        while let [.., above, below] = blocks.as_mut_slice() {
            if above.start + above.height <= below.start {
                break;
            }
            // Where the upper block would start if each member had its wish, weighted by members.
            let wish = below.start - above.height;
            let (n, m) = (above.members as f64, below.members as f64);
            let height = above.height + below.height;
            above.start = clamp((above.start * n + wish * m) / (n + m), height);
            above.height = height;
            above.members += below.members;
            blocks.pop();
        }
    }
    let mut centres = Vec::with_capacity(wanted.len());
    let mut heights = heights.iter();
    for block in blocks {
        let mut y = block.start;
        for height in heights.by_ref().take(block.members) {
            centres.push(y + height / 2.0);
            y += height;
        }
    }
    centres
}
