//! HTTP/1.1 as far as a test between a program and a server needs it: whole messages over plain
//! sockets, kept byte by byte as they came. No TLS, and nothing is decided here.

use std::io::{self, BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// How long either side may be silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest head; a longer one is no answer of a server under test.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// A request or an answer.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The first line, without its end.
    pub(crate) first: String,
    /// All bytes, head and body, as they came.
    pub(crate) bytes: Vec<u8>,
    /// The body with its transfer coding undone.
    pub(crate) body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Message {
    /// Reads the next message, or `None` where the other side has closed.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut message = Self {
            first: String::new(),
            bytes: Vec::new(),
            body: Vec::new(),
            headers: Vec::new(),
        };
        message.first = message.line(from)?;
        if message.first.is_empty() {
            return Ok(None);
        }
        loop {
            let line = message.line(from)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            let pair = (name.to_ascii_lowercase(), value.trim().to_owned());
            message.headers.push(pair);
        }
        message.read_body(from)?;
        Ok(Some(message))
    }

    /// The word in its first line: a method, a path, or a status.
    pub(crate) fn word(&self, at: usize) -> &str {
        self.first.split(' ').nth(at).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known == name)?;
        Some(value)
    }

    fn line(&mut self, from: &mut impl BufRead) -> io::Result<String> {
        let start = self.bytes.len();
        from.read_until(b'\n', &mut self.bytes)?;
        if self.headers.len() > 200 || self.bytes.len() - start > MAX_HEAD_BYTES {
            return Err(io::Error::other("the head does not end"));
        }
        let line = String::from_utf8_lossy(&self.bytes[start..]);
        Ok(line.trim_end().to_owned())
    }

    fn read_body(&mut self, from: &mut impl BufRead) -> io::Result<()> {
        let is_answer = self.first.starts_with("HTTP/");
        if is_answer && matches!(self.word(1), "204" | "304") {
            return Ok(());
        }
        if let Some(length) = self.header("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            return self.take(from, length, true);
        }
        if self.header("transfer-encoding") == Some("chunked") {
            return self.read_chunks(from);
        }
        if is_answer {
            let start = self.bytes.len();
            from.read_to_end(&mut self.bytes)?;
            self.body = self.bytes[start..].to_vec();
        }
        Ok(())
    }

    fn read_chunks(&mut self, from: &mut impl BufRead) -> io::Result<()> {
        loop {
            let line = self.line(from)?;
            let size = line.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            self.take(from, size, true)?;
            self.take(from, 2, false)?;
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn take(&mut self, from: &mut impl BufRead, length: usize, is_body: bool) -> io::Result<()> {
        let start = self.bytes.len();
        self.bytes.resize(start + length, 0);
        from.read_exact(&mut self.bytes[start..])?;
        if is_body {
            self.body.extend_from_slice(&self.bytes[start..]);
        }
        Ok(())
    }
}

/// A connection that carries one message after the other.
#[derive(Debug)]
pub(crate) struct Wire {
    reader: BufReader<TcpStream>,
}

impl Wire {
    /// Connects to `host:port`.
    pub(crate) fn connect(address: &str) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    /// Speaks over an open connection.
    pub(crate) fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let reader = BufReader::new(stream);
        Ok(Self { reader })
    }

    /// The next message, or `None` where the other side has closed.
    pub(crate) fn read(&mut self) -> io::Result<Option<Message>> {
        Message::read(&mut self.reader)
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }
}

/// Where `http://host:port` points to; a scheme other than `http` has no place in these tests.
pub(crate) fn address(url: &str) -> String {
    let address = url.strip_prefix("http://");
    let address =
        address.unwrap_or_else(|| panic!("{url}: the server under test is reached by http://"));
    address.trim_end_matches('/').to_owned()
}

/// The request that asks for this.
pub(crate) fn request(
    method: &str,
    path: &str,
    host: &str,
    token: &str,
    body: Option<&Value>,
) -> Vec<u8> {
    let kind = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
