//! A PostgreSQL server of one test's own, which may be killed, frozen, restarted and replaced by its standby.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::process::free_port;
use crate::support::service::eventually;

/// Where `initdb` and the rest are; `tests/run` says it. `None`, said aloud, when PostgreSQL was switched off.
///
/// # Panics
/// When nobody said it and nobody switched PostgreSQL off: what is not tested is a failure.
pub fn programs() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("WARDWATCH_TEST_PG_BIN") {
        return Some(folder.into());
    }
    if std::env::var("WARDWATCH_TEST_PG").is_ok_and(|v| v == "off") {
        eprintln!("NOT TESTED ON POSTGRESQL: WARDWATCH_TEST_PG=off");
        return None;
    }
    panic!("no PostgreSQL to break: run tests/run, or set WARDWATCH_TEST_PG_BIN to the folder of initdb")
}

/// A server on a port of its own. Killed, with all its processes, when dropped.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: TempDir,
    /// Where its data is; a small file system of its own, if a test wants it to fill up.
    data: PathBuf,
    pub port: u16,
    child: Option<Child>,
}

/// The user PostgreSQL runs as: it refuses to be root.
fn user() -> Option<(u32, u32)> {
    let me = rustix::process::getuid();
    if !me.is_root() {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|l| l.starts_with("postgres:")).expect("PostgreSQL's packages make a user for it");
    let mut numbers = line.split(':').skip(2).map(|n| n.parse().unwrap());
    Some((numbers.next().unwrap(), numbers.next().unwrap()))
}

impl Server {
    /// A new server, running, with an empty database `ward`; `None` when PostgreSQL was switched off.
    pub async fn start() -> Option<Self> {
        Self::start_with("").await
    }

    /// As [`Self::start`], with more lines of configuration.
    pub async fn start_with(configuration: &str) -> Option<Self> {
        let folder = Self::folder();
        let data = folder.path().join("data");
        Self::start_in(folder, data, configuration).await
    }

    /// As [`Self::start_with`], with its data in `data`.
    pub async fn start_in(folder: TempDir, data: PathBuf, configuration: &str) -> Option<Self> {
        let programs = programs()?;
        let mut server = Self { programs, folder, data, port: free_port(), child: None };
        let data = server.data.to_str().unwrap().to_owned();
        server.command(
            "initdb",
            &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        );
        server.configure(configuration);
        server.run().await;
        server.sql("CREATE DATABASE ward").await;
        Some(server)
    }

