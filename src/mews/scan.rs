//! Takes the elements of one array out of a JSON object, one at a time, from bytes that come in
//! pieces. Memory is bounded by the longest element, not by the answer: a list of 10,000 print
//! jobs is never held.
//!
//! It finds where an element begins and ends, no more; what is inside is read by whoever gets it.
//! So an element that is no JSON does not lose its neighbours, as long as its brackets and quotes
//! are paired.

use uuid::Uuid;

use super::wire::Skipped;
use driver_sdk::CommandId;

#[cfg(test)]
mod tests;

/// What is kept of an element that is too long: enough to find its `Id`.
const HEAD: usize = 4096;

/// One element of the array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// Its bytes.
    Whole(Vec<u8>),
    /// It is longer than the limit; only its beginning was kept.
    TooLong {
        /// The first 4 KiB at most.
        head: Vec<u8>,
        /// Its length.
        bytes: usize,
    },
}

impl Element {
    /// What to report of an element that is not read.
    #[must_use]
    pub fn skipped(&self) -> Skipped {
        let (head, bytes) = match self {
            Self::Whole(json) => (json, json.len()),
            Self::TooLong { head, bytes } => (head, *bytes),
        };
        let why = format!("it is {bytes} bytes long, more than is read");
        Skipped {
            id: find_id(head).map(CommandId),
            why,
        }
    }
}

/// The scanner. Feed it with [`ArrayScanner::next`] until that returns `None`, piece by piece.
#[derive(Debug)]
pub struct ArrayScanner {
    member: &'static str,
    limit: usize,
    state: State,
    key: Vec<u8>,
    element: Vec<u8>,
    dropped: usize,
    seen: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Member,
    Key { escaped: bool },
    Colon,
    Value,
    Skip(Nest),
    Between,
    Inside(Nest),
    Done,
    Broken,
}

impl ArrayScanner {
    /// A scanner for the array `member` of the outermost object, whose elements may be up to
    /// `limit` bytes long.
    #[must_use]
    pub fn new(member: &'static str, limit: usize) -> Self {
        Self {
            member,
            limit,
            state: State::Before,
            key: Vec::new(),
            element: Vec::new(),
            dropped: 0,
            seen: false,
        }
    }

