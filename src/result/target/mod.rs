//! What the target paid, beyond the figures of `target_cost` itself. Keys of `summary.json`.

mod cpu;
mod group;
mod memory;
mod network;

pub use cpu::TargetCpu;
pub use group::TargetGroup;
pub use memory::TargetMemory;
pub use network::TargetNetwork;
