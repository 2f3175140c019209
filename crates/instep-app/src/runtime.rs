//! Time and chance as this process has them: the seams that the engine is driven through.

use std::time::Duration;

use instep_engine::{Clock, Rng};
use instep_model::Timestamp;
use uuid::Uuid;

/// The computer's clock, and waiting on the runtime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// The system's randomness.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemRng;

impl Rng for SystemRng {
    fn next_u64(&self) -> u64 {
        // The low half of such an id is random but for two bits.
        Uuid::new_v4().as_u64_pair().0.rotate_left(20) ^ Uuid::new_v4().as_u64_pair().1
    }
}
