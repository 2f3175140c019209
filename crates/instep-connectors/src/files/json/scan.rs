//! Where the values of a JSON text begin and end, to the byte (RFC 8259). Nothing is decoded and
//! nothing is changed here, so that what nobody edits stays as its owner wrote it.

use std::ops::Range;

/// Values may lie this deep inside each other.
const MAX_DEPTH: usize = 128;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    List,
    Text,
    Number,
    Flag,
    Null,
}

/// One value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

/// One member of an object: its key with the quotes, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) key: Range<usize>,
    pub(super) value: Found,
}

/// Why a text is not JSON, and after how many bytes that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

type Scanned<T> = Result<T, Broken>;

/// The values of the list that `text` is, and nothing but white space around it.
pub(super) fn list(text: &str) -> Scanned<Vec<Found>> {
    let mut scan = Scan::of(text);
    scan.space();
    if scan.peek() != Some(b'[') {
        return Err(scan.broken(if scan.peek().is_none() {
            "it is empty"
        } else {
            "it is not a list"
        }));
    }
    let mut found = Vec::new();
    scan.items(b']', 0, |scan| {
        found.push(scan.value(1)?);
        Ok(())
    })?;
    scan.end()?;
    Ok(found)
}

/// The members of the object that `text` is, and nothing but white space around it.
pub(super) fn members(text: &str) -> Scanned<Vec<Member>> {
    let mut scan = Scan::of(text);
    scan.space();
    if scan.peek() != Some(b'{') {
        return Err(scan.broken("it is not an object"));
    }
    let mut found = Vec::new();
    scan.items(b'}', 0, |scan| {
        found.push(scan.member(1)?);
        Ok(())
    })?;
    scan.end()?;
    Ok(found)
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn broken(&self, what: &'static str) -> Broken {
        let cut_off = self.at >= self.bytes.len() && !self.bytes.is_empty();
        Broken {
            at: self.at,
            what: if cut_off { "it ends too early" } else { what },
        }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn end(&mut self) -> Scanned<()> {
        self.space();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.broken("something follows after its end")),
        }
    }

    /// What stands between the bracket here and `close`, one after the other.
    fn items(
        &mut self,
        close: u8,
        depth: usize,
        mut item: impl FnMut(&mut Self) -> Scanned<()>,
    ) -> Scanned<()> {
        if depth >= MAX_DEPTH {
            return Err(self.broken("it is nested too deep"));
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.broken("a comma or the closing bracket is missing")),
            }
            self.space();
        }
    }

    fn member(&mut self, depth: usize) -> Scanned<Member> {
        if self.peek() != Some(b'"') {
            return Err(self.broken("a key is missing"));
        }
        let start = self.at;
        self.text()?;
        let key = start..self.at;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.broken("a colon is missing"));
        }
        self.at += 1;
        self.space();
        let value = self.value(depth)?;
        Ok(Member { key, value })
    }

    fn value(&mut self, depth: usize) -> Scanned<Found> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => {
                self.items(b'}', depth, |scan| scan.member(depth + 1).map(|_| ()))?;
                Kind::Object
            }
            Some(b'[') => {
                self.items(b']', depth, |scan| scan.value(depth + 1).map(|_| ()))?;
                Kind::List
            }
            Some(b'"') => {
                self.text()?;
                Kind::Text
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Kind::Number
            }
            Some(b't') => self.word("true", Kind::Flag)?,
            Some(b'f') => self.word("false", Kind::Flag)?,
            Some(b'n') => self.word("null", Kind::Null)?,
            _ => return Err(self.broken("a value is missing")),
        };
        Ok(Found {
            kind,
            span: start..self.at,
        })
    }

    fn word(&mut self, word: &str, kind: Kind) -> Scanned<Kind> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.broken("a value is missing"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn text(&mut self) -> Scanned<()> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) => return Err(self.broken("a text holds a raw control character")),
                Some(_) => self.at += 1,
                None => return Err(self.broken("it ends too early")),
            }
        }
    }

    fn escape(&mut self) -> Scanned<()> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.broken("a text holds an unknown escape"));
                    }
                    self.at += 1;
                }
                Ok(())
            }
            _ => Err(self.broken("a text holds an unknown escape")),
        }
    }

    fn number(&mut self) -> Scanned<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Scanned<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.broken("a number is cut short"));
        }
        Ok(())
    }
}
