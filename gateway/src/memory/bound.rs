//! How much memory the process may take: a number that is configured, or the smallest bound of its
//! cgroup and those that this one is in.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

/// Size of a page in `/proc/self/statm` where the kernel has the usual ones.
const PAGE_BYTES: u64 = 4096;
/// Where cgroups are.
const ROOT: &str = "/sys/fs/cgroup";
/// Bounds above this are none: cgroup v1 writes "no limit" as a huge number.
const ENDLESS: u64 = 1 << 60;

/// Where the bound comes from, which is where the use is read.
#[derive(Debug)]
pub enum Bound {
    /// `max_memory_mib`, held against the process's own resident memory.
    Process { bytes: u64 },
    /// A cgroup's, held against the use of the same one.
    Cgroup { bytes: u64, files: Files },
}

/// The files of a cgroup.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    names: &'static Names,
}

/// What the files are called.
#[derive(Debug)]
struct Names {
    max: &'static str,
    used: &'static str,
    /// Rows of `memory.stat` that count pages of files, those of cgroups inside it included.
    cached: [&'static str; 2],
}

const VERSION_1: Names = Names {
    max: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    cached: ["total_inactive_file", "total_active_file"],
};
const VERSION_2: Names =
    Names { max: "memory.max", used: "memory.current", cached: ["inactive_file", "active_file"] };

impl Bound {
    /// `configured_mib`, or what the cgroups allow if that is 0; none if nothing does.
    pub fn find(configured_mib: u64) -> Option<Self> {
        if configured_mib > 0 {
            return Some(Self::Process { bytes: configured_mib << 20 });
        }
        let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
        Self::smallest(Path::new(ROOT), &membership)
    }

    /// The smallest of the cgroups that `membership` (cgroups(7)) names and all above them.
    fn smallest(root: &Path, membership: &str) -> Option<Self> {
        let levels = membership.lines().flat_map(|line| levels(root, line));
        let bounds = levels.filter_map(|files| {
            let bytes = files.number(files.names.max)?;
            (1..ENDLESS).contains(&bytes).then_some(Self::Cgroup { bytes, files })
        });
        bounds.min_by_key(Self::bytes)
    }

    pub fn bytes(&self) -> u64 {
        match self {
            Self::Process { bytes } | Self::Cgroup { bytes, .. } => *bytes,
        }
    }

    /// How much of it is used; none if the system does not say.
    pub fn used(&self) -> Option<u64> {
        match self {
            Self::Process { .. } => {
                // Resident pages less those of files, which is mostly the program itself: these
                // go away by themselves when memory is needed.
                let statm = fs::read_to_string("/proc/self/statm").ok()?;
                let mut pages = statm.split_whitespace().skip(1).map(str::parse::<u64>);
                let (resident, of_files) = (pages.next()?.ok()?, pages.next()?.ok()?);
                Some(resident.saturating_sub(of_files) * PAGE_BYTES)
            }
            Self::Cgroup { files, .. } => files.used(),
        }
    }
}

/// The cgroup of a line of `/proc/self/cgroup` and all above it: of version 2, or of version 1's
/// memory controller. In a container the path may be the host's, which is not there; the topmost
/// folder is the container's own cgroup then.
fn levels(root: &Path, line: &str) -> Vec<Files> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return Vec::new() };
    let (root, names) = if controllers.is_empty() {
        (root.to_owned(), &VERSION_2)
    } else if controllers.split(',').any(|name| name == "memory") {
        (root.join("memory"), &VERSION_1)
    } else {
        return Vec::new();
    };
    // A path that leads out of what can be seen from here (`/../other`) is only known by its end.
    let is_inside = !Path::new(path).components().any(|it| it == Component::ParentDir);
    let inside = if is_inside { path.trim_start_matches('/') } else { "" };
    let leaf = root.join(inside);
    let folders = leaf.ancestors().take_while(|folder| folder.starts_with(&root));
    folders.map(|folder| Files { folder: folder.to_owned(), names }).collect()
}

