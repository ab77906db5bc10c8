//! `docker-less-deploy/install.sh` and the Debian package put the same in place; what the script does
//! it does once, says before, and takes back.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_tickcast");

/// Runs the script; its exit code and what it said.
fn install(args: &[&str]) -> (i32, String) {
    let script = Path::new(ROOT).join("docker-less-deploy/install.sh");
    let ran = Command::new("sh").arg(script).args(args).output().expect("sh is installed");
    let text = [ran.stdout, ran.stderr].concat();
    (ran.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

/// An empty directory to install below, and the arguments that say so.
struct Image(TempDir);

impl Image {
    fn new() -> Self {
        Self(TempDir::new().expect("a directory"))
    }

    fn install(&self, args: &[&str]) -> String {
        let root = self.0.path().to_str().expect("a path in UTF-8");
        let given = ["--root", root, "--prefix", "/usr", "--binary", PROGRAM];
        let (code, said) = install(&[&given, args].concat());
        assert_eq!(code, 0, "{args:?}: {said}");
        said
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Every file and link below, with what a second installation would change of it.
    fn files(&self) -> BTreeSet<(String, u64, u32)> {
        let mut files = BTreeSet::new();
        let mut directories = vec![self.0.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).expect("a directory").flatten() {
                let about = entry.metadata().expect("a file");
                if about.is_dir() {
                    directories.push(entry.path());
                } else {
                    let path = entry.path();
                    let path = path.strip_prefix(self.0.path()).expect("below it");
                    let name = path.to_str().expect("a path in UTF-8").to_owned();
                    files.insert((name, about.ino(), about.permissions().mode() & 0o777));
                }
            }
        }
        files
    }

    fn names(&self) -> BTreeSet<String> {
        self.files().into_iter().map(|(name, ..)| name).collect()
    }
}

/// The files of the package with their modes, as Cargo.toml lists them; each must exist.
fn packaged() -> BTreeSet<(String, String)> {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let generated = TempDir::new().expect("a directory");
    let made = Command::new(PROGRAM).arg("generate").arg(generated.path()).status();
    assert!(made.expect("the program is built").success());
    let mut files = BTreeSet::new();
    let metadata = &manifest["package"]["metadata"]["deb"];
    for asset in metadata["assets"].as_array().expect("a list") {
        let text = |at: usize| asset[at].as_str().expect("text");
        let (from, to, mode) = (text(0), text(1), text(2));
        let from = match (from.strip_prefix("target/assets/"), from) {
            (Some(made), _) => generated.path().join(made),
            (None, "target/release/tickcast") => PathBuf::from(PROGRAM),
            (None, other) => Path::new(ROOT).join(other),
        };
        let found = expand(&from);
        assert!(!found.is_empty(), "nothing is {}", from.display());
        for name in found {
            let to = if to.ends_with('/') { format!("{to}{name}") } else { to.to_owned() };
            files.insert((to, mode.to_owned()));
        }
    }
    files
}

#[test]
fn the_package_has_the_programs_version() {
    let changelog = Path::new(ROOT).join("docker-less-deploy/debian/changelog");
    let changelog = fs::read_to_string(changelog).expect("a changelog");
    let first = changelog.lines().next().unwrap_or_default();
    let version = concat!("tickcast (", env!("CARGO_PKG_VERSION"), "-");
    assert!(first.starts_with(version), "{first}: begin it with the new version");
}

/// The names of the files that a path, with a `*` for a name perhaps, stands for.
fn expand(path: &Path) -> Vec<String> {
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    let Some(end) = name.strip_prefix('*') else {
        return path.is_file().then(|| name.to_owned()).into_iter().collect();
    };
    let entries = fs::read_dir(path.parent().expect("a directory")).expect("a directory");
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.ends_with(end)).collect()
}

#[test]
fn the_script_installs_what_the_package_holds() {
    let image = Image::new();
    image.install(&[]);
    let installed: BTreeSet<(String, String)> =
        image.files().into_iter().map(|(name, _, mode)| (name, format!("{mode:o}"))).collect();
    // Debian's zsh looks elsewhere than others.
    let elsewhere = |(name, mode): (String, String)| {
        (name.replace("zsh/vendor-completions", "zsh/site-functions"), mode)
    };
    assert_eq!(installed, packaged().into_iter().map(elsewhere).collect());
    let pages = installed.iter().filter(|(name, _)| name.starts_with("usr/share/man")).count();
    assert!(pages > 8, "a page each for the program and its commands");
    let hidden = |(name, _): &(String, String)| name.contains("generate");
    assert!(!installed.iter().any(hidden), "{installed:?}");
    let page = fs::read_to_string(image.path("usr/share/man/man1/tickcast-gateway.1"));
    assert!(page.expect("a page").contains("admin"));
}

#[test]
fn a_second_run_changes_nothing_and_a_dry_one_never_does() {
    let image = Image::new();
    let said = image.install(&["--dry-run", "--feed", "main"]);
    assert!(said.contains("would install: ") && said.contains("would run: systemctl"), "{said}");
    assert_eq!(image.names(), BTreeSet::new());
    image.install(&["--feed", "main", "--gateways", "8080,8081"]);
    let first = image.files();
    let wants = "etc/systemd/system/tickcast.target.wants";
    for unit in ["feed@main.service", "gateway@8080.socket", "gateway@8081.service"] {
        let link = format!("{wants}/tickcast-{unit}");
        assert!(image.names().contains(&link), "{link} in {:?}", image.names());
    }
    let said = image.install(&["--feed", "main", "--gateways", "8080,8081"]);
    assert!(said.contains("unchanged: ") && !said.contains("installed: "), "{said}");
    assert_eq!(image.files(), first);
    image.install(&["--dry-run", "--uninstall", "--purge"]);
    assert_eq!(image.files(), first);
}

#[test]
fn a_changed_configuration_is_kept_until_it_is_purged() {
    let image = Image::new();
    image.install(&["--gateways", "8080"]);
    let (config, beside) =
        (image.path("etc/tickcast/tickcast.toml"), "etc/tickcast/tickcast.toml.new");
    fs::write(&config, "# mine\n").expect("a file");
    let said = image.install(&[]);
    assert!(said.contains("kept: ") && image.path(beside).is_file(), "{said}");
    assert_eq!(fs::read_to_string(&config).expect("a file"), "# mine\n");
    image.install(&["--uninstall"]);
    let left = BTreeSet::from(["etc/tickcast/tickcast.toml".to_owned(), beside.to_owned()]);
    assert_eq!(image.names(), left);
    image.install(&["--uninstall", "--purge"]);
    assert_eq!(image.names(), BTreeSet::new());
    assert!(!image.path("etc/tickcast").exists(), "with its directories");
}

#[test]
fn a_program_moves_with_its_prefix() {
    let image = Image::new();
    image.install(&["--prefix", "/usr/local"]);
    let unit = image.path("usr/local/lib/systemd/system/tickcast-feed@.service");
    let unit = fs::read_to_string(unit).expect("a unit");
    assert!(unit.contains("ExecStart=/usr/local/bin/tickcast feed"), "{unit}");
    assert!(!unit.contains("/usr/bin/tickcast"), "{unit}");
    image.install(&["--prefix", "/opt/tickcast", "--no-systemd"]);
    assert!(image.path("opt/tickcast/bin/tickcast").is_file());
    image.install(&["--prefix", "/opt/tickcast", "--uninstall"]);
    assert!(!image.names().iter().any(|name| name.starts_with("opt/")), "{:?}", image.names());
}

#[test]
fn without_systemd_there_are_no_units() {
    let image = Image::new();
    image.install(&["--no-systemd"]);
    let names = image.names();
    assert!(names.contains("usr/bin/tickcast") && names.contains("etc/tickcast/tickcast.toml"));
    assert!(!names.iter().any(|name| name.contains("systemd")), "{names:?}");
}

#[test]
fn what_is_not_understood_is_refused_before_anything_is_done() {
    let image = Image::new();
    let root = image.0.path().to_str().expect("a path in UTF-8").to_owned();
    let (script, other) = (format!("{root}/script"), format!("{root}/other"));
    fs::write(&script, "#!/bin/sh\necho tickcast 1\n").expect("a file");
    // The head of a program for a machine that this is not: a SPARC.
    let mut head = fs::read("/bin/sh").expect("a program");
    (head[18], head[19]) = (2, 0);
    fs::write(&other, head).expect("a file");
    for (args, wanted) in [
        (&["--gateway", "8080"][..], "unknown argument --gateway"),
        (&["now"], "unknown argument now"),
        (&["--feed"], "--feed needs a value"),
        (&["--feed", "a b"], "not a b"),
        (&["--gateways", "8080,"], "not 8080,"),
        (&["--gateways", "18080"], "not 18080"),
        (&["--gateways", "http"], "not http"),
        (&["--prefix", "usr"], "absolute path"),
        (&["--prefix", "/a b"], "absolute path"),
        (&["--prefix", "/opt/tickcast"], "--prefix /opt/tickcast needs --no-systemd"),
        (&["--purge"], "--purge needs --uninstall"),
        (&["--uninstall", "--feed", "main"], "leave out"),
        (&["--no-systemd", "--feed", "main"], "leave out"),
        (&["--root", "/nowhere/at/all"], "no such directory"),
        (&["--binary", "/nowhere"], "no such file"),
        (&["--binary", &script], "no program for Linux"),
        (&["--binary", &other], "another machine"),
        (&["--binary", "/bin/sh"], "not"),
    ] {
        let given = ["--root", &root, "--prefix", "/usr", "--binary", PROGRAM];
        let (code, said) = install(&[&given, args].concat());
        assert!(code == 1 || code == 2, "{args:?}: {code}");
        assert!(said.starts_with("install.sh: ") && said.contains(wanted), "{args:?}: {said}");
    }
    let names = image.names();
    assert_eq!(names, BTreeSet::from(["other".to_owned(), "script".to_owned()]));
    assert_eq!(install(&["--help"]).0, 0);
}

/// Every file of the repository that begins as a shell script does.
fn scripts() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(ROOT)
        .output();
    let listed = String::from_utf8(listed.expect("git is installed").stdout).expect("UTF-8");
    let files = listed.split('\0').filter(|name| !name.is_empty());
    let is_script = |path: &PathBuf| {
        let text = fs::read(path).unwrap_or_default();
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        first.starts_with(b"#!") && first.ends_with(b"sh")
    };
    files.map(|name| Path::new(ROOT).join(name)).filter(is_script).collect()
}

#[test]
fn every_script_is_sound() {
    let scripts = scripts();
    let ends = |end: &str| scripts.iter().any(|path| path.ends_with(end));
    assert!(ends("docker-less-deploy/install.sh") && ends("docker-less-deploy/debian/postinst"));
    let checked = Command::new("shellcheck").args(["--format", "gcc"]).args(&scripts).output();
    let checked = checked.expect("shellcheck is installed");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
