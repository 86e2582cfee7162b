use std::ffi::OsString;

/// Joins each word of a command line that looks like a negative number or time to the option before
/// it: `--tick -1s` becomes `--tick=-1s`.
///
/// Otherwise the parser reports an unknown option `-1`, and names neither the value nor its option.
/// No option begins with a digit.
pub fn join_negative_values(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut options_ended = false;
    for word in words {
        options_ended |= word == "--";
        match joined.last_mut() {
            Some(option) if !options_ended && is_negative(&word) && is_option(option) => {
                option.push("=");
                option.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

fn is_negative(word: &OsString) -> bool {
    let bytes = word.as_encoded_bytes();
    let digits = bytes.strip_prefix(b"-").map(|rest| rest.strip_prefix(b".").unwrap_or(rest));
    digits.and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

fn is_option(word: &OsString) -> bool {
    let bytes = word.as_encoded_bytes();
    let letter = bytes.strip_prefix(b"--").or_else(|| bytes.strip_prefix(b"-"));
    letter.and_then(<[u8]>::first).is_some_and(u8::is_ascii_alphabetic) && !bytes.contains(&b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(line: &str) -> String {
        let words = join_negative_values(line.split(' ').map(OsString::from));
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn joins_negative_values_to_the_option_before() {
        for (line, want) in [
            ("server --tick -1s --stay", "server --tick=-1s --stay"),
            ("server --board -1x3", "server --board=-1x3"),
            ("herd -n -5 -t -.5", "herd -n=-5 -t=-.5"),
            ("server --tick=1s -1s", "server --tick=1s -1s"),
            ("server -1s", "server -1s"),
            ("server --tick -x", "server --tick -x"),
            ("server --script - -1", "server --script - -1"),
            ("client echo -- --tick -1s", "client echo -- --tick -1s"),
        ] {
            assert_eq!(joined(line), want);
        }
    }
}
