//! Other programs, run to their end.

use std::io;
use std::process::{Command, Stdio};

/// How a program ended and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// None: a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Runs a program without input and in plain English.
pub fn capture(program: &str, arguments: &[&str]) -> io::Result<Finished> {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).output()?;
    Ok(Finished {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs a line of shell without input; all that it says goes to stderr. Answers with its exit code, none after a signal.
pub fn shell(line: &str) -> io::Result<Option<i32>> {
    let status = Command::new("sh")
        .args(["-c", line])
        .stdin(Stdio::null())
        .stdout(Stdio::from(io::stderr()))
        .status()?;
    Ok(status.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_words_are_told() {
        let told = capture("sh", &["-c", "echo out; echo err >&2; exit 3"]).unwrap();
        let wanted = Finished { code: Some(3), stdout: "out\n".to_owned(), stderr: "err\n".to_owned() };
        assert_eq!(told, wanted);
        assert!(capture("no-such-program-here", &[]).is_err());
        assert_eq!(shell("exit 125").unwrap(), Some(125));
        assert_eq!(shell("kill -KILL $$").unwrap(), None);
    }
}
