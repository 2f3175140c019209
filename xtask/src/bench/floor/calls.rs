//! Single calls on one kept connection, each when it is asked for, with the moments at which it was
//! sent and answered. What is called and why is for whoever asks.

use std::io::{self, BufRead as _, Write as _};

use anyhow::{Context, Result};
use nix::time::{ClockId, clock_gettime};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;

/// Answers each line of standard input, `{"method", "path", "body"}`, with one line, until it ends.
pub(crate) fn answer_all() -> Result<()> {
    let mut client = Client::new()?;
    for line in io::stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line?)?;
        let method: Method = asked["method"].as_str().context("method")?.parse()?;
        let path = asked["path"].as_str().context("path")?;
        let body = asked.get("body").filter(|body| !body.is_null()).cloned();
        let sent_ns = monotonic_ns()?;
        let answer = client.call(method, path, body)?;
        let answered_ns = monotonic_ns()?;
        let told = json!({ "sent_ns": sent_ns, "answered_ns": answered_ns, "answer": answer });
        let mut out = io::stdout().lock();
        writeln!(out, "{told}")?;
        out.flush()?;
    }
    Ok(())
}

/// Nanoseconds of the clock that every process of this machine reads alike.
fn monotonic_ns() -> Result<u64> {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
    let (secs, nanos) = (
        u64::try_from(time.tv_sec())?,
        u64::try_from(time.tv_nsec())?,
    );
    Ok(secs * 1_000_000_000 + nanos)
}
