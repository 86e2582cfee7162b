use tribune_protocol::Line;

/// What a request of HTTP may begin with. A web page can make a browser send `GET`, `HEAD` and `POST`
/// to any server without its consent.
const METHODS: [&[u8]; 9] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
];

/// The first two bytes of a TLS connection: a handshake record of version 3. A browser puts some bytes
/// into its first message that a foreign server has chosen, such as a session ticket.
const TLS_HANDSHAKE: &[u8] = &[0x16, 0x03];

/// Whether `line`, the first of a connection, shows that its peer speaks HTTP or TLS. Then no later line
/// may count, as a foreign web page may have chosen it.
///
/// No action of a game has this form: the last word of an action is a name, which has no slash.
pub fn is_foreign(line: &Line) -> bool {
    match line {
        Line::Whole(bytes) => is_request_line(bytes) || bytes.starts_with(TLS_HANDSHAKE),
        // The end, with the version of HTTP, is skipped.
        Line::Cut(bytes) => {
            METHODS.iter().any(|method| bytes.starts_with(method))
                || bytes.starts_with(TLS_HANDSHAKE)
        }
        Line::Unfinished(_) => false,
    }
}

/// Whether `line` has a line end and nothing else.
pub fn is_blank(line: &Line) -> bool {
    matches!(line, Line::Whole(bytes) if bytes.trim_ascii().is_empty())
}

/// Whether `line` is the first of a request of HTTP: a method, a target and a version. A peer may use
/// methods of its own.
fn is_request_line(line: &[u8]) -> bool {
    let mut words = line.trim_ascii().split(|&byte| byte == b' ');
    let has_method = words.next().is_some_and(|method| method.iter().all(u8::is_ascii_alphabetic));
    has_method && words.next_back().is_some_and(|version| version.starts_with(b"HTTP/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tribune_protocol::{ActionPattern, ActionSyntax};

    use super::*;

    fn whole(bytes: &[u8]) -> Line {
        Line::Whole(bytes.to_vec().into())
    }

    #[test]
    fn recognizes_request_lines_and_tls() {
        for line in [
            "GET / HTTP/1.1",
            "POST /act HTTP/1.0",
            "GET /a b c HTTP/1.1",
            "get / HTTP/1.1",
            "N / HTTP/1.1",
            "PRI * HTTP/2.0",
            "OPTIONS * HTTP/1.1 ",
        ] {
            assert!(is_foreign(&whole(line.as_bytes())), "{line}");
        }
        assert!(is_foreign(&whole(b"\x16\x03\x01\x02\x00\x01\x00")));
        let long = [b"GET /".to_vec(), vec![b'a'; 1019]].concat();
        assert!(is_foreign(&Line::Cut(long.into())));
    }

    #[test]
    fn lines_of_the_game_are_not_foreign() {
        for line in ["N ann", "N", "", "what", "POST", "HTTP/1.1", "{\"type\":\"ping\",\"id\":1}"] {
            assert!(!is_foreign(&whole(line.as_bytes())), "{line}");
        }
        assert!(!is_foreign(&Line::Cut(vec![b'x'; 1024].into())));
        assert!(!is_foreign(&Line::Unfinished("GET / HTTP/1.1".into())));
    }

    proptest! {
        #[test]
        fn no_action_of_any_game_is_foreign(line in "[A-Z]{1,7} [ -~]{0,20} (HTTP/1\\.1|[!-~]{1,8})") {
            let actions = ActionSyntax::Pattern(ActionPattern::new(".*").unwrap());
            let is_action = actions.parse(&line).is_ok();
            prop_assert!(!is_action || !is_foreign(&whole(line.as_bytes())));
        }
    }
}
