//! `pushbench try` and what it says when it cannot: through the whole program.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(clippy::disallowed_methods, reason = "tests of the whole program are outside of its clock")]

use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SCENARIO: &str = "title = \"t?\"\n[publish]\nhttp = { post = \"/pub/${channel}\" }\nrate = \"1/s\"\n\
                        [load]\nclients = 1\n[[case]]\nname = \"c\"\nwebsocket = { path = \"/ws/${channel}\" }\n";

fn pushbench() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pushbench"))
}

/// `try` of a file with this text.
fn tried(name: &str, text: &str, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), text).unwrap();
    pushbench().current_dir(dir.path()).arg("try").arg(name).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_time_that_is_none_is_a_fault_of_usage() {
    let output = tried("a.toml", SCENARIO, &["--for", "0s"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--for \"0s\" is no time"), "{}", stderr(&output));
}

#[test]
fn a_preset_is_told_as_one_and_what_is_shown_for_it_is_a_good_scenario() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let part = readme.split("## Adding a dialect").nth(1).unwrap();
    let mine = part.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let output = tried("mine.toml", mine, &[]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("is a preset") && told.contains("\"./mine.toml#websocket\""), "{told}");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.toml"), mine).unwrap();
    let scenario = &told[told.find("title = ").unwrap()..];
    std::fs::write(dir.path().join("try.toml"), scenario).unwrap();
    let checked =
        pushbench().current_dir(dir.path()).args(["check", "try.toml", "mine.toml"]).output().unwrap();
    assert!(checked.status.success(), "{}\n{scenario}", stderr(&checked));
}

#[test]
fn a_reader_that_goes_away_ends_the_trial() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.toml"), SCENARIO).unwrap();
    let mut child = pushbench()
        .current_dir(dir.path())
        .args(["try", "a.toml", "--for", "10min"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 16]).unwrap();
    drop(stdout);
    let deadline = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it goes on for nobody");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
