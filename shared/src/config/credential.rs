//! `credential:NAME` as the value of a setting: a file that the service manager hands over with the
//! process (`LoadCredential=` of systemd.exec(5)), so that no secret stands in the configuration.

use super::{is_secret, key::Key};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// What the value begins with.
const PREFIX: &str = "credential:";
/// Where the service manager has put them.
const VARIABLE: &str = "CREDENTIALS_DIRECTORY";
/// Most bytes of a secret that is taken over as text: an address is shorter, a mistaken file longer.
const MAX_BYTES: u64 = 64 * 1024;

/// The files that came with the process.
#[derive(Debug, Clone)]
pub(super) struct Credentials(Option<PathBuf>);

/// A key, its value as it was written, and what is wrong with it.
type Mistake = (Key, String, String);

impl Credentials {
    pub fn of_process() -> Self {
        Self(std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from))
    }

    /// The file of that name.
    fn path(&self, name: &str) -> Result<PathBuf, String> {
        // systemd takes no other names either, and none of these leaves the directory.
        let is_plain = |it: char| it.is_ascii_alphanumeric() || "_-.".contains(it);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            return Err("expected credential:NAME with a name of letters, digits, _ - and .".into());
        }
        let directory = self.0.as_ref().ok_or_else(|| {
            format!(
                "{VARIABLE} is not set: a service with LoadCredential= has it; elsewhere set it \
                     to the directory of the file {name}"
            )
        })?;
        let path = directory.join(name);
        // The directory that a unit loads as `tickcast` has them without that.
        let bare = directory.join(name.strip_prefix("tickcast_").unwrap_or(name));
        if let Some(path) = [&path, &bare].into_iter().find(|it| it.is_file()) {
            return Ok(path.clone());
        }
        Err(format!("there is no file {}{}", path.display(), nearest(directory, name)))
    }

    /// What the file holds, without white space around it.
    fn text(&self, name: &str) -> Result<String, String> {
        let path = self.path(name)?;
        let refused = |why: String| format!("{}: {why}", path.display());
        let size = fs::metadata(&path).map_err(|error| refused(error.to_string()))?.len();
        if size > MAX_BYTES {
            return Err(refused(format!("{size} bytes are more than a secret has")));
        }
        let text = fs::read_to_string(&path).map_err(|error| refused(error.to_string()))?;
        match text.trim() {
            "" => Err(refused("is empty".into())),
            text => Ok(text.to_owned()),
        }
    }
}

/// The files that there are, for whoever misspelt one. systemd puts the name of the directory's
/// credential before those of its files.
fn nearest(directory: &PathBuf, name: &str) -> String {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let unlike = |there: &String| {
        (!there.ends_with(&format!("_{name}")), strsim::damerau_levenshtein(there, name))
    };
    match names.min_by_key(unlike) {
        Some(nearest) => format!("; the nearest that there is is credential:{nearest}"),
        None => "; the directory is empty".to_owned(),
    }
}

/// Puts what is meant in the place of every `credential:NAME`: the file's path where a setting names
/// a file, what it holds where it is an address or a secret itself. Sections in `not_ours` stay as they
/// are written.
pub(super) fn resolve(
    settings: &mut Value,
    credentials: &Credentials,
    not_ours: &[&str],
) -> Result<(), Mistake> {
    let Value::Object(sections) = settings else { return Ok(()) };
    let mut ours = sections.iter_mut().filter(|(name, _)| !not_ours.contains(&name.as_str()));
    ours.try_for_each(|(name, it)| {
        resolve_at(&Key::default().with_name(name), name, it, credentials)
    })
}

fn resolve_at(at: &Key, name: &str, value: &mut Value, from: &Credentials) -> Result<(), Mistake> {
    match value {
        Value::Object(table) => {
            let mut members = table.iter_mut();
            members.try_for_each(|(name, it)| resolve_at(&at.with_name(name), name, it, from))
        }
        Value::Array(list) => {
            let mut elements = list.iter_mut().enumerate();
            elements.try_for_each(|(n, it)| resolve_at(&at.with_index(n), "", it, from))
        }
        Value::String(text) => {
            let Some(credential) = text.strip_prefix(PREFIX) else { return Ok(()) };
            let meant = meaning(name, credential, from);
            *text = meant.map_err(|why| (at.clone(), text.clone(), why))?;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn meaning(key: &str, credential: &str, from: &Credentials) -> Result<String, String> {
    if names_a_file(key) {
        return from.path(credential).map(|path| path.to_string_lossy().into_owned());
    }
    if key.ends_with("_url") || key.ends_with("_endpoint") {
        let text = from.text(credential)?;
        // What is no address is shown in messages as it is, and may be a password alone.
        return match text.contains("://") && !text.contains(char::is_whitespace) {
            true => Ok(text),
            false => {
                Err("the file holds no address such as scheme://user:password@host:port".into())
            }
        };
    }
    if is_secret(key) {
        return from.text(credential);
    }
    Err("only a file, an address or a secret can be a credential".into())
}

fn names_a_file(key: &str) -> bool {
    key.ends_with("_file") || ["ca", "certificate", "private_key"].contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tempfile::TempDir;

    fn credentials(files: &[(&str, &str)]) -> (TempDir, Credentials) {
        let directory = TempDir::new().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let credentials = Credentials(Some(directory.path().into()));
        (directory, credentials)
    }

    fn mistake(settings: &Value, credentials: &Credentials) -> String {
        let (key, value, why) = resolve(&mut settings.clone(), credentials, &[]).unwrap_err();
        format!("{key} = {value}: {why}")
    }

    #[test]
    fn stands_for_a_file_or_for_what_it_holds() {
        let files =
            [("tickcast_redis_url", "redis://me:hush@host\n"), ("key", "pem"), ("jwt", " s\n")];
        let (directory, credentials) = credentials(&files);
        let mut settings = json!({
            "redis_url": "credential:tickcast_redis_url",
            "gateway": {
                "tls": {"private_key": "credential:key", "certificate": "plain.pem"},
                "auth": {"jwt": [{"secret": "credential:jwt", "issuer": "i"}]},
            },
        });
        resolve(&mut settings, &credentials, &[]).unwrap();
        let key = directory.path().join("key");
        let wanted = json!({
            "redis_url": "redis://me:hush@host",
            "gateway": {
                "tls": {"private_key": key, "certificate": "plain.pem"},
                "auth": {"jwt": [{"secret": "s", "issuer": "i"}]},
            },
        });
        assert_eq!(settings, wanted);
    }

    #[test]
    fn mistakes_say_what_would_be_right_and_never_what_a_file_holds() {
        let (_directory, credentials) = credentials(&[("tickcast_redis_url", "hush"), ("e", "\n")]);
        for (settings, wanted) in [
            (json!({"redis_url": "credential:redis_url"}), "credential:tickcast_redis_url"),
            (json!({"redis_url": "credential:tickcast_redis_url"}), "holds no address"),
            (json!({"redis_url": "credential:e"}), "is empty"),
            (json!({"redis_url": "credential:../e"}), "credential:NAME"),
            (json!({"a": [{"listen": "credential:e"}]}), "a[0].listen = credential:e: only a file"),
        ] {
            let line = mistake(&settings, &credentials);
            assert!(line.contains(wanted) && !line.contains("hush"), "{line}");
        }
        let line = mistake(&json!({"redis_url": "credential:x"}), &Credentials(None));
        assert!(line.contains("LoadCredential="), "{line}");
    }
}
