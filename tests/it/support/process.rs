//! The real binary as a process of its own: `wardwatch serve`, and commands beside it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

/// A `wardwatch serve` that is killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pub address: String,
    pub admin: String,
    log: Option<JoinHandle<()>>,
    logged: Arc<Mutex<String>>,
}

/// The binary, with nothing of this process's configuration.
pub fn wardwatch(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardwatch"));
    command.args(arguments).stdin(Stdio::null()).env_remove("NO_COLOR");
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("WARDWATCH__")) {
        command.env_remove(name);
    }
    command
}

/// What a command ended with: exit code, stdout, stderr.
pub fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// What `serve` takes for ports of its own.
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// A port of one's own, for what comes back where it was. None that the kernel gives to whoever asks for any, from
/// 32768 on: somebody might have it while its owner is away.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u32 = 12_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Processes that run at the same time begin apart from one another.
    let own = std::process::id() * 97;
    let next = |_| FIRST + u16::try_from((own + GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT).unwrap();
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (0..COUNT).map(next).find(free).expect("some port is free")
}

/// A `serve` that cannot start: exit code and stderr.
pub fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let (code, stdout, stderr) = said(&wardwatch(&["serve"]).args(PORTS).args(arguments).output().unwrap());
    assert_eq!(stdout, "", "logs and errors go to stderr");
    (code, stderr)
}

impl Process {
    /// Starts the service on a database; returns when it listens.
    pub fn serve(database: &str, arguments: &[&str]) -> Self {
        let mut command = wardwatch(&["serve", "--database", database]);
        command.args(PORTS).args(arguments);
        Self::launch(command)
    }

    /// Starts a `serve` that was prepared; returns when it listens.
    pub fn launch(mut command: Command) -> Self {
        let (mut child, mut log) = spawn(&mut command);
        let mut line = String::new();
        let listening = loop {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it listened: {:?}", child.wait());
            let entry: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
            if entry["message"] == "listening" {
                break entry;
            }
        };
        let place = |key: &str| listening[key].as_str().unwrap().to_owned();
        Self::read_on(child, log, place("address"), place("admin"))
    }

    /// Starts a `serve` that was prepared to listen at `address`, and waits for nothing: it may end, or stand still,
    /// before it says that it listens. Where its admin port is nobody knows.
    pub fn begin(mut command: Command, address: String) -> Self {
        let (child, log) = spawn(&mut command);
        Self::read_on(child, log, address, String::new())
    }

    fn read_on(child: Child, log: BufReader<ChildStderr>, address: String, admin: String) -> Self {
        // Read on, or the service would stand still at a full pipe.
        let logged = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&logged);
        let log = Some(std::thread::spawn(move || rest(log, &into)));
        Self { child, address, admin, log, logged }
    }

    /// Its process id.
    pub fn id(&self) -> String {
        self.child.id().to_string()
    }

    pub async fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.id()]).status().unwrap().success());
    }

    /// Waits for its end: how it ended, and the rest of its log.
    pub async fn wait(mut self) -> (ExitStatus, String) {
        let end = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let status = super::service::within(end).await;
        self.log.take().unwrap().join().unwrap();
        (status, self.logged())
    }

    /// What it has logged since it listened, or since its start if nobody waited for that.
    pub fn logged(&self) -> String {
        self.logged.lock().unwrap().clone()
    }

    /// Ends it as a power cut would.
    pub async fn kill(self) {
        self.signal("KILL");
        let (status, _) = self.wait().await;
        assert_eq!(status.code(), None, "it was killed");
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// A plain HTTP GET on the admin port: the status line's code and the body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        get(&self.admin, path).await
    }
}

/// A plain HTTP GET: the status code and the body.
pub async fn get(address: &str, path: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let code = answer.split(' ').nth(1).and_then(|c| c.parse().ok()).unwrap_or_default();
    (code, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// A process, and its log.
fn spawn(command: &mut Command) -> (Child, BufReader<ChildStderr>) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    (child, log)
}

/// The log to its end; with WARDWATCH_TEST_LOG set it is shown as it comes.
fn rest(log: BufReader<ChildStderr>, logged: &Mutex<String>) {
    let show = std::env::var_os("WARDWATCH_TEST_LOG").is_some();
    for line in log.lines() {
        let line = line.unwrap();
        if show {
            eprintln!("{line}");
        }
        let mut logged = logged.lock().unwrap();
        *logged += &line;
        logged.push('\n');
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
