/// Whether `char` can be shown unchanged: it has a visible form, or is the space.
///
/// Characters that could control a terminal or mislead a reader are not printable: control characters
/// (of ASCII, DEL and U+0080 to U+009F), line and paragraph separators, controls of the text direction,
/// and characters without a visible form, such as zero-width characters, fillers and tags.
pub fn is_printable(char: char) -> bool {
    match char {
        ' '..='~' => true,
        _ => UNPRINTABLE
            .binary_search_by(|&(first, last)| {
                if last < char {
                    std::cmp::Ordering::Less
                } else if first > char {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .is_err(),
    }
}

/// The characters that are not printable, sorted: of Unicode 16, the general categories Cc, Cf, Zl and Zp
/// (`DerivedGeneralCategory.txt`), the property `Default_Ignorable_Code_Point`
/// (`DerivedCoreProperties.txt`), and the two blank hieroglyphs, which are letters without a visible form.
const UNPRINTABLE: [(char, char); 28] = [
    ('\u{0}', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{13441}', '\u{13442}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

#[cfg(test)]
mod tests {
    use regex_syntax::hir::{Class, HirKind};

    use super::*;

    /// The ranges of characters in the class `pattern`.
    fn class(pattern: &str) -> Vec<(char, char)> {
        match regex_syntax::parse(pattern).unwrap().into_kind() {
            HirKind::Class(Class::Unicode(class)) => {
                class.ranges().iter().map(|range| (range.start(), range.end())).collect()
            }
            other => panic!("{other:?} is not a class"),
        }
    }

    #[test]
    fn the_table_agrees_with_unicode() {
        let unicode =
            class(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\x{13441}\x{13442}]");
        assert_eq!(UNPRINTABLE.to_vec(), unicode);
    }

    #[test]
    fn finds_exactly_the_characters_of_the_table() {
        for char in '\0'..=char::MAX {
            let listed = UNPRINTABLE.iter().any(|(first, last)| (*first..=*last).contains(&char));
            assert_eq!(is_printable(char), !listed, "{char:?}");
        }
    }

    #[test]
    fn text_of_any_script_is_printable() {
        for text in ["Jürgen", "李", "עברית", "العربية", "नमस्ते", "→ ½ €", "🎲", " ~"]
        {
            assert!(text.chars().all(is_printable), "{text}");
        }
    }
}
