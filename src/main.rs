//! The thin binary: parse, call, map the error to an exit code.

fn main() -> std::process::ExitCode {
    pushbench::cli::main()
}