    pub fn folder() -> TempDir {
        let folder = TempDir::new().unwrap();
        if let Some((uid, gid)) = user() {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        folder
    }

    /// Its standby, streaming from it; both run.
    pub async fn standby(&self) -> Self {
        self.standby_by_way_of(self.port).await
    }

    /// Its standby, which reaches it at another port: a proxy's.
    pub async fn standby_by_way_of(&self, port: u16) -> Self {
        let folder = Self::folder();
        let data = folder.path().join("data");
        let standby = Self { programs: self.programs.clone(), folder, data, port: free_port(), child: None };
        let (data, port) = (standby.data.to_str().unwrap().to_owned(), port.to_string());
        let args = ["-D", &data, "-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-R", "-c", "fast", "--no-sync"];
        standby.command("pg_basebackup", &args);
        let mut standby = standby;
        standby.configure("");
        standby.run().await;
        standby
    }

    /// Its configuration asks for a synchronous standby from the next start or reload on, and so does that of every standby
    /// made after this, from the moment it is promoted. A reload is not in force at once: the checkpointer passes it on,
    /// seconds later when it is busy, and a commit that was not waited for may be lost with the next primary.
    pub fn will_require_standby(&self) {
        // A backup streams too, and is no standby.
        const SETTING: &str = "synchronous_standby_names = 'walreceiver'\n";
        let path = self.data.join("postgresql.conf");
        let before = fs::read_to_string(&path).unwrap();
        if !before.contains(SETTING) {
            fs::write(path, before + SETTING).unwrap();
        }
    }

    /// From now on nothing is committed until the standby has it. A standby made before has a configuration of its own that
    /// does not ask for one.
    pub async fn require_standby(&self) {
        self.will_require_standby();
        self.sql("SELECT pg_reload_conf()").await;
        eventually("the standby is synchronous", async || {
            self.number("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").await == 1
        })
        .await;
    }

    fn configure(&self, more: &str) {
        let port = self.port;
        let settings = format!(
            "\nlisten_addresses = '*'\nport = {port}\nunix_socket_directories = ''\nmax_connections = 100\n\
             shared_buffers = 16MB\nmin_wal_size = 32MB\nmax_wal_size = 64MB\n{more}\n"
        );
        let path = self.data.join("postgresql.conf");
        let before = fs::read_to_string(&path).unwrap();
        fs::write(path, before + &settings).unwrap();
        let access = self.data.join("pg_hba.conf");
        fs::write(access, "host all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n").unwrap();
    }

    fn command(&self, program: &str, args: &[&str]) {
        let output = self.prepared(program).args(args).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn prepared(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir("/");
        if let Some((uid, gid)) = user() {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Runs it (again); returns when it takes connections.
    pub async fn run(&mut self) {
        self.run_with(|_| ()).await;
    }

    /// Runs it, in an environment made by `change`.
    pub async fn run_with(&mut self, change: impl FnOnce(&mut Command)) {
        assert!(self.child.is_none(), "it runs already");
        let log = fs::File::options().create(true).append(true).open(self.log()).unwrap();
        let mut command = self.prepared("postgres");
        command.arg("-D").arg(&self.data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        change(&mut command);
        self.child = Some(command.spawn().unwrap());
        let url = self.url("postgres");
        eventually("PostgreSQL takes connections", async || connect(&url).await.is_ok()).await;
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The URL of a database of it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address())
    }

    /// Runs statements in the database `ward`, or before it exists in `postgres`.
    pub async fn sql(&self, sql: &str) {
        let database = if sql.starts_with("CREATE DATABASE") { "postgres" } else { "ward" };
        let mut conn = connect(&self.url(database)).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.unwrap();
    }

    /// What a statement finds in the database `ward`.
    pub async fn number(&self, sql: &str) -> i64 {
        let mut conn = connect(&self.url("ward")).await.unwrap();
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&mut conn).await.unwrap()
    }

    /// Its main process and all others, children first.
    fn processes(&self) -> Vec<u32> {
        let Some(main) = self.child.as_ref().map(Child::id) else { return Vec::new() };
        let mut found: Vec<u32> = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| parent(*pid) == Some(main))
            .collect();
        found.push(main);
        found
    }

    fn signal(&self, name: &str) {
        let pids: Vec<String> = self.processes().iter().map(ToString::to_string).collect();
        // Some may have ended since they were listed.
        let _ = Command::new("kill").arg(format!("-{name}")).args(pids).stderr(Stdio::null()).status();
    }

    /// Every process of it stands still, as on a machine that hangs.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.signal("KILL");
        if let Some(mut child) = self.child.take() {
            child.wait().unwrap();
        }
    }

    /// Stops it as an operator does in haste: connections are ended.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
            child.wait().unwrap();
        }
    }

    /// A standby becomes the primary.
    pub fn promote(&self) {
        self.command("pg_ctl", &["-D", self.data.to_str().unwrap(), "promote", "-w"]);
    }

    /// What it logged.
    pub fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }
}

/// The third and fourth field of /proc/PID/stat, behind the name in brackets.
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// What a process does: R it runs, S it sleeps, T it stands still, Z it has ended; `None`: it is not there.
pub fn state(pid: u32) -> Option<char> {
    stat(pid).map(|(state, _)| state)
}

fn parent(pid: u32) -> Option<u32> {
    stat(pid).map(|(_, parent)| parent)
}

async fn connect(url: &str) -> Result<sqlx::PgConnection, sqlx::Error> {
    use sqlx::Connection as _;
    sqlx::PgConnection::connect(url).await
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
