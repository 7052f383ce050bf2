//! The lines of a file, one at a time and never more than one in memory.

use std::io::{self, BufRead};

/// The longest line that is read.
pub(super) const MAX_LINE: usize = 16 << 20;

/// A line of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct At {
    /// Its number, from 1.
    pub number: u64,
    /// Where it starts, in bytes.
    pub offset: u64,
    /// How long it is in bytes, without its end.
    pub len: u64,
    /// Whether it is longer than is read; if so, none of it is in the buffer.
    pub too_long: bool,
}

/// Reads lines from the start of a file.
pub(super) struct Lines<R> {
    file: R,
    number: u64,
    offset: u64,
    max: usize,
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most `max` bytes.
    pub fn new(file: R, max: usize) -> Self {
        Self { file, number: 0, offset: 0, max }
    }

    /// How many lines were begun.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line that is not empty, its bytes in `line`; `None` at the end of the file.
    pub fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<At>> {
        loop {
            let offset = self.offset;
            let len = match self.read_one(line)? {
                Some(len) => len,
                None => return Ok(None),
            };
            let too_long = len > self.max as u64;
            if too_long {
                line.clear();
            } else if line.trim_ascii().is_empty() {
                continue;
            }
            return Ok(Some(At { number: self.number, offset, len, too_long }));
        }
    }

    /// Reads up to the next end of a line, keeping no more than fits; its length.
    fn read_one(&mut self, line: &mut Vec<u8>) -> io::Result<Option<u64>> {
        line.clear();
        // One that had to be long shall not keep its memory for all others.
        line.shrink_to(1 << 20);
        self.number += 1;
        let mut len = 0_u64;
        loop {
            let read = match self.file.fill_buf() {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if read.is_empty() {
                self.number -= u64::from(len == 0);
                return Ok((len > 0).then_some(len));
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
            len += part.len() as u64;
            if len <= self.max as u64 {
                line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.file.consume(used);
            self.offset += used as u64;
            if end.is_some() {
                return Ok(Some(len));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn lines(text: &str, max: usize) -> Vec<(u64, u64, String, bool)> {
        // A buffer of 4 bytes, so that lines come in pieces.
        let mut lines = Lines::new(BufReader::with_capacity(4, text.as_bytes()), max);
        let (mut line, mut all) = (Vec::new(), Vec::new());
        while let Some(at) = lines.next(&mut line).unwrap() {
            let text = String::from_utf8(line.clone()).unwrap();
            assert!(at.too_long || at.len == text.len() as u64);
            all.push((at.number, at.offset, text, at.too_long));
        }
        all
    }

    #[test]
    fn lines_are_numbered_as_an_editor_does_and_empty_ones_left_out() {
        let found = lines("one\n\n  \r\nfour\nfive", 100);
        let expected = [(1, 0, "one"), (4, 9, "four"), (5, 14, "five")];
        let expected =
            expected.map(|(number, offset, text)| (number, offset, text.to_owned(), false));
        assert_eq!(found, expected);
        assert_eq!(lines("", 100), []);
        assert_eq!(lines("\n\n", 100), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_to_its_end() {
        let found = lines("12345678\n123456789\n1\n123456789", 8);
        let expected = [
            (1, 0, "12345678".to_owned(), false),
            (2, 9, String::new(), true),
            (3, 19, "1".to_owned(), false),
            (4, 21, String::new(), true),
        ];
        assert_eq!(found, expected);
    }
}
