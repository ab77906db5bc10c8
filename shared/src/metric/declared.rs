//! The handles of declared metrics: a name with its labels' keys, to be given the labels' values.

use ::metrics::{Key, Label, Level, Metadata, with_recorder};

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// A metric that only grows.
#[derive(Debug, Clone, Copy)]
pub struct Counter<const LABELS: usize>(Name<LABELS>);

/// A metric that says how something is now.
#[derive(Debug, Clone, Copy)]
pub struct Gauge<const LABELS: usize>(Name<LABELS>);

/// A metric that tells how values are spread.
#[derive(Debug, Clone, Copy)]
pub struct Histogram<const LABELS: usize>(Name<LABELS>);

#[derive(Debug, Clone, Copy)]
struct Name<const LABELS: usize> {
    name: &'static str,
    labels: &'static [&'static str; LABELS],
}

impl<const LABELS: usize> Name<LABELS> {
    fn key(&self, values: [&str; LABELS]) -> Key {
        let pairs = self.labels.iter().zip(values);
        let labels = pairs.map(|(key, value)| Label::new(*key, value.to_owned()));
        Key::from_parts(self.name, labels.collect::<Vec<_>>())
    }
}

impl<const LABELS: usize> Counter<LABELS> {
    /// To be written in a [`metric_table!`](crate::metric_table) only.
    #[must_use]
    pub const fn new(name: &'static str, labels: &'static [&'static str; LABELS]) -> Self {
        Self(Name { name, labels })
    }

    /// The series with these values of its labels, in their declared order. What is on a hot path
    /// keeps it: looking it up takes a lock.
    pub fn of(&self, values: [&str; LABELS]) -> ::metrics::Counter {
        with_recorder(|recorder| recorder.register_counter(&self.0.key(values), &METADATA))
    }
}

impl<const LABELS: usize> Gauge<LABELS> {
    /// To be written in a [`metric_table!`](crate::metric_table) only.
    #[must_use]
    pub const fn new(name: &'static str, labels: &'static [&'static str; LABELS]) -> Self {
        Self(Name { name, labels })
    }

    /// The series with these values of its labels; see [`Counter::of`].
    pub fn of(&self, values: [&str; LABELS]) -> ::metrics::Gauge {
        with_recorder(|recorder| recorder.register_gauge(&self.0.key(values), &METADATA))
    }
}

impl<const LABELS: usize> Histogram<LABELS> {
    /// To be written in a [`metric_table!`](crate::metric_table) only.
    #[must_use]
    pub const fn new(name: &'static str, labels: &'static [&'static str; LABELS]) -> Self {
        Self(Name { name, labels })
    }

    /// The series with these values of its labels; see [`Counter::of`].
    pub fn of(&self, values: [&str; LABELS]) -> ::metrics::Histogram {
        with_recorder(|recorder| recorder.register_histogram(&self.0.key(values), &METADATA))
    }
}
