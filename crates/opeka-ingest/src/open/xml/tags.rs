//! Tags as every program writes them, read by hand. What is written otherwise is left to the caller.

/// An attribute of a tag.
pub(super) struct Attribute<'t> {
    pub(super) name: &'t str,
    /// Its value as written.
    pub(super) value: &'t str,
    /// Whether the value has no references.
    pub(super) plain: bool,
}

/// The tag with which an element starts.
pub(super) struct Tag<'t> {
    pub(super) name: &'t str,
    /// What it says, from the name on.
    pub(super) content: &'t str,
    pub(super) empty: bool,
    /// How long it is, from `<` to `>`.
    pub(super) length: usize,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// The text before the next tag or reference.
pub(super) fn text(here: &str) -> &str {
    let bytes = here.as_bytes();
    let ends = |byte: &u8| matches!(byte, b'<' | b'&');
    // Between tags there is mostly a line break with a few tabs.
    let near = bytes.iter().take(16).position(ends);
    let end = near.or_else(|| memchr::memchr2(b'<', b'&', bytes));
    &here[..end.unwrap_or(bytes.len())]
}

/// The tag that starts here, with its attributes; `None` where it is not `<name a="b" c='d'>` or
/// `<name/>`: where it is damaged, where its names hold odd characters, and where there are spaces
/// around `=`.
pub(super) fn start<'t>(here: &'t str, attributes: &mut Vec<Attribute<'t>>) -> Option<Tag<'t>> {
    attributes.clear();
    let bytes = here.as_bytes();
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'>' | b'/' => break,
            byte if is_space(byte) => break,
            b'"' | b'\'' | b'<' => return None,
            _ => at += 1,
        }
    }
    let name_end = at;
    if name_end == 1 {
        return None;
    }
    loop {
        while is_space(*bytes.get(at)?) {
            at += 1;
        }
        let empty = match bytes[at] {
            b'>' => false,
            b'/' if bytes.get(at + 1) == Some(&b'>') => true,
            _ => {
                let (attribute, after) = attribute(here, at)?;
                attributes.push(attribute);
                at = after;
                continue;
            }
        };
        let length = at + if empty { 2 } else { 1 };
        return Some(Tag { name: &here[1..name_end], content: &here[1..at], empty, length });
    }
}

/// The attribute that starts at a place, and where it ends.
fn attribute(here: &str, start: usize) -> Option<(Attribute<'_>, usize)> {
    let bytes = here.as_bytes();
    let mut at = start;
    loop {
        match *bytes.get(at)? {
            b'=' => break,
            b'>' | b'<' | b'/' | b'"' | b'\'' => return None,
            byte if is_space(byte) => return None,
            _ => at += 1,
        }
    }
    if at == start {
        return None;
    }
    let name = &here[start..at];
    let quote = *bytes.get(at + 1)?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let from = at + 2;
    let (mut at, mut plain) = (from, true);
    loop {
        match *bytes.get(at)? {
            byte if byte == quote => break,
            b'&' => plain = false,
            _ => (),
        }
        at += 1;
    }
    Some((Attribute { name, value: &here[from..at], plain }, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(here: &str) -> Option<String> {
        let mut attributes = Vec::new();
        let tag = start(here, &mut attributes)?;
        let said = attributes.iter().map(|a| format!(" {}={}{}", a.name, a.value, a.plain));
        Some(format!("{} {} {}{}", tag.name, tag.empty, tag.length, said.collect::<String>()))
    }

    #[test]
    fn usual_tags_are_read() {
        assert_eq!(read("<a>x").as_deref(), Some("a false 3"));
        assert_eq!(read("<n:a />").as_deref(), Some("n:a true 7"));
        assert_eq!(
            read("<a b='\"' c=\"d>&lt;\"/>").as_deref(),
            Some("a true 21 b=\"true c=d>&lt;false")
        );
        assert_eq!(read("<a\n\tb=\"ж\"c='/'\r>").as_deref(), Some("a false 17 b=жtrue c=/true"));
    }

    #[test]
    fn unusual_tags_are_left() {
        let unusual = [
            "<",
            "<a",
            "<>",
            "< a>",
            "<a/b>",
            "<a b>",
            "<a b =\"c\">",
            "<a b= \"c\">",
            "<a b=c>",
            "<a b=\"c>",
            "<a =\"c\">",
            "<a'>'>",
            "<a b<c=\"d\">",
            "<a /b=\"c\">",
            "<a / >",
            "<a b=\"c\"",
        ];
        for tag in unusual {
            assert_eq!(read(tag), None, "{tag}");
        }
    }

    #[test]
    fn a_text_ends_before_what_follows() {
        assert_eq!(text("\n\t\t<a>"), "\n\t\t");
        assert_eq!(
            text("a text of more than a few letters&amp;"),
            "a text of more than a few letters"
        );
        assert_eq!(text("an end"), "an end");
    }
}
