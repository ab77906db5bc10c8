//! The examples of `docs/examples` and the snippets of README.md, as a stranger runs them: each
//! against a real gateway. The bot also meets a scripted one, which does what no gateway does on demand.

mod bot;
mod bot_connection;
mod bot_truth;
mod languages;
mod page;
mod program;
mod snippets;
mod stage;
