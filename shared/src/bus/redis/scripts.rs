//! The atomic steps as Lua scripts, called by their hash.

use redis::{Cmd, Pipeline, Script};
use std::sync::LazyLock;

/// The scripts, hashed once.
pub(super) struct Scripts {
    pub acquire: Lua,
    pub raise: Lua,
    pub write: Lua,
    pub renew: Lua,
    pub release: Lua,
}

/// One script: its text and the hash that Redis knows it by.
pub(super) struct Lua {
    text: &'static str,
    script: Script,
}

/// All scripts of the bus.
pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
    acquire: Lua::new(include_str!("scripts/acquire.lua")),
    raise: Lua::new(include_str!("scripts/raise.lua")),
    write: Lua::new(include_str!("scripts/write.lua")),
    renew: Lua::new(include_str!("scripts/renew.lua")),
    release: Lua::new(include_str!("scripts/release.lua")),
});

impl Lua {
    fn new(text: &'static str) -> Self {
        Self { text, script: Script::new(text) }
    }

    /// A call of the script with these keys; arguments are to be added.
    pub(super) fn call(&self, keys: &[String]) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(self.script.get_hash()).arg(keys.len()).arg(keys);
        command
    }
}

impl Scripts {
    /// Commands that load every script into the server.
    pub(super) fn load(&self) -> Pipeline {
        let mut commands = redis::pipe();
        for lua in [&self.acquire, &self.raise, &self.write, &self.renew, &self.release] {
            commands.cmd("SCRIPT").arg("LOAD").arg(lua.text);
        }
        commands
    }
}
