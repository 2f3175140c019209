//! The Vikunja to sync with: a real one where the environment names it, else the double. Ends
//! only what it started.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result};

/// A Vikunja with an API token.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) token: String,
    double: Option<Double>,
}

/// The double ends when its standard input is closed, also when we are killed.
struct Double {
    process: Child,
    stdin: Option<ChildStdin>,
}

impl Drop for Double {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}

impl Server {
    /// The real one that the environment names, or a fresh double, which holds nothing.
    pub(super) fn start(double: &Path) -> Result<Self> {
        if let Some((url, token)) = named() {
            return Ok(Self {
                url,
                token,
                double: None,
            });
        }
        let mut process = Command::new(double)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", double.display()))?;
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().context("no standard output")?;
        let double = Double { process, stdin };
        let mut lines = BufReader::new(stdout).lines();
        let mut value = |name: &str| -> Result<String> {
            let line = lines.next().context("the double said too little")??;
            let value = line.strip_prefix(name);
            Ok(value
                .with_context(|| format!("the double said {line}"))?
                .to_owned())
        };
        Ok(Self {
            url: value("url=")?,
            token: value("token=")?,
            double: Some(double),
        })
    }

    /// Whether it is a real one, that somebody else started.
    pub(super) fn is_real(&self) -> bool {
        self.double.is_none()
    }
}

/// URL and token of a real server.
fn named() -> Option<(String, String)> {
    let url = env::var("INSTEP_TEST_VIKUNJA_URL").ok()?;
    let token = env::var("INSTEP_TEST_VIKUNJA_TOKEN").ok()?;
    Some((url, token))
}
