//! The parts of a text that are replaced.

use super::tail::At;

/// A part of a text that becomes one replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: At,
    pub(super) end: At,
    /// The pattern that names it.
    pub(super) pattern: usize,
    /// Whether that is a known value: it names the span rather than a shape that starts at the same place.
    pub(super) exact: bool,
}

/// Disjoint spans in order. Spans that share a byte are one, named by what starts first, or else matched first.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<Span>);

impl Spans {
    /// Adds a span that ends no earlier than all others.
    pub(super) fn add(&mut self, mut new: Span) {
        while let Some(last) = self.0.last_mut() {
            if last.start < new.start {
                if last.end > new.start {
                    last.end = last.end.max(new.end);
                    return;
                }
                break;
            }
            if last.start == new.start && last.exact >= new.exact {
                new.pattern = last.pattern;
                new.exact = last.exact;
            }
            new.end = new.end.max(last.end);
            self.0.pop();
        }
        self.0.push(new);
    }

    /// All spans in order.
    pub(super) fn as_slice(&self) -> &[Span] {
        &self.0
    }

    /// Forgets the first `count` spans.
    pub(super) fn forget(&mut self, count: usize) {
        self.0.drain(..count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: At, end: At, pattern: usize, exact: bool) -> Span {
        Span { start, end, pattern, exact }
    }

    fn all(spans: &[Span]) -> Vec<Span> {
        let mut all = Spans::default();
        for span in spans {
            all.add(*span);
        }
        all.as_slice().to_vec()
    }

    #[test]
    fn spans_that_overlap_become_one_with_the_name_of_the_first() {
        let inner_first = [span(4, 8, 1, false), span(0, 9, 2, false)];
        assert_eq!(all(&inner_first), [span(0, 9, 2, false)]);
        let chained = [span(0, 5, 1, false), span(4, 8, 2, true), span(7, 9, 3, false)];
        assert_eq!(all(&chained), [span(0, 9, 1, false)]);
    }

    #[test]
    fn spans_that_only_touch_stay_apart() {
        let touching = [span(0, 4, 1, false), span(4, 8, 2, false)];
        assert_eq!(all(&touching), touching);
    }

    #[test]
    fn a_known_value_names_the_span_before_a_shape_that_starts_with_it() {
        assert_eq!(all(&[span(0, 4, 1, false), span(0, 8, 2, true)]), [span(0, 8, 2, true)]);
        assert_eq!(all(&[span(0, 4, 1, true), span(0, 8, 2, true)]), [span(0, 8, 1, true)]);
        assert_eq!(all(&[span(0, 4, 1, true), span(0, 8, 2, false)]), [span(0, 8, 1, true)]);
    }
}
