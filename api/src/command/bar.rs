//! Progress bars, on standard error; silent where nobody looks.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts to `total`, with rate and what is left.
pub(super) fn counting(total: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = "{msg:20} [{bar:40}] {human_pos}/{human_len} {per_sec:>14} {eta:>5} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what);
    bar
}
