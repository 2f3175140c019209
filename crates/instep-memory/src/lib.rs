//! Memory that is not needed now, given back to the system. Nothing else is done here: it is the only
//! crate with unsafe code, and stays as small as it is.

mod code;
mod heap;

pub use code::give_back_code;
pub use heap::give_back;
