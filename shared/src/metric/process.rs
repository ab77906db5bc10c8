//! What the operating system knows of the process.

use super::table;
use metrics_process::collector;

/// Brings the process's own metrics up to date. It reads some files of `/proc`, so it may block for
/// a moment. What the system does not tell is left out.
pub fn measure() {
    let now = collector::collect();
    if let Some(seconds) = now.cpu_seconds_total {
        // The recorder counts in whole numbers.
        table::PROCESS_CPU.of([]).absolute(seconds as u64);
    }
    let gauges = [
        (table::PROCESS_MEMORY, now.resident_memory_bytes),
        (table::PROCESS_VIRTUAL, now.virtual_memory_bytes),
        (table::PROCESS_FDS, now.open_fds),
        (table::PROCESS_MAX_FDS, now.max_fds),
        (table::PROCESS_THREADS, now.threads),
        (table::PROCESS_START, now.start_time_seconds),
    ];
    for (gauge, value) in gauges {
        if let Some(value) = value {
            gauge.of([]).set(value as f64);
        }
    }
}
