//! What must hold of a fan whenever nobody is changing it.

use crate::hub::{
    TopicId,
    cohorts::{Cohort, CohortId, Seat},
    fan::Fan,
    members::MemberId,
};
use std::collections::{BTreeSet, HashMap, HashSet};

/// No test has as many at once.
const MOST_CLIENTS: u32 = 64;

/// Panics unless everything that the fan keeps twice agrees.
pub fn check(fan: &Fan) {
    let mut tables = HashSet::new();
    let mut wakes = BTreeSet::new();
    let mut seats: HashMap<TopicId, Vec<Seat>> = HashMap::new();
    let mut placed = 0;
    for (id, cohort) in fan.cohorts.iter() {
        assert!(tables.insert(cohort.table.clone()), "two cohorts of one table");
        assert!(!cohort.table.is_empty());
        assert!(cohort.wants.is_sorted_by(|one, other| one.topic < other.topic));
        assert!(cohort.wants.len() <= fan.max_topics);
        for (at, want) in (0..).zip(&cohort.wants) {
            seats.entry(want.topic).or_default().push(Seat { cohort: id, at });
        }
        wakes.extend(cohort.wake.map(|wake| (wake, id)));
        placed += check_members(fan, id, cohort);
        check_waiting(cohort);
        check_cover(fan, cohort);
    }
    assert_eq!(fan.timers, wakes, "timers and cohorts that are to be woken");
    for (topic, _) in fan.topics.known() {
        let kept = &fan.topics.get(topic).unwrap().seats;
        let expected = seats.remove(&topic).unwrap_or_default();
        assert_eq!(kept.len(), expected.len(), "seats of {topic:?}");
        assert!(expected.iter().all(|seat| kept.contains(seat)), "seats of {topic:?}");
    }
    assert!(seats.is_empty(), "wanted without a seat: {seats:?}");
    check_behind(fan, placed);
}

fn check_members(fan: &Fan, id: CohortId, cohort: &Cohort) -> usize {
    assert!(!cohort.members.is_empty(), "a cohort of nobody");
    for (at, member) in (0..).zip(&cohort.members) {
        let member = fan.members.get(*member).expect("members of cohorts are there");
        let place = member.place.expect("and know their place");
        assert_eq!((place.cohort, place.at), (id, at));
        assert_eq!(member.table, cohort.table);
    }
    cohort.members.len()
}

/// What is held back is listed once and will be looked at in time.
fn check_waiting(cohort: &Cohort) {
    let listed: HashSet<u32> = cohort.waiting.iter().copied().collect();
    assert_eq!(listed.len(), cohort.waiting.len(), "listed twice");
    for (at, want) in (0..).zip(&cohort.wants) {
        let gate = want.gate.as_ref();
        assert_eq!(listed.contains(&at), gate.is_some_and(|gate| gate.is_listed));
        if let Some(due) = gate.and_then(|gate| gate.due()) {
            assert!(listed.contains(&at) && cohort.wake.is_some_and(|wake| wake <= due));
        }
    }
}

/// Everything that the table covers now is wanted, within the limit.
fn check_cover(fan: &Fan, cohort: &Cohort) {
    if cohort.wants.len() < fan.max_topics {
        for (topic, _) in cohort.table.expanded(&fan.topics, fan.max_topics) {
            assert!(cohort.find(topic).is_some(), "{topic:?} is covered and not wanted");
        }
    }
}

fn check_behind(fan: &Fan, placed: usize) {
    let all = (0..MOST_CLIENTS).map(MemberId).filter_map(|id| Some((id, fan.members.get(id)?)));
    let (mut behind, mut with_place) = (BTreeSet::new(), 0);
    for (id, member) in all {
        if member.backlog.is_some() {
            behind.insert(id);
        }
        with_place += usize::from(member.place.is_some());
        assert_eq!(member.place.is_none(), member.table.is_empty());
    }
    assert_eq!(fan.behind, behind, "members with a backlog");
    assert_eq!(with_place, placed, "members of cohorts");
}
