//! What tests that run the whole program share.

#![expect(unreachable_pub, reason = "shared by several test programs")]
#![expect(clippy::unwrap_used, reason = "test support: a panic is how a test fails")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `pushbench` with these arguments, not yet started, in the repository's folder.
pub fn pushbench(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushbench"));
    command.args(args).current_dir(root()).env("NO_COLOR", "1").stdin(Stdio::null());
    // What this machine remembers of selftests is none of a test's.
    command.env("PUSHBENCH_SELFTEST_FILE", "/nonexistent/selftest.json");
    command
}

/// A finished run.
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// `summary.json`; `null` when there is none.
    pub summary: Value,
    /// Everything it wrote to stderr.
    pub stderr: String,
    /// Everything it wrote to stdout.
    pub stdout: String,
}

/// Runs `pushbench run ARGS --out OUT` and reads what it wrote.
pub fn run(out: &Path, args: &[&str]) -> Ran {
    let out_text = out.to_str().unwrap();
    let args = [&["run"], args, &["--out", out_text]].concat();
    ran(out, pushbench(&args).output().unwrap())
}

/// What a finished process left.
pub fn ran(out: &Path, output: Output) -> Ran {
    let summary = std::fs::read(out.join("summary.json")).ok();
    Ran {
        code: output.status.code().unwrap_or(-1),
        summary: summary.map_or(Value::Null, |s| serde_json::from_slice(&s).unwrap()),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}

impl Ran {
    /// The runs of the summary; fails with what the program said when there are none.
    pub fn runs(&self) -> &[Value] {
        match self.summary["runs"].as_array() {
            Some(runs) => runs,
            None => panic!("exit code {}, no summary; stderr:\n{}", self.code, self.stderr),
        }
    }

    /// Good, or invalid because this machine was too busy to keep time: never another failure.
    pub fn assert_good_or_busy(&self) {
        assert!(
            [0, 11].contains(&self.code),
            "exit code {}; stderr:\n{}\n{}",
            self.code,
            self.stderr,
            self.stdout
        );
    }
}

/// A whole number of a run.
pub fn number(run: &Value, pointer: &str) -> u64 {
    run.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {pointer} in {run:#}"))
}

/// Lost nothing, doubled nothing, and every client got every message of its channel.
pub fn assert_all_delivered(run: &Value) {
    let case = &run["case"];
    assert_eq!(number(run, "/ledger/lost"), 0, "{case}: {run:#}");
    assert_eq!(number(run, "/ledger/duplicate"), 0, "{case}");
    assert_eq!(number(run, "/publish_failed"), 0, "{case}: {:#}", run["failures"]);
    let (clients, channels) = (number(run, "/clients"), number(run, "/channels"));
    assert_eq!(clients % channels, 0, "the scenario spreads its clients evenly");
    let expected = number(run, "/published") * clients / channels;
    assert_eq!(number(run, "/ledger/expected"), expected, "{case}");
    assert_eq!(number(run, "/ledger/delivered"), expected, "{case}");
    assert_eq!(number(run, "/delivery/count"), expected, "{case}: the histogram holds what the ledger holds");
    assert!(expected > 0, "{case}: something was published");
}

/// Every operation that began is finished, failed or open; bytes add up, and are the kernel's.
pub fn assert_books_close(run: &Value) {
    for (kind, o) in run["operations"].as_object().unwrap() {
        let n = |key: &str| o[key].as_u64().unwrap();
        assert_eq!(n("started"), n("finished") + n("failed") + n("open"), "{kind} of {}: {o:#}", run["case"]);
    }
    let b = |key: &str| number(run, &format!("/bytes/{key}"));
    let parts = b("payload") + b("framing") + b("headers") + b("tls") + b("handshake_measured");
    assert_eq!(
        parts,
        b("wire_in") + b("wire_out") + b("saved"),
        "bytes of {}: {:#}",
        run["case"],
        run["bytes"]
    );
    assert_kernel_agrees(run);
}

/// The books of bytes, the sockets and the kernel tell the same of every connection of the whole run.
pub fn assert_kernel_agrees(run: &Value) {
    let check = &run["byte_check"];
    for key in ["ledger_difference_bytes", "kernel_difference_bytes", "unknown_connections"] {
        assert_eq!(check[key].as_u64(), Some(0), "{key} of {}: {check:#}", run["case"]);
    }
    assert!(check["connections"].as_u64() > Some(0), "{}: {check:#}", run["case"]);
}
