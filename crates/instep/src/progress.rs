//! A progress bar on stderr for a sync that has much to carry. Quiet rounds never show one.

use indicatif::{ProgressBar, ProgressStyle};
use instep_api::socket::Progress;

/// Fewer writes than this are over before a bar is read.
const WORTH_A_BAR: usize = 50;

/// The bar, once there is something to show.
pub(crate) struct Bar {
    wanted: bool,
    bar: Option<ProgressBar>,
}

impl Bar {
    /// A bar that appears when it is worth it, if it is `wanted` at all.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted, bar: None }
    }

    /// Shows how far an account has come.
    pub(crate) fn show(&mut self, progress: &Progress) {
        let Some(total) = progress
            .total
            .filter(|total| self.wanted && *total >= WORTH_A_BAR)
        else {
            return;
        };
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg:12} {wide_bar} {pos}/{len} {eta}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style)
        });
        bar.set_message(progress.account.clone());
        bar.set_length(total as u64);
        bar.set_position(progress.done as u64);
    }

    /// Takes the bar off the screen.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
