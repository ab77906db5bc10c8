//! The tokens that a KuCoin dial needs.

use std::collections::{BTreeMap, VecDeque};

/// Tokens remembered at most; the oldest are forgotten, which makes them unknown.
const MAX_TOKENS: usize = 10_000;

/// How long a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenRule {
    /// For one dial only: stricter than the real exchange, to find clients that keep one.
    #[default]
    OncePerDial,
    /// Until it is expired, as at the real exchange (about 24 h).
    Reusable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Expired,
}

/// All tokens issued.
#[derive(Debug)]
pub(in crate::venue) struct Tokens {
    rule: TokenRule,
    states: BTreeMap<String, State>,
    order: VecDeque<String>,
    issued: u64,
}

impl Tokens {
    pub(in crate::venue) fn new(rule: TokenRule) -> Self {
        Self { rule, states: BTreeMap::new(), order: VecDeque::new(), issued: 0 }
    }

    /// A new token.
    pub(in crate::venue) fn issue(&mut self, expired: bool) -> String {
        self.issued += 1;
        let token = format!("simulated-{:08}", self.issued);
        if self.order.len() == MAX_TOKENS
            && let Some(oldest) = self.order.pop_front()
        {
            self.states.remove(&oldest);
        }
        let state = if expired { State::Expired } else { State::Good };
        self.states.insert(token.clone(), state);
        self.order.push_back(token.clone());
        token
    }

    /// Whether a dial with this token is welcome.
    pub(in crate::venue) fn redeem(&mut self, token: &str) -> bool {
        match self.states.get_mut(token) {
            Some(state @ State::Good) => {
                if self.rule == TokenRule::OncePerDial {
                    *state = State::Expired;
                }
                true
            }
            Some(State::Expired) | None => false,
        }
    }

    /// All tokens issued so far are good no longer.
    pub(in crate::venue) fn expire(&mut self) {
        self.states.values_mut().for_each(|state| *state = State::Expired);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_once() {
        let mut tokens = Tokens::new(TokenRule::OncePerDial);
        let token = tokens.issue(false);
        assert!(tokens.redeem(&token));
        assert!(!tokens.redeem(&token));
        assert!(!tokens.redeem("made-up"));
    }

    #[test]
    fn a_reusable_token_is_good_until_it_expires() {
        let mut tokens = Tokens::new(TokenRule::Reusable);
        let token = tokens.issue(false);
        assert!(tokens.redeem(&token) && tokens.redeem(&token));
        tokens.expire();
        assert!(!tokens.redeem(&token));
        let stale = tokens.issue(true);
        assert!(!tokens.redeem(&stale));
    }
}
