#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushbench_fuzz::rules(data));
