//! Where lines go: a terminal with a spinner, or plain text.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// How often the spinner turns: it runs only on a terminal, while a tool does.
const TICK: Duration = Duration::from_millis(120);

/// Something that shows text.
pub(in crate::cli) trait Screen {
    /// Shows text as it is; it may end in the middle of a line.
    fn print(&mut self, text: &str);
    /// Shows what goes on now, or nothing.
    fn busy(&mut self, what: Option<&str>);
    /// How many columns a line has.
    fn width(&self) -> usize;
    /// Whether partial lines can be shown at once.
    fn is_terminal(&self) -> bool;
}

/// The process's standard output.
pub(in crate::cli) struct Terminal {
    spinner: Option<ProgressBar>,
    is_tty: bool,
    /// The reader of the output went away (`ambient run | head`): nothing more is shown, the work goes on.
    gone: bool,
}

impl Terminal {
    pub(in crate::cli) fn new() -> Self {
        Self { spinner: None, is_tty: io::stdout().is_terminal(), gone: false }
    }
}

impl Screen for Terminal {
    fn print(&mut self, text: &str) {
        let write = || {
            let mut out = anstream::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        };
        if !self.gone {
            self.gone = write().is_err();
        }
    }

    fn busy(&mut self, what: Option<&str>) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        if let (true, Some(what)) = (self.is_tty, what) {
            let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
            if let Ok(style) = ProgressStyle::with_template("    {spinner} {wide_msg} {elapsed}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(TICK);
            self.spinner = Some(spinner);
        }
    }

    fn width(&self) -> usize {
        let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(100, |size| usize::from(size.ws_col));
        columns.clamp(60, 120)
    }

    fn is_terminal(&self) -> bool {
        self.is_tty
    }
}
