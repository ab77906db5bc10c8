//! How many connections the process's descriptors allow.

use crate::config::Limits;
use tracing::warn;

/// Descriptors kept for everything that is no client: the bus, event loops, the admin listener and
/// its connections, and answers to connections that are refused.
const RESERVE: usize = 256;
/// Taken where the system does not say: the usual limit of a process.
const USUAL_LIMIT: u64 = 1024;

/// Connections that may be open at once, as configured or as descriptors allow.
#[must_use]
pub fn capacity(limits: &Limits) -> usize {
    let (limit, _) = rlimit::Resource::NOFILE.get().unwrap_or((USUAL_LIMIT, USUAL_LIMIT));
    let allowed = allowed(usize::try_from(limit).unwrap_or(usize::MAX));
    let wanted = limits.max_connections;
    if wanted > allowed {
        warn!(
            max_connections = wanted,
            descriptors = limit,
            allowed,
            "the limit of open files (ulimit -n, LimitNOFILE=) allows fewer connections"
        );
    }
    if wanted == 0 { allowed } else { wanted.min(allowed) }
}

/// A very low limit is shared evenly.
fn allowed(limit: usize) -> usize {
    limit.saturating_sub(RESERVE).max(limit / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_kept() {
        assert_eq!(allowed(20_000), 19_744);
        assert_eq!(allowed(300), 150);
        let limits = Limits { max_connections: 5, ..Limits::default() };
        assert_eq!(capacity(&limits), 5);
        let limits = Limits { max_connections: usize::MAX, ..Limits::default() };
        assert_eq!(capacity(&limits), capacity(&Limits::default()));
    }
}
