use std::{
    fmt::Display,
    fs::File,
    io::{self, Read},
    path::{self, Path, PathBuf},
};

use super::ArgsError;
use crate::schedule::{MAX_SCENARIO, PredefCommand, Scheduled, parse_scenario, parse_script};

/// The programs of the file `scenario` if there is one, and otherwise of `script`.
///
/// # Errors
/// Names the entry that is invalid, or the reason why the file cannot be read.
pub fn read_script(
    script: &str,
    scenario: Option<&Path>,
    predef_command: &PredefCommand,
) -> Result<Vec<Scheduled>, ArgsError> {
    let usage = |error: &dyn Display| ArgsError::Usage(error.to_string());
    let Some(path) = scenario else {
        return parse_script(script, predef_command).map_err(|error| usage(&error));
    };
    let text = read_scenario(path).map_err(|error| {
        ArgsError::Unavailable(format!("cannot read the scenario {}: {error}", path.display()))
    })?;
    let folder = folder_of(path).map_err(|error| {
        ArgsError::Unavailable(format!("cannot find the folder of {}: {error}", path.display()))
    })?;
    parse_scenario(&text, path, &folder, predef_command).map_err(|error| usage(&error))
}

/// The absolute path of the folder that contains the file at `path`. Of a pipe or a descriptor, as in
/// `/dev/stdin`, it is the working directory of the server.
fn folder_of(path: &Path) -> io::Result<PathBuf> {
    let is_descriptor = ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder));
    let file = if path.is_file() && !is_descriptor { path } else { Path::new("scenario") };
    let file = path::absolute(file)?;
    Ok(file.parent().unwrap_or(Path::new("/")).to_owned())
}

/// The text of the file at `path`, unless it is too large for a scenario.
fn read_scenario(path: &Path) -> io::Result<String> {
    let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SCENARIO + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SCENARIO {
        return Err(invalid(format!("it has more than {MAX_SCENARIO} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
        invalid(format!("its line {line} is not UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn descriptors_are_in_the_working_directory() {
        let here = env::current_dir().unwrap();
        for path in ["/dev/stdin", "/proc/self/status", "/dev/null", "/nowhere", "Cargo.toml"] {
            assert_eq!(folder_of(Path::new(path)).unwrap(), here, "{path}");
        }
        assert_eq!(folder_of(Path::new("src/lib.rs")).unwrap(), here.join("src"));
        assert_eq!(folder_of(Path::new("/etc/passwd")).unwrap(), Path::new("/etc"));
    }
}
