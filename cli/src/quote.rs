use std::fmt::Write;

/// `bytes`, which may be anything, in quotation marks and in a form that can be shown: text as it
/// is, and whatever could steer a terminal or is no text escaped.
pub fn quote(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len() + 2);
    shown.push('"');
    for chunk in bytes.utf8_chunks() {
        shown.extend(chunk.valid().escape_debug());
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("memory takes everything");
        }
    }
    shown.push('"');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_it_is_can_be_shown() {
        assert_eq!(quote("grüße".as_bytes()), r#""grüße""#);
        assert_eq!(quote(b"a\xff\x1b[2J\n\"\\"), r#""a\xff\u{1b}[2J\n\"\\""#);
        assert_eq!(quote(b""), r#""""#);
    }
}
