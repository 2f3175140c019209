//! A Rust file as a flat run of tokens with the brackets matched, and what follows from that:
//! its functions and its test-only lines.
//!
//! Tokens and not a syntax tree, because a rule should see into macro calls as well. Comments are
//! no tokens, except that `///` and `//!` arrive as `#[doc = "…"]`.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, Group, LineColumn, Span, TokenStream, TokenTree};

use super::tree::TextFile;

/// One token; both ends of a bracketed group are tokens of their own.
#[derive(Debug)]
pub(super) struct Token {
    /// As written; a bracket for either end of a group.
    pub(super) text: String,
    pub(super) kind: Kind,
    pub(super) start: LineColumn,
    pub(super) end: LineColumn,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Literal,
    Mark,
    /// With the index of the closing token.
    Open(usize),
    Close,
}

/// A function that has a body.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    /// From the line of `fn` to that of the closing brace.
    pub(super) lines: RangeInclusive<usize>,
}

/// A Rust file and its tokens.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) file: &'a TextFile,
    pub(super) tokens: Vec<Token>,
    test_lines: Vec<RangeInclusive<usize>>,
}

impl<'a> Source<'a> {
    /// Lexes `file`; the error is the line at which it stops being Rust.
    pub(super) fn lex(file: &'a TextFile) -> Result<Self, usize> {
        let stream: TokenStream = file
            .text
            .parse()
            .map_err(|error: proc_macro2::LexError| error.span().start().line)?;
        let mut source = Source {
            file,
            tokens: Vec::new(),
            test_lines: Vec::new(),
        };
        source.flatten(stream);
        source.test_lines = source.find_test_lines();
        Ok(source)
    }

    /// Whether `line` is compiled for tests only.
    pub(super) fn is_test(&self, line: usize) -> bool {
        self.file.is_test() || self.test_lines.iter().any(|range| range.contains(&line))
    }

    /// Whether the tokens from `at` on read `words`, such as `Instant::now`, or `todo!`.
    pub(super) fn reads(&self, at: usize, words: &[&str]) -> bool {
        let rest = &self.tokens[at..];
        rest.len() >= words.len()
            && rest
                .iter()
                .zip(words)
                .all(|(token, word)| token.text == *word)
    }

    /// The text of the token before `at`.
    pub(super) fn before(&self, at: usize) -> &str {
        at.checked_sub(1)
            .map_or("", |previous| &self.tokens[previous].text)
    }

    /// Whether the token at `at` is the text of a doc comment.
    pub(super) fn is_doc(&self, at: usize) -> bool {
        at >= 2 && self.reads(at - 2, &["doc", "="])
    }

    /// Every function with a body, nested ones and those inside macro calls too.
    pub(super) fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            if token.text != "fn" || self.tokens.get(at + 1).is_none_or(|t| t.kind != Kind::Word) {
                continue;
            }
            if let Some((_, close)) = self.body_after(at) {
                let lines = token.start.line..=self.tokens[close].end.line;
                functions.push(Function {
                    name: self.tokens[at + 1].text.clone(),
                    lines,
                });
            }
        }
        functions
    }

    /// The first braces after `at` that no other bracket encloses; `None` if `;` comes first.
    fn body_after(&self, mut at: usize) -> Option<(usize, usize)> {
        while let Some(token) = self.tokens.get(at) {
            match token.kind {
                Kind::Open(close) if token.text == "{" => return Some((at, close)),
                Kind::Open(close) => at = close + 1,
                Kind::Close => return None,
                _ if token.text == ";" => return None,
                _ => at += 1,
            }
        }
        None
    }

    fn find_test_lines(&self) -> Vec<RangeInclusive<usize>> {
        let mut ranges = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            if !self.reads(at, &["#", "[", "cfg", "("]) {
                continue;
            }
            let Kind::Open(close) = self.tokens[at + 1].kind else {
                continue;
            };
            let says = |word: &str| {
                self.tokens[at..close]
                    .iter()
                    .any(|token| token.text == word)
            };
            if says("test") && !says("not") {
                let last = self.body_after(close + 1).map_or(close, |(_, end)| end);
                ranges.push(token.start.line..=self.tokens[last].end.line);
            }
        }
        ranges
    }

    fn flatten(&mut self, stream: TokenStream) {
        for tree in stream {
            match tree {
                TokenTree::Group(group) => self.flatten_group(&group),
                TokenTree::Ident(word) => self.push(word.to_string(), Kind::Word, word.span()),
                TokenTree::Punct(mark) => {
                    self.push(mark.as_char().to_string(), Kind::Mark, mark.span());
                }
                TokenTree::Literal(literal) => {
                    self.push(literal.to_string(), Kind::Literal, literal.span());
                }
            }
        }
    }

    fn flatten_group(&mut self, group: &Group) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        let at = self.tokens.len();
        self.push(open.to_owned(), Kind::Close, group.span_open());
        self.flatten(group.stream());
        // Only now is it known where the group ends.
        self.tokens[at].kind = Kind::Open(self.tokens.len());
        self.push(close.to_owned(), Kind::Close, group.span_close());
    }

    fn push(&mut self, text: String, kind: Kind, span: Span) {
        self.tokens.push(Token {
            text,
            kind,
            start: span.start(),
            end: span.end(),
        });
    }
}
