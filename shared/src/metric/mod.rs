//! Metrics as declared values: what stands in no table cannot be counted.
//!
//! Each crate declares its own with [`metric_table!`](crate::metric_table) in one place. From the
//! tables come the descriptions and buckets of `/metrics` and the document for operators.

mod declared;
pub mod process;
mod row;
pub mod table;

pub use ::metrics::{Counter as CounterSeries, Gauge as GaugeSeries, Histogram as HistogramSeries};
pub use declared::{Counter, Gauge, Histogram};
pub use row::{FAST, Kind, Row, WAYS, describe};

/// Declares metrics as constants of the crate, and `TABLE`, the list of all of them in the order
/// in which they are shown. A list apart from the constants could lack one.
///
/// `NAME: Counter = "tickcast_..._total" ["label"] "What it tells";` or `Gauge`, or
/// `Histogram(BUCKETS)`.
#[macro_export]
macro_rules! metric_table {
    ($($constant:ident: $kind:ident $(($buckets:expr))? =
        $name:literal [$($label:literal),*] $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub(crate) const $constant: $crate::metric::$kind<{ <[&str]>::len(&[$($label),*]) }> =
                $crate::metric::$kind::new($name, &[$($label),*]);
        )*

        /// Every metric declared here.
        pub const TABLE: &[$crate::metric::Row] = &[$(
            $crate::metric::Row {
                name: $name,
                kind: $crate::metric::Kind::$kind $(($buckets))?,
                labels: &[$($label),*],
                meaning: $meaning,
            },
        )*];
    };
}
