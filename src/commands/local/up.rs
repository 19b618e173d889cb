//! `tenantctl local up`.

use crate::cli::LocalUpArgs;
use crate::commands::context::Context;
use crate::output::{Console, Ending, Failure, Progress, render_up};
use crate::services::local::LocalUp;

pub(super) async fn run(args: LocalUpArgs, context: &Context) -> Result<Ending, Failure> {
    let console = context.console();
    let up = bring_up(args, context, console).await?;
    console.show(&render_up(&up, &super::url::masked(&up.endpoint)));
    Ok(None)
}

/// Starts the server and draws its events.
pub(in crate::commands) async fn bring_up(
    args: LocalUpArgs,
    context: &Context,
    console: &Console,
) -> Result<LocalUp, Failure> {
    let (sender, events) = std::sync::mpsc::channel();
    let server = context.local_server()?;
    let on_event = move |event| drop(sender.send(event));
    let progress = Progress::new(console);
    let working = server.up(&on_event, args.install);
    tokio::pin!(working);
    // Only this task draws. The server's tasks send their events through the channel.
    let done = loop {
        tokio::select! {
            done = &mut working => break done,
            () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {}
        }
        for event in events.try_iter() {
            progress.local(&event);
        }
    };
    for event in events.try_iter() {
        progress.local(&event);
    }
    Ok(done?)
}