impl Files {
    fn used(&self) -> Option<u64> {
        let stat = fs::read_to_string(self.folder.join("memory.stat")).unwrap_or_default();
        Some(self.number(self.names.used)?.saturating_sub(self.names.cached(&stat)))
    }

    /// The number that a file consists of; `max` in its place is none.
    fn number(&self, name: &str) -> Option<u64> {
        fs::read_to_string(self.folder.join(name)).ok()?.trim().parse().ok()
    }
}

impl Names {
    /// What a cgroup's use has cached of files: it goes away by itself before anybody is killed.
    fn cached(&self, stat: &str) -> u64 {
        let rows = stat.lines().filter_map(|line| line.split_once(' '));
        let of_files = rows.filter(|(name, _)| self.cached.contains(name));
        of_files.filter_map(|(_, bytes)| bytes.parse::<u64>().ok()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A tree of files with what they hold.
    fn tree(files: &[(&str, &str)]) -> TempDir {
        let root = TempDir::new().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    /// The bound and the use that are found.
    fn found(root: &TempDir, membership: &str) -> Option<(u64, Option<u64>)> {
        let bound = Bound::smallest(root.path(), membership)?;
        Some((bound.bytes(), bound.used()))
    }

    #[test]
    fn the_smallest_bound_on_the_way_up_counts_and_the_use_beside_it() {
        let root = tree(&[
            ("memory.max", "900\n"),
            ("memory.current", "800\n"),
            ("system.slice/memory.max", "500\n"),
            ("system.slice/memory.current", "400\n"),
            ("system.slice/memory.stat", "anon 1\ninactive_file 20\nactive_file 30\n"),
            ("system.slice/a.service/memory.max", "700\n"),
            ("system.slice/a.service/memory.current", "100\n"),
            ("system.slice/b.service/memory.max", "max\n"),
            ("system.slice/c.service/memory.max", "300\n"),
        ]);
        assert_eq!(found(&root, "0::/system.slice/a.service\n"), Some((500, Some(350))));
        assert_eq!(found(&root, "0::/system.slice/b.service\n"), Some((500, Some(350))));
        assert_eq!(found(&root, "0::/system.slice/c.service\n"), Some((300, None)));
        assert_eq!(found(&root, "0::/user.slice\n"), Some((900, Some(800))));
    }

    #[test]
    fn a_container_sees_its_own_cgroup_at_the_top() {
        let root = tree(&[("memory.max", "900\n"), ("memory.current", "800\n")]);
        for membership in ["0::/", "0::/docker/0123", "0::/../other"] {
            assert_eq!(found(&root, membership), Some((900, Some(800))), "{membership}");
        }
        let root = tree(&[
            ("memory/memory.limit_in_bytes", "600\n"),
            ("memory/memory.usage_in_bytes", "200\n"),
            ("memory/memory.stat", "inactive_file 90\ntotal_inactive_file 50\n"),
        ]);
        let membership = "3:cpu,cpuacct:/docker/0123\n2:memory:/docker/0123\n0::/docker/0123\n";
        assert_eq!(found(&root, membership), Some((600, Some(150))));
        assert_eq!(found(&root, "3:cpu,cpuacct:/docker/0123\n"), None);
    }

    #[test]
    fn what_is_without_bound_has_none() {
        let root = tree(&[
            ("memory.max", "max\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/user/memory.limit_in_bytes", "600\n"),
        ]);
        assert_eq!(found(&root, "9:cpu,memory:/\n0::/\n"), None);
        assert_eq!(found(&root, "9:cpu,memory:/user\n0::/\n"), Some((600, None)));
        assert_eq!(found(&root, "nonsense"), None);
    }

    #[test]
    fn the_process_knows_its_own_memory() {
        let bound = Bound::find(100).unwrap();
        assert_eq!(bound.bytes(), 100 << 20);
        assert!(bound.used().unwrap() > 1 << 20, "{:?}", bound.used());
    }
}
