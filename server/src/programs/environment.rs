use std::ffi::{OsStr, OsString};

/// What programs get of the server's environment: what they need to find other programs and their
/// own parts, and to speak the language of people here. All else may be a secret.
const INHERITED: [&str; 19] = [
    "HOME",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NODE_PATH",
    "PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "RUST_BACKTRACE",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
];

/// The same, for all that begin so.
const INHERITED_PREFIX: &str = "LC_";

/// What programs get of `environment`, which is the server's.
pub(super) fn inherited(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    environment.filter(|(name, _)| is_inherited(name))
}

fn is_inherited(name: &OsStr) -> bool {
    name.to_str()
        .is_some_and(|name| INHERITED.contains(&name) || name.starts_with(INHERITED_PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_the_list_is_inherited() {
        for name in ["PATH", "HOME", "LC_ALL", "TZ", "VIRTUAL_ENV"] {
            assert!(is_inherited(OsStr::new(name)), "{name}");
        }
        let others = [
            "AWS_SECRET_ACCESS_KEY",
            "SSH_AUTH_SOCK",
            "LD_PRELOAD",
            "path",
            "RUST_LOG",
            "PATHX",
            "",
        ];
        for name in others {
            assert!(!is_inherited(OsStr::new(name)), "{name}");
        }
    }
}
