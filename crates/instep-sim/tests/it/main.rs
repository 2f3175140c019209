//! The simulation as the test suite runs it: schedules, kept seeds, planted bugs, and itself.

mod bugs;
mod schedules;
