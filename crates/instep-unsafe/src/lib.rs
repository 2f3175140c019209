//! What the system has no safe way to be asked: memory that is not needed now is given back, and work is
//! done in a process of its own. Nothing else is done here: it is the only crate with unsafe code, and
//! stays as small as it is.

mod child;
mod code;
mod heap;

pub use child::in_child;
pub use code::give_back_code;
pub use heap::give_back;
