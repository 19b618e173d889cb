//! Calls `tenantctl::run`; nothing else.

fn main() -> std::process::ExitCode {
    tenantctl::run()
}
