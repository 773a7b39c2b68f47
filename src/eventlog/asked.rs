//! How readers ask for a log: alike at the runner and at the operator's gateway.

use super::Seq;

/// How records are written to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The event, as AG-UI clients know it.
    Event,
    /// The whole record: seq, run id, time, event.
    Record,
}

/// What a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The number after which it goes on; none: it joins.
    pub after: Option<Seq>,
    /// How it wants the records.
    pub format: Format,
}

impl Asked {
    /// By the header `Last-Event-ID` and the parameters `after` and `format`. The header wins: a browser that reconnects sends it
    /// with the URL it was first given. The error says what was expected where.
    pub fn of(last_event_id: Option<&str>, after: Option<&str>, format: Option<&str>) -> Result<Self, String> {
        let format = match format {
            None | Some("agui") => Format::Event,
            Some("record") => Format::Record,
            Some(other) => return Err(format!("format: expected agui or record, found {other:?}")),
        };
        let number = |text: &str| {
            text.parse().map_err(|_| format!("cursor: expected the id of an event (a number), found {text:?}"))
        };
        Ok(Self { after: last_event_id.or(after).map(number).transpose()?, format })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_wins_and_what_is_no_cursor_or_format_is_named() {
        let asked = |after, format| Ok(Asked { after, format });
        assert_eq!(Asked::of(None, None, None), asked(None, Format::Event));
        assert_eq!(Asked::of(Some("7"), Some("3"), Some("agui")), asked(Some(7), Format::Event));
        assert_eq!(Asked::of(None, Some("3"), Some("record")), asked(Some(3), Format::Record));
        assert!(Asked::of(Some("?"), Some("3"), None).unwrap_err().contains("a number"));
        assert!(Asked::of(None, Some("-1"), None).unwrap_err().contains("\"-1\""));
        assert!(Asked::of(None, None, Some("xml")).unwrap_err().contains("\"xml\""));
    }
}
