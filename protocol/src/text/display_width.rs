use unicode_width::UnicodeWidthStr;

/// How many columns of a terminal `text` takes: East Asian characters and most emoji take two.
pub fn display_width(text: &str) -> usize {
    text.width()
}
