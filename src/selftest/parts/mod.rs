//! The parts: one file each, and what several of them share.

mod floor;
pub(super) mod t1;
pub(super) mod t10;
pub(super) mod t2;
pub(super) mod t3;
pub(super) mod t4;
pub(super) mod t5;
pub(super) mod t6;
pub(super) mod t7;
pub(super) mod t8;
pub(super) mod t9;
mod units;
