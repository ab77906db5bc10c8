//! `tickcast generate`: manual pages and completions, from the one definition of the command line.

use crate::{cli::Cli, outcome::Failure};
use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use std::{fs, io, path::Path};

/// Shells that there are completions for.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Writes `man/*.1` and `completions/*` below a directory, which is made if it does not exist.
pub fn generate(directory: &Path) -> Result<(), Failure> {
    let written = write(directory);
    Ok(written.with_context(|| format!("cannot write to {}", directory.display()))?)
}

fn write(directory: &Path) -> io::Result<()> {
    let (pages, completions) = (directory.join("man"), directory.join("completions"));
    fs::create_dir_all(&pages)?;
    fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(Cli::command(), &pages)?;
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut Cli::command(), "tickcast", &completions)?;
    }
    Ok(())
}