    /// True once the outermost object has ended.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.state == State::Done
    }

    /// True if what came is no JSON object.
    #[must_use]
    pub fn broken(&self) -> bool {
        self.state == State::Broken
    }

    /// True if the array has begun.
    #[must_use]
    pub fn seen(&self) -> bool {
        self.seen
    }

    /// The next element that ends within `input`, which loses what was read. `None`: all of it was
    /// read, give the next piece.
    pub fn next(&mut self, input: &mut &[u8]) -> Option<Element> {
        while let Some(&byte) = input.first() {
            match self.state {
                State::Before => self.before(byte),
                State::Member => match byte {
                    b'"' => {
                        self.key.clear();
                        self.state = State::Key { escaped: false };
                    }
                    b'}' => self.state = State::Done,
                    b',' => {}
                    _ if byte.is_ascii_whitespace() => {}
                    _ => self.state = State::Broken,
                },
                State::Key { escaped } => self.key(byte, escaped),
                State::Colon => match byte {
                    b':' => self.state = State::Value,
                    _ if byte.is_ascii_whitespace() => {}
                    _ => self.state = State::Broken,
                },
                State::Value => match byte {
                    _ if byte.is_ascii_whitespace() => {}
                    b'[' if self.key == self.member.as_bytes() => {
                        self.seen = true;
                        self.state = State::Between;
                    }
                    _ => {
                        self.state = State::Skip(Nest::default());
                        continue;
                    }
                },
                State::Skip(mut nest) => {
                    let (used, ended) = nest.walk(input);
                    *input = &input[used..];
                    self.state = if ended {
                        State::Member
                    } else {
                        State::Skip(nest)
                    };
                    continue;
                }
                State::Between => match byte {
                    b']' => self.state = State::Member,
                    b',' => {}
                    _ if byte.is_ascii_whitespace() => {}
                    b'}' => self.state = State::Broken,
                    _ => {
                        self.state = State::Inside(Nest::default());
                        continue;
                    }
                },
                State::Inside(mut nest) => {
                    let (used, ended) = nest.walk(input);
                    self.keep(&input[..used]);
                    *input = &input[used..];
                    if ended {
                        self.state = State::Between;
                        return Some(self.take());
                    }
                    self.state = State::Inside(nest);
                    continue;
                }
                State::Done | State::Broken => {
                    *input = &[];
                    return None;
                }
            }
            *input = &input[1..];
        }
        None
    }

    fn before(&mut self, byte: u8) {
        match byte {
            b'{' => self.state = State::Member,
            // A byte order mark, or white space.
            0xEF | 0xBB | 0xBF => {}
            _ if byte.is_ascii_whitespace() => {}
            _ => self.state = State::Broken,
        }
    }

    fn key(&mut self, byte: u8, escaped: bool) {
        match byte {
            b'"' if !escaped => self.state = State::Colon,
            _ => {
                // Longer names than ours need no memory.
                if self.key.len() <= self.member.len() {
                    self.key.push(byte);
                }
                self.state = State::Key {
                    escaped: byte == b'\\' && !escaped,
                };
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.dropped == 0 && self.element.len() + bytes.len() <= self.limit {
            self.element.extend_from_slice(bytes);
            return;
        }
        if self.dropped == 0 {
            let room = HEAD.saturating_sub(self.element.len()).min(bytes.len());
            self.dropped = self.element.len();
            self.element.extend_from_slice(&bytes[..room]);
            self.element.truncate(HEAD);
            self.element.shrink_to_fit();
        }
        self.dropped = self.dropped.saturating_add(bytes.len()).max(1);
    }

    fn take(&mut self) -> Element {
        let bytes = std::mem::take(&mut self.element);
        match std::mem::take(&mut self.dropped) {
            0 => Element::Whole(bytes),
            length => Element::TooLong {
                head: bytes,
                bytes: length,
            },
        }
    }
}

/// How deep inside a value we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Nest {
    depth: u32,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Nest {
    /// How many bytes belong to the value, and whether it ends with them.
    fn walk(&mut self, input: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < input.len() {
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                    at += 1;
                    continue;
                }
                // Documents are one long string: leap over it.
                let Some(leap) = input[at..].iter().position(|&b| b == b'"' || b == b'\\') else {
                    return (input.len(), false);
                };
                at += leap + 1;
                if input[at - 1] == b'\\' {
                    self.escaped = true;
                } else {
                    self.in_string = false;
                    if self.depth == 0 {
                        return (at, true);
                    }
                }
                continue;
            }
            match input[at] {
                // A word or a number ends before what does not belong to it.
                b',' | b']' | b'}' if self.depth == 0 => return (at, true),
                byte if self.depth == 0 && self.begun && byte.is_ascii_whitespace() => {
                    return (at, true);
                }
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                _ => {}
            }
            self.begun = true;
            at += 1;
        }
        (input.len(), false)
    }
}

/// The `Id` of an object that may be cut off or broken further on.
#[must_use]
pub fn find_id(json: &[u8]) -> Option<Uuid> {
    let mut depth = 0_u32;
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b'"' => {
                let end = string_end(json, at + 1)?;
                if depth == 1
                    && &json[at + 1..end] == b"Id"
                    && let Some(id) = id_after(&json[end + 1..])
                {
                    return Some(id);
                }
                at = end;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the string that begins at `from` has its closing quote.
fn string_end(json: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match json.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn id_after(json: &[u8]) -> Option<Uuid> {
    let rest = json
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start();
    let rest = rest.strip_prefix(b"\"")?;
    let end = rest.iter().position(|&b| b == b'"')?;
    Uuid::try_parse_ascii(&rest[..end]).ok()
}
