use std::{
    fs,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use rustix::io::ioctl_fionread;
use tokio::net::unix::pipe;

/// What can be seen of the standard input of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputSample {
    /// So many bytes are written to it that the process has not read.
    Unread(u64),
    /// It is not a pipe any more.
    Closed,
    /// The process is gone, or may not be looked at.
    Unknown,
}

/// Looks at the standard input of `process`, which was a pipe when it started.
pub fn sample_input(process: u32) -> InputSample {
    let descriptors = PathBuf::from(format!("/proc/{process}/fd"));
    let sample = sample(&descriptors.join("0"));
    // A process that has just exited has none at all.
    let has_any = fs::read_dir(&descriptors).is_ok_and(|mut all| all.next().is_some());
    if has_any { sample } else { InputSample::Unknown }
}

fn sample(path: &Path) -> InputSample {
    if !fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return InputSample::Closed;
    }
    // Unlike a file, it is opened without waiting for a writer.
    let unread = pipe::OpenOptions::new().open_receiver(path).map(ioctl_fionread);
    match unread {
        Ok(Ok(bytes)) => InputSample::Unread(bytes),
        _ => InputSample::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write, pipe},
        os::fd::AsRawFd,
        process::{Command, Stdio},
        thread,
    };

    use super::*;

    #[tokio::test]
    async fn unread_bytes_are_counted() {
        let (mut reader, mut writer) = pipe().unwrap();
        let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
        assert_eq!(sample(&path), InputSample::Unread(0));
        writer.write_all(b"hello").unwrap();
        assert_eq!(sample(&path), InputSample::Unread(5));
        reader.read_exact(&mut [0; 2]).unwrap();
        assert_eq!(sample(&path), InputSample::Unread(3));
    }

    #[test]
    fn closed_and_unknown_inputs_are_distinguished() {
        assert_eq!(sample(Path::new("/dev/null")), InputSample::Closed);
        assert_eq!(sample_input(u32::MAX), InputSample::Unknown);
    }

    #[test]
    fn process_that_has_just_exited_has_not_closed_its_input() {
        let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
        let id = child.id();
        while !fs::read_to_string(format!("/proc/{id}/stat")).unwrap().contains(") Z ") {
            thread::yield_now();
        }
        assert_eq!(sample_input(id), InputSample::Unknown);
        child.wait().unwrap();
    }
}
