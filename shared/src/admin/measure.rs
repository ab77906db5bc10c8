//! What is measured when somebody asks for `/metrics`, rather than when it happens.

use super::Admin;
use crate::metric::{process, table};

/// Brings these metrics up to date. May block for a moment; see [`process::measure`].
pub(super) fn measure(admin: &Admin) {
    table::BUILD_INFO.of([admin.version, admin.role]).set(1.0);
    table::READY.of([]).set(f64::from(u8::from(admin.readiness.is_ready())));
    for queue in admin.queues.rows() {
        table::QUEUE_DEPTH.of([&queue.name]).set(queue.depth as f64);
        table::QUEUE_CAPACITY.of([&queue.name]).set(queue.capacity as f64);
        table::QUEUE_DROPPED.of([&queue.name]).absolute(queue.dropped);
    }
    process::measure();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::{Queues, Readiness};
    use metrics_exporter_prometheus::PrometheusBuilder;
    use std::time::{Duration, Instant};

    /// A whole number that a line of the text gives.
    fn value(text: &str, series: &str) -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} in {text}")).parse().unwrap()
    }

    #[test]
    fn tells_the_build_the_queues_and_the_process() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let admin = Admin {
            role: "feed",
            version: "1.2.3",
            started: Instant::now(),
            readiness: Readiness::default(),
            queues: Queues::default(),
            metrics: recorder.handle(),
            configured: crate::admin::Configured::default(),
        };
        let outbox = admin.queues.register("outbox", 8);
        outbox.set_depth(3);
        outbox.add_dropped(2);
        ::metrics::with_local_recorder(&recorder, || measure(&admin));
        let text = admin.metrics.render();
        assert_eq!(value(&text, r#"tickcast_build_info{version="1.2.3",role="feed"}"#), 1);
        assert_eq!(value(&text, "tickcast_ready"), 0);
        assert_eq!(value(&text, r#"tickcast_queue_depth{queue="outbox"}"#), 3);
        assert_eq!(value(&text, r#"tickcast_queue_capacity{queue="outbox"}"#), 8);
        assert_eq!(value(&text, r#"tickcast_queue_dropped_total{queue="outbox"}"#), 2);
        assert!(value(&text, "process_resident_memory_bytes") > 1 << 20, "{text}");
        let (open, most) = (value(&text, "process_open_fds"), value(&text, "process_max_fds"));
        assert!((3..=most).contains(&open), "{open} of {most}");
        assert!(value(&text, "process_start_time_seconds") > 1_700_000_000);

        outbox.set_depth(0);
        admin.readiness.set(true);
        ::metrics::with_local_recorder(&recorder, || measure(&admin));
        let text = admin.metrics.render();
        assert_eq!(value(&text, r#"tickcast_queue_depth{queue="outbox"}"#), 0);
        assert_eq!(value(&text, r#"tickcast_queue_dropped_total{queue="outbox"}"#), 2, "a total");
        assert_eq!(value(&text, "tickcast_ready"), 1);
    }

    /// It is told in whole seconds, so one has to be used.
    #[test]
    fn tells_the_cpu_time() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let began = Instant::now();
        let told = loop {
            ::metrics::with_local_recorder(&recorder, process::measure);
            let told = value(&recorder.handle().render(), "process_cpu_seconds_total");
            if told > 0 {
                break told;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "no CPU time is told");
        };
        assert!(told < 3600, "{told} s");
    }
}
