//! Enough file descriptors for thousands of sockets, or a clear refusal.

use std::io;

/// Descriptors that a process needs besides its sockets: standard streams, event loops, `/proc`.
const RESERVE: u64 = 64;

/// The limit of descriptors is too low.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorError {
    /// Even at the hard limit.
    #[error(
        "{wanted} connections need {needed} file descriptors, the limit is {limit}; raise it with `ulimit -Hn` as root, or spread them over several processes"
    )]
    TooFew {
        /// Connections asked for.
        wanted: usize,
        /// Descriptors for them.
        needed: u64,
        /// What may be had.
        limit: u64,
    },
    /// The limit cannot be read or raised.
    #[error("cannot raise the limit of file descriptors: {0}")]
    Limit(#[from] io::Error),
}

/// Raises the soft limit as far as allowed and checks that so many connections fit.
///
/// # Errors
/// [`DescriptorError`] when they do not.
pub fn provide(connections: usize) -> Result<(), DescriptorError> {
    let limit = rlimit::increase_nofile_limit(rlimit::INFINITY)?;
    let needed = (connections as u64).saturating_add(RESERVE);
    if needed > limit {
        return Err(DescriptorError::TooFew { wanted: connections, needed, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_no_process_may_have() {
        assert!(provide(10).is_ok());
        let refusal = provide(usize::MAX / 2).unwrap_err().to_string();
        assert!(refusal.contains("ulimit"), "{refusal}");
    }
}
