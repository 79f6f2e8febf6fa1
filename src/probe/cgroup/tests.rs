use super::*;
use crate::model::GroupCost;

fn fixture(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cgroup").join(folder);
    assert!(path.is_dir(), "{}", path.display());
    Some(path)
}

fn copied(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_group_of_version_2() {
    let folders = Folders { unified: fixture("v2"), ..Folders::default() };
    let want = GroupCost {
        cpu_ns_total: Some(7_531_246_000),
        user_ns_total: Some(5_012_345_000),
        system_ns_total: Some(2_518_901_000),
        throttled_ns_total: Some(40_000_000),
        memory_bytes: Some(104_857_600),
        memory_peak_bytes: Some(209_715_200),
        anonymous_bytes: Some(52_428_800),
        file_bytes: Some(31_457_280),
        kernel_bytes: Some(20_971_520),
        socket_bytes: Some(4_194_304),
        swap_bytes: Some(8_192),
        tasks: Some(5),
        cpu_pressure_ns_total: Some(123_456_000),
        memory_pressure_ns_total: Some(0),
        io_pressure_ns_total: Some(777_000),
    };
    assert_eq!(GroupReader::new(folders.clone()).read(), Some(want));
    assert_eq!(folders.members(), [4101, 4102, 4103].into(), "the group below it too");
    assert!(!folders.hold_all_of(&[4101, 4102, 4103].into()), "there is a 0: somebody who is not seen");
}

#[test]
fn a_group_of_version_1() {
    let folders = Folders {
        cpuacct: fixture("v1/cpuacct"),
        cpu: fixture("v1/cpu"),
        memory: fixture("v1/memory"),
        pids: fixture("v1/pids"),
        ..Folders::default()
    };
    let want = GroupCost {
        cpu_ns_total: Some(7_531_246_001),
        user_ns_total: Some(5_012_345_002),
        system_ns_total: Some(2_518_901_003),
        throttled_ns_total: Some(40_000_004),
        memory_bytes: Some(104_857_600),
        memory_peak_bytes: Some(209_715_200),
        anonymous_bytes: Some(52_428_800),
        file_bytes: Some(31_457_280),
        kernel_bytes: Some(20_971_520),
        socket_bytes: Some(4_194_304),
        swap_bytes: Some(8_192),
        tasks: Some(5),
        ..GroupCost::default()
    };
    assert_eq!(GroupReader::new(folders).read(), Some(want));
}

#[test]
fn an_old_version_1_tells_the_split_in_ticks() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cpuacct.stat"), "user 30\nsystem 7\n").unwrap();
    let folders = Folders { cpuacct: Some(folder.path().to_owned()), ..Folders::default() };
    let read = GroupReader::new(folders).read().unwrap();
    let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
    assert_eq!((read.user_ns_total, read.system_ns_total), (Some(30 * tick), Some(7 * tick)));
}

#[test]
fn controllers_of_both_versions_complete_each_other() {
    // As on a hybrid machine: version 2 tells CPU time, memory is in version 1.
    let cpu = tempfile::tempdir().unwrap();
    fs::write(cpu.path().join("cpu.stat"), "usage_usec 9\nuser_usec 5\nsystem_usec 4\n").unwrap();
    let unified = Some(cpu.path().to_owned());
    let folders = Folders {
        unified,
        memory: fixture("v1/memory"),
        cpuacct: fixture("v1/cpuacct"),
        ..Folders::default()
    };
    let read = GroupReader::new(folders).read().unwrap();
    assert_eq!((read.cpu_ns_total, read.user_ns_total), (Some(9_000), Some(5_000)));
    assert_eq!((read.memory_bytes, read.throttled_ns_total), (Some(104_857_600), None));
}

#[test]
fn a_group_made_anew_keeps_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    copied(&fixture("v2").unwrap().join("below"), folder.path());
    let write = |us: u64| fs::write(folder.path().join("cpu.stat"), format!("usage_usec {us}\n")).unwrap();
    let mut reader =
        GroupReader::new(Folders { unified: Some(folder.path().to_owned()), ..Folders::default() });
    let mut read = |us| {
        write(us);
        reader.read().unwrap().cpu_ns_total
    };
    assert_eq!(
        (read(100), read(250), read(30), read(40)),
        (Some(100_000), Some(250_000), Some(280_000), Some(290_000))
    );
    assert!(reader.began_anew());
    drop(folder);
    assert_eq!(reader.read(), None, "it is gone");
}

