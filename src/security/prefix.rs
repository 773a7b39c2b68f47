//! Finds the first bytes of every pattern in one pass over a text.
//!
//! An Aho-Corasick automaton as a dense table: one lookup a byte, and its state is all that must be kept between two
//! pieces of a text. Where nothing has begun, a filter on three bytes at a time runs ahead of it: no step of that waits
//! for the one before. Written here since the pieces need what the published automata keep to themselves: how far back
//! the text still may be the start of something.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
};

/// No prefix is shorter.
pub(super) const MIN_PREFIX: usize = 3;

/// What the automaton looks for.
pub(super) struct Prefix<'a> {
    /// The bytes, at least [`MIN_PREFIX`].
    pub(super) bytes: &'a [u8],
    /// Whether text that ends in a part of these bytes must be held back until more of it is known.
    pub(super) held: Held,
}

/// When a part of a prefix at the end of a text must be held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Never: the prefix itself is not replaced.
    Never,
    /// If it starts a word.
    AtBoundary,
    /// Wherever it starts.
    Anywhere,
}

/// A state of the automaton; the initial state is the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State(u32);

/// Set in a transition into a state in which a prefix ends.
const HIT: u32 = 1 << 31;

impl State {
    /// Whether a prefix ended with the last byte.
    pub(super) const fn is_hit(self) -> bool {
        self.0 & HIT != 0
    }
}

/// The automaton.
pub(super) struct Prefixes {
    classes: [u8; 256],
    /// Columns of `next`, one for each class of bytes. A state is the index of its row's first column.
    stride: u32,
    next: Vec<u32>,
    nodes: Vec<Node>,
    starts: Starts,
}

#[derive(Default)]
struct Node {
    /// Only while the automaton is built.
    children: BTreeMap<u8, usize>,
    depth: usize,
    /// The node of the longest proper suffix.
    fail: usize,
    /// The prefixes that end here.
    hits: Vec<usize>,
    /// Whether a longer prefix goes through this node, and how it is held.
    held_at_boundary: bool,
    held_anywhere: bool,
}

