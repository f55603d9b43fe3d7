//! Processes: the server as a child of the bench, and what the system says of a process in /proc.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use super::Failure;

/// The system counts in hundredths of a second, on every Linux that this runs on.
const TICK_MICROS: u64 = 10_000;
/// How long a process may take to end.
const GRACE: Duration = Duration::from_secs(30);
/// Settings that the bench makes itself, or that would bring in tiers which are not measured.
pub(crate) const OURS: [&str; 6] = [
    "CHAMA_DATA_DIR",
    "CHAMA_DATABASE_URL",
    "CHAMA_MEILISEARCH_URL",
    "CHAMA_REDIS_URL",
    "CHAMA_SERVER_BENCH",
    "CHAMA_SERVER_LISTEN",
];

/// The built binary beside this one.
pub(crate) fn chama() -> Result<PathBuf, Failure> {
    let bench = std::env::current_exe()?;
    let chama = bench.with_file_name("chama");
    if !chama.exists() {
        return Err(format!("{} is missing; build it: cargo build --release", chama.display()).into());
    }
    let age = |file: &Path| file.metadata().and_then(|m| m.modified()).ok();
    if age(&chama) < age(&bench) {
        println!("note: chama is older than this bench; when the code changed since, run: cargo build --release");
    }
    Ok(chama)
}

/// A command of the binary with these settings. Those that were set outside hold too, except for [`OURS`].
pub(crate) fn command(chama: &Path, folder: &Path, settings: &[(&'static str, String)]) -> Command {
    let mut command = Command::new(chama);
    // In a folder of its own, so that no chama.toml is found.
    command.current_dir(folder).stdin(Stdio::null());
    for name in OURS {
        command.env_remove(name);
    }
    command.envs(settings.iter().map(|(name, value)| (*name, value)));
    command
}

/// A running server; it ends with the value.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    child: Child,
    log: File,
    log_path: PathBuf,
    // Open, so that the server can go on saying things.
    _said: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it and waits until it says where it listens. Its log goes to a file, as that of a real one.
    pub(crate) fn start(chama: &Path, folder: &Path, settings: &[(&'static str, String)]) -> Result<Self, Failure> {
        let log_path = folder.join("server.log");
        let log = OpenOptions::new().create(true).append(true).open(&log_path)?;
        let mut command = command(chama, folder, settings);
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::from(log.try_clone()?));
        let mut child = command.spawn()?;
        let said = child.stdout.take().map(BufReader::new);
        let Some(mut said) = said else {
            stop(&mut child);
            return Err("the server has no standard output".into());
        };
        let mut line = String::new();
        let read = said.read_line(&mut line);
        // chama is served at http://ADDRESS/graphql (…)
        let address = line.split_once("http://").and_then(|(_, rest)| rest.split('/').next());
        let address = address.and_then(|text| text.parse::<SocketAddr>().ok());
        if let (Ok(_), Some(address)) = (read, address) {
            return Ok(Self { address, child, log, log_path, _said: said });
        }
        stop(&mut child);
        Err(format!("the server did not start:\n{}", last_lines(&log_path)).into())
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Empties its log: one line a request would fill the disk.
    pub(crate) fn forget_log(&self) {
        let _ = self.log.set_len(0);
    }

    /// What it logged last.
    pub(crate) fn told(&self) -> String {
        last_lines(&self.log_path)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// Asks a child to end, and makes it when it does not.
pub(crate) fn stop(child: &mut Child) {
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    let begun = Instant::now();
    while asked.is_ok() && begun.elapsed() < GRACE {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The last lines of a file.
pub(crate) fn last_lines(file: &Path) -> String {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

/// What a program says on standard output.
pub(crate) fn said(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new(program).args(arguments).output().map_err(|e| format!("{program}: {e}"))?;
    if !output.status.success() {
        return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What /proc says of a process.
#[derive(Clone, Debug)]
pub(crate) struct Stat {
    /// The name of its program.
    pub(crate) name: String,
    /// Its parent.
    pub(crate) parent: u32,
    own: u64,
    ended_children: u64,
}

impl Stat {
    /// Of this process.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets and may have any character.
        let (start, rest) = text.rsplit_once(')')?;
        let (_, name) = start.split_once('(')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
        Some(Self {
            name: name.to_owned(),
            parent: u32::try_from(number(1)?).ok()?,
            own: number(11)? + number(12)?,
            ended_children: number(13)? + number(14)?,
        })
    }
}

/// Time of the processor that a process has taken so far, in microseconds.
pub(crate) fn used(pid: u32) -> u64 {
    Stat::of(pid).map_or(0, |stat| stat.own * TICK_MICROS)
}

/// The same of a process and its children, those that have ended too.
pub(crate) fn used_with_children(parent: u32) -> u64 {
    let Some(root) = Stat::of(parent) else { return 0 };
    let others = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = others.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter_map(Stat::of).filter(|stat| stat.parent == parent);
    let ticks: u64 = children.map(|stat| stat.own + stat.ended_children).sum();
    (root.own + root.ended_children + ticks) * TICK_MICROS
}

/// A figure of /proc/PID/status in MB, as `VmRSS:`; 0 where there is none.
pub(crate) fn memory(pid: u32, which: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with(which));
    line.and_then(|l| l.split_whitespace().nth(1)).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() / 1024
}
