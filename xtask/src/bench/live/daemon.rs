//! A daemon that runs while something is measured, and what the system and its own metrics tell of
//! it. It is ended with this value; nothing else that runs is touched.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::home::Home;

/// It has to be ready, and to end, within this.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running daemon.
pub(crate) struct Daemon {
    process: Child,
    /// Where it answers over HTTP.
    pub(crate) address: SocketAddr,
    /// Milliseconds from its start until it said that it is ready.
    pub(crate) ready_ms: f64,
}

/// A port that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

impl Daemon {
    /// Starts the daemon of this home, and waits until it is ready. What it says on its standard
    /// error is kept in the home's `daemon.log`.
    pub(crate) fn start(home: &Home<'_>, address: SocketAddr) -> Result<Self> {
        let told = home.path("notify");
        let _ = fs::remove_file(&told);
        let socket = UnixDatagram::bind(&told)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(home.path("daemon.log"))?;
        let mut command = home.program();
        command
            .args(["serve", "--listen", &address.to_string()])
            .env("NOTIFY_SOCKET", &told)
            .env_remove("WATCHDOG_USEC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let started = Instant::now();
        let process = command.spawn().context("cannot start the daemon")?;
        let mut daemon = Self {
            process,
            address,
            ready_ms: 0.0,
        };
        let mut message = [0; 256];
        let count = socket.recv(&mut message);
        daemon.ready_ms = started.elapsed().as_secs_f64() * 1e3;
        let count = count.context("the daemon did not say that it is ready")?;
        if !message[..count].starts_with(b"READY=1") {
            bail!(
                "the daemon said {}",
                String::from_utf8_lossy(&message[..count])
            );
        }
        Ok(daemon)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill(self.pid()?, Signal::SIGTERM)?;
        let asked = Instant::now();
        while self.process.try_wait()?.is_none() {
            if asked.elapsed() > PATIENCE {
                bail!("the daemon does not end");
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn pid(&self) -> Result<Pid> {
        Ok(Pid::from_raw(i32::try_from(self.process.id())?))
    }

    /// MiB that it holds.
    pub(crate) fn resident_mib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let kib: f64 = field(&status, "VmRSS:").context("VmRSS")?.parse()?;
        Ok(kib / 1024.0)
    }

    /// Voluntary context switches of all its threads that still run.
    pub(crate) fn switches(&self) -> Result<u64> {
        let mut all = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            // A thread may end meanwhile.
            let status = fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
            let switches = field(&status, "voluntary_ctxt_switches:");
            all += switches.map_or(Ok(0), str::parse::<u64>)?;
        }
        Ok(all)
    }

    /// The sum of every metric of this name, whatever its labels; `None` where there is none.
    pub(crate) fn metric(&self, name: &str) -> Result<Option<f64>> {
        let mut stream = TcpStream::connect(self.address)?;
        let asked = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(asked.as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let of_name = |line: &&str| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with([' ', '{']))
        };
        let values = text.lines().filter(of_name);
        let values = values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        Ok(values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value)))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Where it ended already there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()
}
