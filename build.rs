//! Puts the commit into the binary, so that every result can name the build that made it.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/refs/heads");
    let described = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output();
    if let Ok(output) = described
        && output.status.success()
    {
        println!("cargo::rustc-env=PUSHBENCH_COMMIT={}", String::from_utf8_lossy(&output.stdout).trim());
    }
}
