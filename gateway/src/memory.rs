//! How much memory the process may take, how much it has, and what is done when it gets short: first
//! newcomers are refused, then the slowest clients have to go.

use crate::{door::Door, hub::Hub};
use metrics::gauge;
use std::{convert::Infallible, fs, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often it is looked: faster than clients can fill what is left.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks between two rounds of closing clients: the allocator gives pages back after a second, and
/// what the last round freed should be seen before the next.
const LOOKS_BETWEEN_SHEDS: u32 = 6;
/// Parts of a hundred of the bound from which on newcomers are refused.
const REFUSE_FROM: u64 = 85;
/// The same from which on clients have to go.
const SHED_FROM: u64 = 92;
/// They are let in again below this: not at once after having been refused.
const ACCEPT_BELOW: u64 = 80;
/// Size of a page in `/proc/self/statm` where the kernel has the usual ones.
const PAGE_BYTES: u64 = 4096;
/// Rows of `memory.stat` that count pages of files, in cgroups of version 2. (Version 1 has the same
/// names beside the totals of its children, of which a service has none.)
const CACHED: [&str; 2] = ["inactive_file", "active_file"];
/// Bounds above this are none: cgroup v1 writes "no limit" as a huge number.
const ENDLESS: u64 = 1 << 60;

/// Watches until cancelled; without any bound there is nothing to watch.
pub async fn watch(
    configured_mib: u64,
    door: Arc<Door>,
    hub: Hub,
    token: CancellationToken,
) -> Result<(), Infallible> {
    let Some(bound) = Bound::find(configured_mib) else {
        token.cancelled().await;
        return Ok(());
    };
    info!(mib = bound.bytes() >> 20, "memory is bounded");
    let mut watcher = Watcher::default();
    loop {
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let Some(used) = bound.used() else { continue };
        gauge!("tickcast_gateway_memory_used_ratio").set(used as f64 / bound.bytes() as f64);
        let act = watcher.look(used, bound.bytes());
        door.set_memory_is_short(watcher.is_short);
        if act {
            hub.shed().await;
        }
    }
}

/// What the last looks have shown.
#[derive(Debug, Default)]
struct Watcher {
    is_short: bool,
    looks_since_shed: u32,
}

impl Watcher {
    /// Whether clients have to go now.
    fn look(&mut self, used: u64, bound: u64) -> bool {
        let part = used.saturating_mul(100) / bound.max(1);
        let was_short = self.is_short;
        self.is_short = part >= if was_short { ACCEPT_BELOW } else { REFUSE_FROM };
        if self.is_short != was_short {
            let (used_mib, bound_mib) = (used >> 20, bound >> 20);
            if self.is_short {
                warn!(used_mib, bound_mib, "memory is short; refusing new connections");
            } else {
                info!(used_mib, bound_mib, "memory suffices again; accepting connections");
            }
        }
        self.looks_since_shed = self.looks_since_shed.saturating_add(1);
        let shed = part >= SHED_FROM && self.looks_since_shed >= LOOKS_BETWEEN_SHEDS;
        if shed {
            self.looks_since_shed = 0;
        }
        shed
    }
}

/// Where the bound comes from, which is where the use is read.
#[derive(Debug)]
enum Bound {
    /// `max_memory_mib`, held against the process's own resident memory.
    Process { bytes: u64 },
    /// The cgroup's, held against the cgroup's use.
    Cgroup { bytes: u64, files: Files },
}

/// A cgroup's files.
#[derive(Debug)]
struct Files {
    max: String,
    used: String,
    stat: String,
}

impl Bound {
    fn find(configured_mib: u64) -> Option<Self> {
        if configured_mib > 0 {
            return Some(Self::Process { bytes: configured_mib << 20 });
        }
        let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
        membership.lines().filter_map(Files::of).find_map(|files| {
            let bytes = number(&files.max).filter(|bytes| (1..ENDLESS).contains(bytes))?;
            Some(Self::Cgroup { bytes, files })
        })
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Process { bytes } | Self::Cgroup { bytes, .. } => *bytes,
        }
    }

    fn used(&self) -> Option<u64> {
        match self {
            Self::Process { .. } => {
                // Resident pages less those of files, which is mostly the program itself: these
                // go away by themselves when memory is needed.
                let statm = fs::read_to_string("/proc/self/statm").ok()?;
                let mut pages = statm.split_whitespace().skip(1).map(str::parse::<u64>);
                let (resident, of_files) = (pages.next()?.ok()?, pages.next()?.ok()?);
                Some(resident.saturating_sub(of_files) * PAGE_BYTES)
            }
            Self::Cgroup { files, .. } => {
                let stat = fs::read_to_string(&files.stat).unwrap_or_default();
                Some(number(&files.used)?.saturating_sub(cached(&stat)))
            }
        }
    }
}

