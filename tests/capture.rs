//! The independent witness: a packet capture of one short run of every transport, plain and over TLS,
//! read by a script of its own, agrees with the books of bytes to the byte.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "tests of the whole program are outside of its clock")]

mod support;

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{assert_all_delivered, assert_books_close, number, pushbench, root, run};

/// Captures that lost packets and are made anew, before the machine counts as unable to.
const ATTEMPTS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(20);

/// The bundled server; killed when this is dropped.
struct Server {
    child: Child,
    plain: u16,
    secure: u16,
}

impl Server {
    fn start() -> Server {
        let mut command = pushbench(&["serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut port = |head: &str| {
            let line = lines.next().unwrap();
            line.strip_prefix(head).and_then(|a| a.rsplit_once(':')).unwrap().1.parse().unwrap()
        };
        let (plain, secure) = (port("listening on "), port("tls "));
        // Whoever writes to a pipe that nobody reads is ended by it: the certificate is read, too.
        lines.find(|line| line.contains("END CERTIFICATE"));
        Server { child, plain, secure }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The scenario with this server as its target.
fn scenario(server: &Server, folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string(root().join("tests/capture/every-transport.toml")).unwrap();
    let target = format!(
        "[target]\nbase = \"http://127.0.0.1:{}\"\nsecure_base = \"https://127.0.0.1:{}\"\n\
         tls = {{ insecure = true }}\n\n[publish]",
        server.plain, server.secure
    );
    let path = folder.join("every-transport.toml");
    std::fs::write(&path, text.replacen("[publish]", &target, 1)).unwrap();
    path
}

/// tcpdump at work; what it says is in a file.
struct Capture {
    child: Child,
    said: PathBuf,
}

impl Capture {
    /// Returns when it listens; headers are enough, and the buffer has room for all of them.
    fn start(server: &Server, to: &Path) -> Capture {
        let said = to.with_extension("log");
        let filter = format!("tcp and (port {} or port {})", server.plain, server.secure);
        let child = Command::new("tcpdump")
            .args(["-i", "lo", "-n", "-B", "65536", "-s", "128", "-U", "-w"])
            .arg(to)
            .arg(filter)
            .stderr(std::fs::File::create(&said).unwrap())
            .spawn()
            .unwrap_or_else(|e| panic!("tcpdump is needed for the capture: {e}"));
        let mut capture = Capture { child, said };
        let since = Instant::now();
        while !capture.said().contains("listening on") {
            let over = capture.child.try_wait().unwrap();
            assert!(over.is_none() && since.elapsed() < PATIENCE, "tcpdump: {}", capture.said());
            std::thread::yield_now();
        }
        capture
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }

    /// Ends it; whether the kernel dropped nothing.
    fn end(mut self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap();
        let said = self.said();
        assert!(said.contains("dropped by kernel"), "tcpdump: {said}");
        said.lines().any(|line| line == "0 packets dropped by kernel")
    }
}

/// Waits until the target has no connection left: what is captured then is all.
fn until_quiet(said: &Capture, file: &Path) {
    let size = || std::fs::metadata(file).unwrap().len();
    let (mut last, mut since) = (size(), Instant::now());
    let begun = Instant::now();
    // tcpdump writes each packet when it gets it: half a second without one.
    while since.elapsed() < Duration::from_millis(500) {
        assert!(begun.elapsed() < PATIENCE, "the port is never quiet: {}", said.said());
        std::thread::yield_now();
        if size() != last {
            (last, since) = (size(), Instant::now());
        }
    }
}

#[test]
fn a_packet_capture_agrees_with_the_books_to_the_byte() {
    for attempt in 1..=ATTEMPTS {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start();
        let (file, out) = (folder.path().join("lo.pcap"), folder.path().join("r"));
        let scenario = scenario(&server, folder.path());
        let capture = Capture::start(&server, &file);
        let ran = run(&out, &[scenario.to_str().unwrap()]);
        until_quiet(&capture, &file);
        if !capture.end() {
            assert!(attempt < ATTEMPTS, "the kernel dropped packets of {ATTEMPTS} captures");
            continue;
        }
        ran.assert_good_or_busy();
        assert_eq!(ran.runs().len(), 14, "{}", ran.stderr);
        ran.runs().iter().for_each(assert_counts_agree);
        let ports = [server.plain.to_string(), server.secure.to_string()];
        let witness = Command::new("python3")
            .arg(root().join("tests/capture/witness.py"))
            .arg(&file)
            .args(ports)
            .arg(out.join("summary.json"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&witness.stdout).into_owned();
        assert!(witness.status.success(), "{told}{}", String::from_utf8_lossy(&witness.stderr));
        let seen: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
        // Four subscribers a run, and at least one connection of the publishers.
        assert!(number(&seen, "/connections") >= 14 * 5, "{told}");
        return;
    }
}

/// The three counts of pushbench's own.
fn assert_counts_agree(run: &Value) {
    let case = &run["case"];
    assert_all_delivered(run);
    assert_books_close(run);
    let layer = |key: &str| number(run, &format!("/layers/{key}"));
    assert!(layer("payload_bytes") > 0, "{case}");
    assert!(layer("payload_bytes") < layer("message_bytes"), "{case}");
    assert!(layer("stream_bytes") < layer("wire_bytes"), "{case}");
    let secure = case.as_str().unwrap().ends_with("TLS");
    assert_eq!(layer("message_bytes") < layer("stream_bytes"), secure, "{case}");
}
