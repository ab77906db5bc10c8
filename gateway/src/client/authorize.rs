//! Tokens on a live connection: the first one, and those that follow it.

use super::{commands::refuse, session::Session};
use crate::{
    auth::{Access, Grant},
    hub::{Change, Table, shard::Shard},
    wire::encode,
};
use std::sync::Arc;
use tickcast_shared::{
    protocol::{ErrorCode, ErrorMessage, Id, Plain},
    secret::Secret,
};
use tracing::debug;

/// Whether the client may ask for anything; if not, it is told so.
pub fn is_let_in(session: &Session, id: Option<&Id>) -> bool {
    let is_awaited = matches!(session.shard.borrow().access(session.member), Access::Awaited);
    if is_awaited {
        let message = "a token comes first: {\"op\":\"auth\",\"token\":\"...\"}";
        refuse(session, id, ErrorCode::Unauthorized, message, None);
    }
    !is_awaited
}

/// Takes a token in the place of the one before, which stays in force if this one is not valid.
pub async fn renew(session: &Session, id: Option<&Id>, token: &Secret) {
    let auth = session.shard.borrow().auth.clone();
    let Some(auth) = auth else {
        let message = "this server asks for no token";
        return refuse(session, id, ErrorCode::BadField, message, Some("token"));
    };
    match auth.admit_connection(token.expose()).await {
        Ok(grant) => {
            session.pass_over().await;
            take(session, id, grant);
        }
        Err(denied) => {
            debug!(connection = session.conn.name(), reason = denied.message(), "token refused");
            refuse(session, id, denied.code(), denied.message(), Some("token"));
        }
    }
}

/// Puts a grant in force. Not while a pass runs.
fn take(session: &Session, id: Option<&Id>, grant: Arc<Grant>) {
    let mut shard = session.shard.borrow_mut();
    let before = shard.fan.table(session.member);
    let authorized = Plain::Authorized { id, expires: grant.expires };
    let mut answer = encode::message(&authorized, before.encoding());
    let (table, gone) = within(&shard, &before, &grant);
    for (code, names) in &gone {
        shard.metrics.rejected(*code, names.len() as u64);
        let message = format!("no longer allowed, and unsubscribed: {}", names.join(", "));
        let error =
            ErrorMessage { id, code: *code, message: &message, field: None, retry_after_ms: None };
        answer.extend(encode::message(&Plain::Error(error), before.encoding()));
    }
    shard.admit(session.member, Access::Granted(grant));
    if table == *before {
        shard.answer(session.member, answer);
    } else {
        shard.change(session.member, table, Change { answer, ..Change::default() });
    }
}

/// What has been taken out of a table, by reason.
type Gone = Vec<(ErrorCode, Vec<String>)>;

/// The table as far as the grant allows it: without topics that it does not open, no faster than its
/// shortest interval, and with no more topics than it may have. Of too many the patterns go first.
fn within(shard: &Shard, before: &Table, grant: &Grant) -> (Table, Gone) {
    let topics = &shard.fan.topics;
    let mut table = before.clone();
    table.slow_down(grant.limits.min_interval_ms);
    let patterns: Vec<_> = before.patterns().cloned().collect();
    let name = |id| topics.name(id).map(ToString::to_string).unwrap_or_default();
    let mut closed: Vec<String> = Vec::new();
    for pattern in patterns.iter().filter(|pattern| !grant.allows_pattern(pattern)) {
        table.remove_pattern(pattern);
        closed.push(pattern.to_string());
    }
    let allowed = |id| topics.name(id).is_some_and(|topic| grant.allows(topic));
    for id in before.topics().filter(|id| !allowed(*id)) {
        table.remove_topic(id);
        closed.push(name(id));
    }
    let (most, usual) = (grant.limits.max_topics, shard.config.limits.max_topics);
    table.set_most(usize::MAX, usual);
    let mut surplus: Vec<String> = Vec::new();
    if table.expanded(topics, usual).len() > most || table.patterns().len() > most {
        for pattern in &patterns {
            surplus.extend(table.remove_pattern(pattern).then(|| pattern.to_string()));
        }
        for id in table.clone().topics().skip(most) {
            table.remove_topic(id);
            surplus.push(name(id));
        }
    }
    table.set_most(most, usual);
    let gone = [(ErrorCode::NotAllowed, closed), (ErrorCode::TooManyTopics, surplus)];
    (table, gone.into_iter().filter(|(_, names)| !names.is_empty()).collect())
}
