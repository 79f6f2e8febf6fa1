//! What reading itself costs.

use crate::python::{Python, free_port};
use pushbench::clock::thread_cpu;
use pushbench::model::Nanos;
use pushbench::probe::{Depth, PortProbe, Probe};

const PROCESSES: u32 = 50;

/// Sleeps, with 49 children that sleep.
const SLEEPERS: &str = r"
import os, sys, time
pids, parent = [], os.getpid()
for _ in range(49):
    pid = os.fork()
    if pid == 0:
        while os.getppid() == parent: time.sleep(0.5)
        os._exit(0)
    pids.append(pid)
print(len(pids), flush=True)
sys.stdin.read()
for pid in pids: os.kill(pid, 9)
";

#[test]
fn reading_fifty_processes_once_a_second_takes_little() {
    let mut python = Python::start(SLEEPERS, &[]);
    python.line();
    let mut probe = PortProbe::new(free_port(), Some(python.pid()));
    assert_eq!(probe.read(Depth::Thorough).unwrap().processes, PROCESSES);
    let mut cost_of = |depth, times: u64| {
        let before = thread_cpu();
        (0..times).for_each(|_| assert_eq!(probe.read(depth).unwrap().processes, PROCESSES));
        Nanos((thread_cpu() - before).0 / times)
    };
    let (light, full, thorough) =
        (cost_of(Depth::Light, 40), cost_of(Depth::Full, 5), cost_of(Depth::Thorough, 3));
    // Nine light ones and a full one in ten seconds.
    let share = (light * 9 + full).as_secs_f64() / 10.0;
    eprintln!(
        "{PROCESSES} processes: light {light}, full {full}, thorough {thorough}: {:.3} % of a core",
        share * 100.0
    );
    // The limit is 0.5 %; a debug build on a busy machine gets ten times that.
    assert!(share < 0.05, "reading takes {:.2} % of a core", share * 100.0);
}
