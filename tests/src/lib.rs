//! The workspace's tests: one test binary over the real server (`it/`), and the bench (`src/bin/bench/`).

pub mod attacks;
