//! The process itself, from `/proc/self`.

use std::fs;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::metrics::registered;

/// What the kernel says of this process; zero where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Memory that is resident, in bytes.
    pub resident: i64,
    /// File descriptors that are open.
    pub descriptors: i64,
    /// Threads.
    pub threads: i64,
}

impl Process {
    /// As it is now.
    pub fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let descriptors = fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or_default();
        Self {
            resident: field(&status, "VmRSS:") * 1_024,
            descriptors: i64::try_from(descriptors).unwrap_or_default(),
            threads: field(&status, "Threads:"),
        }
    }
}

/// The number of a line of `/proc/self/status`.
fn field(status: &str, name: &str) -> i64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[derive(Debug)]
pub(super) struct Families {
    resident: Gauge,
    descriptors: Gauge,
    threads: Gauge,
}

impl Families {
    pub(super) fn new(registry: &mut Registry, started: i64) -> Self {
        let start: Gauge =
            registered(registry, "process_start_time_seconds", "When the process started, in seconds since 1970");
        start.set(started);
        Self {
            resident: registered(registry, "process_resident_memory_bytes", "Memory that is resident"),
            descriptors: registered(registry, "process_open_fds", "File descriptors that are open"),
            threads: registered(registry, "process_threads", "Threads"),
        }
    }
    pub(super) fn show(&self, process: &Process) {
        self.resident.set(process.resident);
        self.descriptors.set(process.descriptors);
        self.threads.set(process.threads);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_how_much_memory_this_process_has() {
        let Process { resident, descriptors, threads } = Process::read();
        assert!(resident > 1 << 20 && descriptors >= 3 && threads >= 1);
        assert_eq!(field("VmRSS:\t  12 kB\nThreads:\t7\n", "Threads:"), 7);
        assert_eq!(field("", "VmRSS:"), 0);
    }
}
