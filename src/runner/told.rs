//! What happened between runs and is told by the next one: AG-UI has no events outside of runs.

use serde_json::Value;

use crate::agui::Id;

/// The most that waits; the oldest go first.
const MOST: usize = 64;

/// Something that the next run's stream begins with, as a CUSTOM event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// The thread whose next run tells it; absent: the next run of any.
    pub(crate) thread: Option<Id>,
    /// The event's name.
    pub(crate) name: &'static str,
    /// The event's value. Redacted when it is told, as every event is.
    pub(crate) value: Value,
}

/// What waits to be told.
#[derive(Debug, Default)]
pub(crate) struct Untold(Vec<Told>);

impl Untold {
    pub(crate) fn add(&mut self, told: Told) {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push(told);
    }

    /// Adds the last word on a subject, which is what these members of the value say: it takes the place of the one before.
    pub(crate) fn add_last(&mut self, told: Told, subject: [&str; 2]) {
        let same = |other: &Told| {
            other.name == told.name && subject.iter().all(|member| other.value[*member] == told.value[*member])
        };
        self.0.retain(|other| !same(other));
        self.add(told);
    }

    /// What a run of a thread has to tell, in order.
    pub(crate) fn take(&mut self, thread: &Id) -> Vec<Told> {
        let belongs = |told: &mut Told| told.thread.as_ref().is_none_or(|wanted| wanted == thread);
        self.0.extract_if(.., belongs).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(thread: Option<&str>, number: usize) -> Told {
        Told { thread: thread.map(Id::from), name: "n", value: Value::from(number) }
    }

    #[test]
    fn a_run_tells_what_belongs_to_its_thread_or_to_all_once() {
        let mut untold = Untold::default();
        for told in [told(Some("a"), 1), told(None, 2), told(Some("b"), 3)] {
            untold.add(told);
        }
        assert_eq!(untold.take(&"a".into()), [told(Some("a"), 1), told(None, 2)]);
        assert_eq!(untold.take(&"a".into()), []);
        assert_eq!(untold.take(&"b".into()), [told(Some("b"), 3)]);
    }

    #[test]
    fn the_last_word_on_a_subject_takes_the_place_of_the_one_before() {
        let word = |what: &str, number: usize| Told {
            thread: None,
            name: "n",
            value: serde_json::json!({ "kind": "k", "what": what, "number": number }),
        };
        let mut untold = Untold::default();
        for told in [word("a", 1), word("b", 2), word("a", 3)] {
            untold.add_last(told, ["kind", "what"]);
        }
        assert_eq!(untold.take(&"t".into()), [word("b", 2), word("a", 3)]);
    }

    #[test]
    fn only_so_much_waits() {
        let mut untold = Untold::default();
        (0..100).for_each(|number| untold.add(told(None, number)));
        let taken = untold.take(&"a".into());
        assert_eq!((taken.len(), &taken[0].value), (MOST, &Value::from(36)));
    }
}