#[test]
fn a_group_whose_members_are_not_seen_is_nobodys() {
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders { memory: Some(folder.path().to_owned()), ..Folders::default() };
    let held = |procs: &str| {
        fs::write(folder.path().join("cgroup.procs"), procs).unwrap();
        folders.hold_all_of(&[7, 8].into())
    };
    assert!(held("7\n8\n"));
    assert!(!held("7\n8\n9\n"), "somebody else is in it");
    assert!(!held("7\n"), "one of them is elsewhere");
    assert!(!held("") && !held("0\n0\n") && !held("7\n8\n0\n"), "0 is of another pid namespace");
    fs::create_dir(folder.path().join("below")).unwrap();
    fs::write(folder.path().join("below/cgroup.procs"), "0\n").unwrap();
    assert!(!held("7\n8\n"), "below it too");
    assert!(!Folders::default().hold_all_of(&[].into()), "no folder holds nobody");
}

#[test]
fn a_group_that_comes_back_in_other_folders_counts_on() {
    let here = tempfile::tempdir().unwrap();
    let write = |name: &str, file: &str, text: String| {
        fs::create_dir_all(here.path().join(name)).unwrap();
        fs::write(here.path().join(name).join(file), text).unwrap();
        Some(here.path().join(name))
    };
    let unified = |name: &str, us: u64| write(name, "cpu.stat", format!("usage_usec {us}\n"));
    let old = |ns: u64| write("cpuacct", "cpuacct.usage", format!("{ns}\n"));
    let systemd = write("systemd", "cgroup.procs", String::new());
    let cpu = |reader: &mut GroupReader| reader.read().and_then(|cost| cost.cpu_ns_total);

    let whole = Folders { unified: unified("a", 100), systemd: systemd.clone(), ..Folders::default() };
    let mut reader = GroupReader::new(whole.clone());
    assert_eq!(cpu(&mut reader), Some(100_000));
    // Made anew, one hierarchy first: it tells nothing, and nothing is forgotten.
    reader.follow(Folders { systemd, ..Folders::default() });
    assert_eq!((cpu(&mut reader), reader.began_anew()), (None, false));
    reader.follow(whole);
    unified("a", 30);
    assert_eq!((cpu(&mut reader), reader.began_anew()), (Some(130_000), true));
    // Elsewhere: whatever it tells is beside what was told.
    reader.follow(Folders { unified: unified("b", 500), ..Folders::default() });
    assert_eq!(cpu(&mut reader), Some(630_000));

    // Only found in one more hierarchy, which counted the same and is a little behind: nothing went back.
    let first = Folders { cpuacct: old(90_000), ..Folders::default() };
    let mut reader = GroupReader::new(first.clone());
    assert_eq!(cpu(&mut reader), Some(90_000));
    reader.follow(Folders { unified: unified("c", 89), ..first });
    assert_eq!((cpu(&mut reader), reader.began_anew()), (Some(90_000), false));
    unified("c", 99);
    assert_eq!((cpu(&mut reader), reader.began_anew()), (Some(100_000), false));
}

#[test]
fn mounts_are_found_and_paths_told() {
    let here = tempfile::tempdir().unwrap();
    let base = here.path().display().to_string();
    let group = "system.slice/system-web.slice/web@1.service";
    for hierarchy in ["unified", "memory", "systemd"] {
        fs::create_dir_all(here.path().join(hierarchy).join(group)).unwrap();
    }
    let text = format!(
        "23 1 0:20 / / rw - ext4 /dev/vda rw\n\
         41 31 0:38 / {base}/unified rw,relatime - cgroup2 cgroup2 rw\n\
         33 31 0:30 / {base}/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
         35 31 0:32 /docker {base}/memory rw - cgroup cgroup rw,memory\n\
         40 31 0:37 / {base}/systemd rw - cgroup cgroup rw,name=systemd\n"
    );
    let mounts = Mounts::parse(&text);
    assert_eq!(mounts.unit("web@1"), Some(format!("/{group}")));
    assert_eq!(mounts.unit("web@2"), None);
    assert_eq!(mounts.path(&format!("{base}/unified/a/b/")), "/a/b");
    assert_eq!(mounts.path("a/b"), "/a/b");
    // The mount shows what is below `/docker`: the folder there is the group /docker/...
    let written = format!("{base}/memory/{group}");
    assert_eq!(mounts.path(&written), format!("/docker/{group}"));
    assert_eq!(mounts.path(&format!("{base}/memory/")), "/docker");
    let seen = Folders::of_path(&mounts, &mounts.path(&written));
    assert_eq!(seen.memory, Some(PathBuf::from(written)));
    let folders = Folders::of_path(&mounts, &format!("/{group}"));
    assert_eq!(folders.unified, Some(here.path().join("unified").join(group)));
    assert_eq!((folders.memory, folders.cpuacct), (None, None), "outside of what is seen; not there");
    let process = format!("4:memory:/docker/{group}\n0::/{group}\n9:name=systemd:/\n");
    let folders = Folders::of_process(&mounts, &process, "0::/other\n");
    assert_eq!(folders.memory, Some(here.path().join("memory").join(group)));
    assert_eq!(folders.unified, Some(here.path().join("unified").join(group)));
    let shared = Folders::of_process(&mounts, &process, &process);
    assert!(shared.is_none(), "what we are in ourselves is not the target's");
}
