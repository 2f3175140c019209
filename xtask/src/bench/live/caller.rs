//! Single calls to the service, made by the floor's program on a connection that it keeps, and the
//! moments at which each was sent and answered.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::super::home::{Home, MARK};
use super::super::server::Server;
use super::moment::Moment;

/// Whoever makes the calls.
pub(crate) struct Caller {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

/// A call that was answered well.
pub(crate) struct Called {
    pub(crate) sent: Moment,
    pub(crate) answered: Moment,
    pub(crate) answer: Value,
}

impl Called {
    pub(crate) fn ms(&self) -> f64 {
        self.answered.ms_since(self.sent)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.wait();
    }
}

impl Caller {
    pub(crate) fn start(home: &Home<'_>, server: &Server) -> Result<Self> {
        let mut command = home.floor_program(server);
        command.arg("calls");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot start the floor")?;
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().context("no standard output")?;
        let lines = BufReader::new(stdout);
        Ok(Self {
            process,
            stdin,
            lines,
        })
    }

    /// One call, whose answer has to be a success.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: Value) -> Result<Called> {
        let asked = json!({ "method": method, "path": path, "body": body });
        let stdin = self.stdin.as_mut().context("it has ended")?;
        stdin.write_all(format!("{asked}\n").as_bytes())?;
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            bail!("{method} {path} failed");
        }
        let mut told: Value = serde_json::from_str(&line)?;
        let moment = |name: &str| told[name].as_u64().map(Moment).context("no moment");
        Ok(Called {
            sent: moment("sent_ns")?,
            answered: moment("answered_ns")?,
            answer: told["answer"].take(),
        })
    }

    /// Makes a project or a label, `kind` in the plural; answers its number.
    pub(crate) fn make(&mut self, kind: &str, name: &str) -> Result<i64> {
        let body = json!({ "title": format!("{MARK}{name}") });
        number(&self.call("POST", &format!("api/v2/{kind}"), body)?.answer)
    }

    /// The number of the project of this title.
    pub(crate) fn project(&mut self, title: &str) -> Result<i64> {
        let path = "api/v2/projects?is_archived=true&per_page=1000&page=1";
        let listed = self.call("GET", path, Value::Null)?.answer;
        let mut rows = listed["items"].as_array().into_iter().flatten();
        let found = rows.find(|row| row["title"] == *title);
        number(found.with_context(|| format!("there is no project {title}"))?)
    }

    /// Numbers and titles of the project's tasks.
    pub(crate) fn tasks(&mut self, project: i64) -> Result<Vec<(i64, String)>> {
        let path = format!("api/v2/projects/{project}/tasks?per_page=1000&sort_by=id");
        let listed = self.call("GET", &path, Value::Null)?.answer;
        let rows = listed["items"].as_array().into_iter().flatten();
        let row = |row: &Value| {
            let title = row["title"].as_str().context("a task without a title")?;
            Ok((number(row)?, title.to_owned()))
        };
        rows.map(row).collect()
    }

    /// Makes a task; answers its number and what the call took.
    pub(crate) fn create(&mut self, project: i64, title: &str) -> Result<(i64, f64)> {
        let path = format!("api/v2/projects/{project}/tasks");
        let called = self.call("POST", &path, json!({ "title": title }))?;
        Ok((number(&called.answer)?, called.ms()))
    }

    /// Gives a task another title.
    pub(crate) fn rename(&mut self, task: i64, title: &str) -> Result<Called> {
        self.call(
            "PATCH",
            &format!("api/v2/tasks/{task}"),
            json!({ "title": title }),
        )
    }

    /// Puts a label on a task.
    pub(crate) fn attach(&mut self, task: i64, label: i64) -> Result<Called> {
        let path = format!("api/v1/tasks/{task}/labels");
        self.call("PUT", &path, json!({ "label_id": label }))
    }

    /// Reads a task.
    pub(crate) fn read(&mut self, task: i64) -> Result<Called> {
        self.call("GET", &format!("api/v2/tasks/{task}"), Value::Null)
    }
}

fn number(row: &Value) -> Result<i64> {
    row["id"].as_i64().context("no number")
}
