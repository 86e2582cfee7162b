use std::ffi::{OsStr, OsString};

/// The variables of the server's environment that programs inherit: those that programs, libraries
/// and locales are found by. All others may be secrets.
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

/// Variables with this prefix are inherited too.
const INHERITED_PREFIX: &str = "LC_";

/// The part of `environment`, the server's, that programs inherit.
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
    fn only_listed_variables_are_inherited() {
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