impl Prefixes {
    /// The automaton for `prefixes`; hits are their indices.
    pub(super) fn new(prefixes: &[Prefix<'_>]) -> Self {
        let mut nodes = vec![Node::default()];
        for (index, prefix) in prefixes.iter().enumerate() {
            insert(&mut nodes, index, prefix);
        }
        let (classes, stride) = classes(prefixes);
        let mut automaton = Self { classes, stride, next: Vec::new(), nodes, starts: Starts::new(prefixes) };
        automaton.link();
        automaton
    }

    /// Fills in failure links and transitions, breadth first.
    fn link(&mut self) {
        let stride = self.stride as usize;
        self.next = vec![0; self.nodes.len() * stride];
        let mut queue = VecDeque::from([0]);
        while let Some(node) = queue.pop_front() {
            let fail = self.nodes[node].fail;
            if node != 0 {
                self.next.copy_within(fail * stride..(fail + 1) * stride, node * stride);
            }
            for (byte, child) in mem::take(&mut self.nodes[node].children) {
                let column = usize::from(self.classes[usize::from(byte)]);
                let fallback = (self.next[node * stride + column] & !HIT) as usize / stride;
                let inherited = self.nodes[fallback].hits.clone();
                self.nodes[child].fail = fallback;
                self.nodes[child].hits.extend(inherited);
                let row = u32::try_from(child * stride).unwrap_or(0);
                let hit = if self.nodes[child].hits.is_empty() { 0 } else { HIT };
                self.next[node * stride + column] = row | hit;
                queue.push_back(child);
            }
        }
    }

    /// The state after one more byte.
    pub(super) fn step(&self, state: State, byte: u8) -> State {
        let row = (state.0 & !HIT) as usize;
        State(self.next[row + usize::from(self.classes[usize::from(byte)])])
    }

    /// Goes on until just after the first hit, or to the end; also says how many bytes that took.
    pub(super) fn skip(&self, state: State, bytes: &[u8]) -> (State, usize) {
        let mut row = (state.0 & !HIT) as usize;
        let mut at = 0;
        while at < bytes.len() {
            if row == 0 {
                at = self.starts.next(bytes, at);
            }
            let next = self.next[row + usize::from(self.classes[usize::from(bytes[at])])];
            at += 1;
            if next & HIT != 0 {
                return (State(next), at);
            }
            row = next as usize;
        }
        (State(u32::try_from(row).unwrap_or(0)), at)
    }

    /// The prefixes that end at this state.
    pub(super) fn hits(&self, state: State) -> &[usize] {
        &self.nodes[self.index(state)].hits
    }

    /// How many of the last bytes may be the start of something; `starts_word` tells whether the text that many bytes
    /// before the end starts a word.
    pub(super) fn held(&self, state: State, starts_word: impl Fn(usize) -> bool) -> usize {
        let mut node = &self.nodes[self.index(state)];
        while node.depth > 0 {
            if node.held_anywhere || node.held_at_boundary && starts_word(node.depth) {
                return node.depth;
            }
            node = &self.nodes[node.fail];
        }
        0
    }

    fn index(&self, state: State) -> usize {
        ((state.0 & !HIT) / self.stride) as usize
    }
}

/// The first [`MIN_PREFIX`] bytes of all prefixes, as a set of hashes.
struct Starts(Box<[u64; 512]>);

impl Starts {
    fn new(prefixes: &[Prefix<'_>]) -> Self {
        let mut starts = Self(Box::new([0; 512]));
        for prefix in prefixes {
            if let Some(first) = prefix.bytes.first_chunk() {
                let (word, bit) = Self::place(*first);
                starts.0[word] |= 1 << bit;
            }
        }
        starts
    }

    /// The first place from `from` on where a prefix may start, or where too little is left to tell.
    fn next(&self, bytes: &[u8], from: usize) -> usize {
        let (mut windows, mut at) = (bytes[from..].array_windows(), from);
        let may_start = windows.position(|window| {
            let (word, bit) = Self::place(*window);
            self.0[word] >> bit & 1 == 1
        });
        at += may_start.unwrap_or((bytes.len() - from).saturating_sub(MIN_PREFIX - 1));
        at
    }

    fn place([a, b, c]: [u8; MIN_PREFIX]) -> (usize, u32) {
        let hash = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1) >> 17;
        ((hash >> 6) as usize, hash & 63)
    }
}

fn insert(nodes: &mut Vec<Node>, index: usize, prefix: &Prefix<'_>) {
    let mut node = 0;
    for byte in prefix.bytes {
        nodes[node].held_at_boundary |= prefix.held == Held::AtBoundary;
        nodes[node].held_anywhere |= prefix.held == Held::Anywhere;
        let depth = nodes[node].depth + 1;
        let new = nodes.len();
        let child = *nodes[node].children.entry(*byte).or_insert(new);
        if child == new {
            nodes.push(Node { depth, ..Node::default() });
        }
        node = child;
    }
    nodes[node].hits.push(index);
}

/// A class for each byte that occurs, and class 0 for all others; with the number of classes.
fn classes(prefixes: &[Prefix<'_>]) -> ([u8; 256], u32) {
    let mut classes = [0; 256];
    let mut used = 0_u8;
    for byte in prefixes.iter().flat_map(|prefix| prefix.bytes) {
        let class = &mut classes[usize::from(*byte)];
        if *class == 0 {
            // UTF-8 never has the bytes above F4, so that a class is always left.
            used = used.saturating_add(1);
            *class = used;
        }
    }
    (classes, u32::from(used) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn automaton(words: &[&str], held: Held) -> Prefixes {
        let prefixes: Vec<_> = words.iter().map(|word| Prefix { bytes: word.as_bytes(), held }).collect();
        Prefixes::new(&prefixes)
    }

    #[test]
    fn overlapping_prefixes_are_all_found() {
        let automaton = automaton(&["he", "she", "hers"], Held::Anywhere);
        let (mut state, mut found) = (State::default(), Vec::new());
        for (at, byte) in b"ushers".iter().enumerate() {
            state = automaton.step(state, *byte);
            found.extend(automaton.hits(state).iter().map(|hit| (at, *hit)));
        }
        found.sort_unstable();
        assert_eq!(found, [(3, 0), (3, 1), (5, 2)]);
    }

    #[test]
    fn only_the_part_that_may_go_on_is_held() {
        let automaton = automaton(&["abcabd"], Held::Anywhere);
        for (text, held) in [("", 0), ("xab", 2), ("abcab", 5), ("abcabc", 3), ("abcabx", 0), ("abcabd", 0)] {
            let (state, _) = text.bytes().fold((State::default(), 0), |(s, n), b| (automaton.step(s, b), n + 1));
            assert_eq!(automaton.held(state, |_| false), held, "{text}");
        }
    }

    #[test]
    fn a_prefix_bound_to_a_word_is_held_only_where_a_word_starts() {
        let automaton = automaton(&["sk-"], Held::AtBoundary);
        let (state, taken) = automaton.skip(State::default(), b"tasks");
        assert_eq!((taken, state.is_hit()), (5, false));
        assert_eq!(automaton.held(state, |_| false), 0);
        assert_eq!(automaton.held(state, |depth| depth == 1), 1);
    }
}