impl Files {
    /// Of a line of `/proc/self/cgroup` (cgroups(7)): version 2, or version 1's memory controller.
    fn of(line: &str) -> Option<Self> {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let path = path.trim_end_matches('/');
        if controllers.is_empty() {
            let folder = format!("/sys/fs/cgroup{path}");
            Some(Self::named(&folder, "memory.max", "memory.current"))
        } else if controllers.split(',').any(|name| name == "memory") {
            let folder = format!("/sys/fs/cgroup/memory{path}");
            Some(Self::named(&folder, "memory.limit_in_bytes", "memory.usage_in_bytes"))
        } else {
            None
        }
    }

    fn named(folder: &str, max: &str, used: &str) -> Self {
        let file = |name: &str| format!("{folder}/{name}");
        Self { max: file(max), used: file(used), stat: file("memory.stat") }
    }
}

/// What a cgroup's use has cached of files: it goes away by itself before anybody is killed.
fn cached(stat: &str) -> u64 {
    let rows = stat.lines().filter_map(|line| line.split_once(' '));
    let of_files = rows.filter(|(name, _)| CACHED.contains(name));
    of_files.filter_map(|(_, bytes)| bytes.parse::<u64>().ok()).sum()
}

/// The number that a file consists of; `max` in its place is none.
fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_are_refused_before_anybody_has_to_go() {
        let mut watcher = Watcher { looks_since_shed: LOOKS_BETWEEN_SHEDS, ..Watcher::default() };
        assert!(!watcher.look(84, 100) && !watcher.is_short);
        assert!(!watcher.look(85, 100) && watcher.is_short);
        assert!(watcher.look(92, 100), "the first look that is too high");
        for _ in 1..LOOKS_BETWEEN_SHEDS {
            assert!(!watcher.look(99, 100), "what was freed is not seen yet");
        }
        assert!(watcher.look(99, 100));
        assert!(!watcher.look(80, 100) && watcher.is_short, "not at the first sign of room");
        assert!(!watcher.look(79, 100) && !watcher.is_short);
    }

    #[test]
    fn cgroups_of_both_versions_are_found() {
        let files = Files::of("0::/system.slice/tickcast-gateway@8080.service").unwrap();
        let folder = "/sys/fs/cgroup/system.slice/tickcast-gateway@8080.service";
        assert_eq!(files.max, format!("{folder}/memory.max"));
        assert_eq!(Files::of("0::/").unwrap().used, "/sys/fs/cgroup/memory.current");
        let files = Files::of("9:cpu,memory:/user").unwrap();
        assert_eq!(files.used, "/sys/fs/cgroup/memory/user/memory.usage_in_bytes");
        assert!(Files::of("3:cpu,cpuacct:/user").is_none());
    }

    #[test]
    fn what_is_cached_of_files_does_not_count() {
        let stat = "anon 1000\nfile 900\ninactive_anon 9\ninactive_file 300\nactive_file 500\n";
        assert_eq!(cached(stat), 800);
        assert_eq!(cached(""), 0);
    }

    #[test]
    fn the_process_knows_its_own_memory() {
        let bound = Bound::find(100).unwrap();
        assert_eq!(bound.bytes(), 100 << 20);
        assert!(bound.used().unwrap() > 1 << 20, "{:?}", bound.used());
    }
}
