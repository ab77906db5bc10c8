//! The metrics that every role has.

crate::metric_table! {
    BUILD_INFO: Gauge = "tickcast_build_info" ["version", "role"]
        "Always 1; the labels say which version runs in which role";
    READY: Gauge = "tickcast_ready" []
        "1 while /readyz says ready; 0 for a standby";
    QUEUE_DEPTH: Gauge = "tickcast_queue_depth" ["queue"]
        "Entries that wait in a bounded queue";
    QUEUE_CAPACITY: Gauge = "tickcast_queue_capacity" ["queue"]
        "Entries that a queue takes before older ones give way";
    QUEUE_DROPPED: Counter = "tickcast_queue_dropped_total" ["queue"]
        "Entries of a queue that gave way to newer ones or were refused";
    BUS_LINK_LOSSES: Counter = "tickcast_bus_link_losses_total" []
        "Times that the link to the bus was lost";
    BUS_SNAPSHOTS: Counter = "tickcast_bus_snapshots_total" ["result"]
        "Snapshots of the bus's shards: taken or failed";
    BUS_OVERFLOW: Counter = "tickcast_bus_overflow_total" []
        "Messages dropped because the reader's queue was full; the shard is read again";
    BUS_UNDECODABLE: Counter = "tickcast_bus_undecodable_total" ["what"]
        "Things on the bus that could not be read and were skipped";
    BUS_LOST_SHARDS: Gauge = "tickcast_bus_lost_shards" []
        "Shards of a cluster that the writer cannot write at present";
    BUS_UNWRITTEN: Counter = "tickcast_bus_unwritten_total" ["what"]
        "Values and bars not written because their shard was lost";
    CONFIG_RELOADS: Counter = "tickcast_config_reloads_total" ["result"]
        "SIGHUPs served, by what became of them: applied, unchanged or refused";
    CONFIG_LOADED: Gauge = "tickcast_config_loaded_timestamp_seconds" []
        "When the configuration in force was read, since the Unix epoch";
    CONFIG_PENDING: Gauge = "tickcast_config_pending_restart" []
        "Settings that were changed and take effect after a restart";
    SPANS_EXPORTED: Counter = "tickcast_spans_exported_total" []
        "Spans that an OpenTelemetry collector took";
    SPANS_LOST: Counter = "tickcast_spans_lost_total" []
        "Spans that an OpenTelemetry collector did not take";
    PROCESS_CPU: Counter = "process_cpu_seconds_total" []
        "CPU time spent, whole seconds";
    PROCESS_MEMORY: Gauge = "process_resident_memory_bytes" []
        "Resident memory";
    PROCESS_VIRTUAL: Gauge = "process_virtual_memory_bytes" []
        "Virtual memory";
    PROCESS_FDS: Gauge = "process_open_fds" []
        "Open file descriptors";
    PROCESS_MAX_FDS: Gauge = "process_max_fds" []
        "File descriptors that may be open";
    PROCESS_THREADS: Gauge = "process_threads" []
        "Threads";
    PROCESS_START: Gauge = "process_start_time_seconds" []
        "When the process started, since the Unix epoch";
}
