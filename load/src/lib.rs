//! The other side of every test: simulated venues, swarms of clients, benchmarks.
