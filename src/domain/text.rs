/// As much of somebody's text as an error repeats: at most `most` characters, in one line, without what could steer a
/// terminal or forge a line of a log.
pub fn shown(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for c in text.chars().take(most) {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Control characters, line separators, and those that turn the direction of what follows (UAX 9).
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_shown_in_one_line_and_not_whole() {
        assert_eq!(shown("bed 7\nnurse\u{1b}[2J", 80), "bed 7\\nnurse\\u{1b}[2J");
        assert_eq!(shown("A\u{202e}7\u{2028}B", 80), "A\\u{202e}7\\u{2028}B");
        assert_eq!(shown("\u{e9}\u{e9}\u{e9}", 2), "\u{e9}\u{e9}");
    }
}
