//! The newest part of the log in memory, encoded, shared by all streams. What is older is read from the store.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::feed::Filter;
use crate::store::{Head, LogEntry, LogPoint};
use crate::wire::log::{Keys, event_item, event_keys};

/// Inputs that one look at the window passes over at most, so that nobody holds its lock for long.
const SCAN: usize = 1_024;

/// One event, ready to send.
#[derive(Debug)]
pub struct Entry {
    /// What filters look at.
    pub keys: Keys,
    /// Encoded as one item of a message.
    pub item: Bytes,
}

/// The events that one input caused: sent together or not at all (P4).
#[derive(Debug)]
pub struct Input {
    /// Position before its first event.
    pub before: i64,
    /// Its last event.
    pub last: LogPoint,
    /// Its events.
    pub entries: Vec<Entry>,
}

/// What one message takes from some inputs.
#[derive(Debug, PartialEq, Eq)]
pub struct Gathered {
    /// How far the inputs were read.
    pub point: LogPoint,
    /// Those events that match.
    pub items: Vec<Bytes>,
}

/// How much a window holds.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of encoded events.
    pub bytes: usize,
    /// Inputs.
    pub inputs: usize,
}

/// The newest inputs without a gap, ending at the tail's own place in the log.
#[derive(Debug)]
pub struct Window {
    bounds: Bounds,
    /// `None` until the head was first read.
    pub place: Option<Place>,
    inputs: VecDeque<Arc<Input>>,
    bytes: usize,
}

/// Where the tail stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log.
    pub log_id: i64,
    /// Counts the histories this process has seen; a stream belongs to one.
    pub history: u64,
    /// The newest event that was read.
    pub point: LogPoint,
}

/// A history of a log, as far as this process can tell histories apart: the log, and which one of it.
pub type History = (i64, u64);

impl Place {
    /// The history it is in.
    pub fn history(&self) -> History {
        (self.log_id, self.history)
    }
}

impl Input {
    /// Entries of the log, whole inputs, as inputs. An event that cannot be read is left out and logged: it could not be
    /// sent either, and must not hold up those after it.
    pub fn group(entries: &[LogEntry]) -> Vec<Arc<Self>> {
        entries.split_inclusive(|e| e.ends_input).filter_map(Self::of).map(Arc::new).collect()
    }
    fn of(entries: &[LogEntry]) -> Option<Self> {
        let (first, last) = (entries.first()?, entries.last()?);
        let entries = entries.iter().filter_map(Entry::of).collect();
        Some(Self { before: first.point.position - 1, last: last.point, entries })
    }
    fn cost(&self) -> usize {
        self.entries.iter().map(|e| e.item.len() + e.keys.text() + size_of::<Entry>()).sum()
    }
}

impl Entry {
    fn of(entry: &LogEntry) -> Option<Self> {
        let position = entry.point.position;
        let keys = event_keys(&entry.payload)
            .inspect_err(|error| tracing::error!(position, %error, "an event is left out of every stream"))
            .ok()?;
        Some(Self { keys, item: event_item(position, entry.time, &entry.payload) })
    }
}

/// What one message of at most `max_bytes` takes: whole inputs, at least one. `None` if there are no inputs.
pub fn gather<'a>(inputs: impl Iterator<Item = &'a Arc<Input>>, filter: &Filter, max_bytes: usize) -> Option<Gathered> {
    let (mut point, mut items, mut bytes) = (None, Vec::new(), 0);
    for input in inputs.take(SCAN) {
        let wanted = || input.entries.iter().filter(|e| filter.wants_event(&e.keys)).map(|e| &e.item);
        let more = wanted().map(Bytes::len).sum::<usize>();
        if bytes > 0 && bytes + more > max_bytes {
            break;
        }
        bytes += more;
        items.extend(wanted().cloned());
        point = Some(input.last);
    }
    point.map(|point| Gathered { point, items })
}

