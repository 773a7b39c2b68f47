//! A program that is measured, or that what is measured needs.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use crate::Result;

/// A running program; killed when dropped.
pub(crate) struct Program(Child);

impl Program {
    /// Starts one. Each line of its standard error is handed over as it comes.
    pub(crate) fn start(command: &mut Command, mut line: impl FnMut(&str) + Send + 'static) -> Result<Self> {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().ok_or("no stderr")?;
        thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(std::result::Result::ok).for_each(|said| line(&said));
        });
        Ok(Self(child))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Killed twice is killed.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
