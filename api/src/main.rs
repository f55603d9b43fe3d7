//! The one binary of Chama (茶马).

use std::process::ExitCode;

/// Gives memory back to the system after an import or a reindex.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    api::command::run()
}