impl Window {
    /// Knows nothing yet.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, place: None, inputs: VecDeque::new(), bytes: 0 }
    }
    /// Starts at `head`, empty: the first time, in another history, or past a gap.
    pub fn restart(&mut self, head: &Head, new_history: bool) {
        let history = self.place.map_or(0, |p| p.history) + u64::from(new_history);
        self.place = Some(Place { log_id: head.log_id, history, point: head.point });
        self.inputs.clear();
        self.bytes = 0;
    }
    /// Takes the inputs that follow its place.
    pub fn push(&mut self, inputs: Vec<Arc<Input>>) {
        for input in inputs {
            if let Some(place) = &mut self.place {
                place.point = input.last;
            }
            self.bytes += input.cost();
            self.inputs.push_back(input);
        }
        while self.bytes > self.bounds.bytes || self.inputs.len() > self.bounds.inputs {
            self.bytes -= self.inputs.pop_front().map_or(self.bytes, |i| i.cost());
        }
    }
    /// Whether `point` is known to be the end of an input of this history. No is not a no: the store knows more.
    pub fn knows(&self, point: LogPoint) -> bool {
        let at = self.inputs.partition_point(|i| i.last.position < point.position);
        self.place.is_some_and(|p| p.point == point) || self.inputs.get(at).is_some_and(|i| i.last == point)
    }
    /// The inputs after a position; `None` if they begin before the window.
    pub fn after(&self, position: i64) -> Option<impl Iterator<Item = &Arc<Input>>> {
        let start = match (self.inputs.front(), self.place) {
            (Some(first), _) => first.before,
            (None, Some(place)) => place.point.position,
            (None, None) => return None,
        };
        let from = self.inputs.partition_point(|i| i.last.position <= position);
        (position >= start).then(|| self.inputs.range(from..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(position: i64) -> Head {
        let point = LogPoint { position, tag: position };
        Head {
            log_id: 1,
            point,
            log_time: crate::domain::Time::default(),
            generation: 0,
            trimmed: LogPoint::default(),
            now: crate::domain::Time::default(),
        }
    }

    /// An input of `size` events of ten bytes of rule `rule`, ending at `last`.
    fn input(last: i64, size: usize, rule: &str) -> Arc<Input> {
        let entry =
            || Entry { keys: Keys { rule: rule.into(), ..Keys::default() }, item: Bytes::from_static(b"0123456789") };
        let entries = (0..size).map(|_| entry()).collect();
        let before = last - i64::try_from(size).unwrap();
        Arc::new(Input { before, last: LogPoint { position: last, tag: last }, entries })
    }

    fn window(bounds: Bounds) -> Window {
        let mut window = Window::new(bounds);
        window.restart(&head(10), false);
        window
    }

    const WIDE: Bounds = Bounds { bytes: usize::MAX, inputs: usize::MAX };

    #[test]
    fn a_reader_at_the_tail_has_nothing_to_read_and_one_before_the_window_must_ask_the_store() {
        let window = window(WIDE);
        assert_eq!(window.after(10).unwrap().count(), 0);
        assert!(window.after(9).is_none());
    }

    #[test]
    fn a_full_window_lets_its_oldest_inputs_go() {
        let mut window = window(Bounds { bytes: usize::MAX, inputs: 2 });
        window.push(vec![input(11, 1, "a"), input(13, 2, "a"), input(14, 1, "a")]);
        assert!(window.after(10).is_none());
        assert_eq!(window.after(11).unwrap().count(), 2);
        assert!(window.knows(LogPoint { position: 13, tag: 13 }));
        assert!(!window.knows(LogPoint { position: 13, tag: 12 }));
        assert!(!window.knows(LogPoint { position: 12, tag: 13 }));
    }

    #[test]
    fn a_window_smaller_than_one_input_stays_at_the_tail() {
        let mut window = window(Bounds { bytes: 1, inputs: 9 });
        window.push(vec![input(11, 1, "a")]);
        assert!(window.after(10).is_none());
        assert_eq!(window.after(11).unwrap().count(), 0);
    }

    #[test]
    fn a_message_takes_whole_inputs_and_never_splits_one() {
        let inputs = [input(2, 2, "a"), input(5, 3, "a"), input(6, 1, "a")];
        let sizes = |max| gather(inputs.iter(), &Filter::default(), max).map(|g| (g.point.position, g.items.len()));
        assert_eq!(sizes(60), Some((6, 6)));
        assert_eq!(sizes(59), Some((5, 5)));
        assert_eq!(sizes(49), Some((2, 2)));
        assert_eq!(sizes(1), Some((2, 2)), "an input larger than a message is one message all the same");
    }

    #[test]
    fn what_does_not_match_is_passed_over_and_counts_as_read() {
        let inputs = [input(1, 1, "a"), input(2, 1, "b"), input(3, 1, "b")];
        let filter = Filter { rules: ["a".to_owned()].into(), ..Filter::default() };
        let gathered = gather(inputs.iter(), &filter, 100).unwrap();
        assert_eq!((gathered.point.position, gathered.items.len()), (3, 1));
        assert!(gather([].iter(), &filter, 100).is_none());
    }
}
