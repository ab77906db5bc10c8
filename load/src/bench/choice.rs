//! Which of the scenarios are run, and for how long.

use super::scenario::Scenario;

/// What was asked for on the command line.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Names of scenarios; none: all.
    pub only: Vec<String>,
    /// Labels or servers of the sides besides the first; none: all.
    pub sides: Vec<String>,
    /// How many times each side is run.
    pub pairs: Option<usize>,
    /// Length of the windows in seconds.
    pub secs: Option<u64>,
}

/// Something was asked for that does not exist.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// A scenario.
    #[error("there is no scenario {0:?}; there are {1}")]
    Scenario(String, String),
    /// A side.
    #[error("no chosen scenario has a side {0:?}; there are {1}")]
    Side(String, String),
}

impl Choice {
    /// The chosen ones, changed as wished.
    ///
    /// # Errors
    /// [`ChoiceError`] names what does not exist.
    pub fn of(&self, mut all: Vec<Scenario>) -> Result<Vec<Scenario>, ChoiceError> {
        for name in &self.only {
            if !all.iter().any(|scenario| scenario.name == *name) {
                let names = all.iter().map(|scenario| scenario.name.clone()).collect();
                return Err(ChoiceError::Scenario(name.clone(), listed(names)));
            }
        }
        all.retain(|scenario| self.only.is_empty() || self.only.contains(&scenario.name));
        let sides = || all.iter().flat_map(|scenario| scenario.sides.iter().skip(1));
        for name in &self.sides {
            if !sides().any(|side| side.label == *name || side.server == *name) {
                let names = sides().map(|side| side.label.clone()).collect();
                return Err(ChoiceError::Side(name.clone(), listed(names)));
            }
        }
        for scenario in &mut all {
            self.change(scenario);
        }
        Ok(all)
    }

    fn change(&self, scenario: &mut Scenario) {
        let mut is_first = true;
        scenario.sides.retain(|side| {
            let names = [&side.label, &side.server];
            let wanted = names.iter().any(|name| self.sides.contains(name));
            std::mem::take(&mut is_first) || self.sides.is_empty() || wanted
        });
        scenario.pairs = self.pairs.unwrap_or(scenario.pairs);
        if let Some(secs) = self.secs {
            scenario.sides.iter_mut().for_each(|side| side.secs = secs);
        }
    }
}

fn listed(mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Scenario> {
        let text = |label: &str| {
            format!(
                "title = \"t\"\nclients = 1\ntopics = {{ count = 1, rate = 1 }}\n\
                 [[beside]]\nlabel = {label:?}\nserver = \"limit\"\n"
            )
        };
        let read = |name| Scenario::parse(name, &text(&format!("beside {name}"))).unwrap();
        ["hot", "cold"].map(read).to_vec()
    }

    #[test]
    fn what_is_chosen_is_run_as_wished() {
        let choice = Choice {
            only: vec!["cold".to_owned()],
            sides: vec!["limit".to_owned()],
            pairs: Some(2),
            secs: Some(3),
        };
        let chosen = choice.of(all()).unwrap();
        assert_eq!((chosen.len(), chosen[0].pairs, chosen[0].sides.len()), (1, 2, 2));
        assert!(chosen[0].sides.iter().all(|side| side.secs == 3));
        assert_eq!(Choice::default().of(all()).unwrap().len(), 2);
        let choice = Choice { sides: vec!["beside hot".to_owned()], ..Choice::default() };
        let counts: Vec<usize> =
            choice.of(all()).unwrap().iter().map(|scenario| scenario.sides.len()).collect();
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn what_does_not_exist_is_named_with_what_does() {
        let only = Choice { only: vec!["warm".to_owned()], ..Choice::default() };
        let error = only.of(all()).unwrap_err().to_string();
        assert!(error.contains("\"warm\"") && error.contains("cold, hot"), "{error}");
        let sides = Choice { sides: vec!["nobody".to_owned()], ..Choice::default() };
        let error = sides.of(all()).unwrap_err().to_string();
        assert!(error.contains("beside cold, beside hot"), "{error}");
    }
}
