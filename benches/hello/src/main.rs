//! A hello-world with clap and tokio: the floor that `tenantctl --version` is measured against.

use clap::Parser;

#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Whom to greet
    #[arg(long, default_value = "world")]
    name: String,
}

fn main() -> std::io::Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async { println!("hello {}", cli.name) });
    Ok(())
}
