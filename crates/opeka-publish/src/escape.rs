//! Text inside XML and HTML.

/// The text with everything escaped that means something in an element or in a quoted attribute.
/// Characters that XML 1.0 forbids become U+FFFD: an SVG with one of them would not open at all.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A name that may stand in an `id`: ASCII letters, digits and hyphens.
pub(crate) fn identifier(text: &str) -> String {
    let id: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let id = id.trim_matches('-').to_owned();
    if id.is_empty() { "x".to_owned() } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_through() {
        assert_eq!(escape("a<b>&\"'\u{0}\u{1b}"), "a&lt;b&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}");
        assert_eq!(identifier("Дом placement_trend.2"), "placement-trend-2");
        assert_eq!(identifier("Дом"), "x");
    }
}
