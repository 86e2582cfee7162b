use futures_util::StreamExt;
use tokio::{
    io::AsyncRead,
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::codec::FramedRead;
use tribune_cli::print_message;
use tribune_protocol::{Line, LineDecoder, Name, text::quote};

use crate::{action_lines::LineSyntax, outbox::QueuedAction, repeat_filter::RepeatFilter};

/// The longest line of standard input, in bytes.
const MAX_LINE: usize = 64 << 10;

/// Sends the actions of the lines of `input`, which is not a terminal, until its end. Lines wait until
/// their `syntax` is known.
pub async fn send_lines(
    input: impl AsyncRead + Unpin,
    name: Name,
    mut syntax: watch::Receiver<Option<LineSyntax>>,
    actions: mpsc::Sender<QueuedAction>,
) {
    let mut lines = FramedRead::new(input, LineDecoder::new(MAX_LINE));
    let mut refused = RepeatFilter::default();
    // An error ends the input too.
    while let Some(Ok(line)) = lines.next().await {
        // A line that waits takes a place in the queue, which is not empty then.
        let Ok(permit) = actions.reserve().await else { return };
        let Ok(known) = syntax.wait_for(Option::is_some).await.map(|known| *known) else { return };
        let parsed = match line {
            Line::Whole(line) | Line::Unfinished(line) => known
                .expect("it was waited for")
                .parse(&line, &name)
                .map_err(|error| error.to_string()),
            Line::Cut(line) => Err(format!(
                "invalid line that starts with {}: it is longer than {MAX_LINE} bytes",
                quote(&line[..20])
            )),
        };
        match parsed {
            Ok(parsed) => {
                let mut parsed = parsed.into_iter().map(QueuedAction::without_expiry);
                if let Some(first) = parsed.next() {
                    permit.send(first);
                }
                for action in parsed {
                    if actions.send(action).await.is_err() {
                        return;
                    }
                }
            }
            Err(message) => {
                refused.filter("line", message, Instant::now()).into_iter().for_each(print_message);
            }
        }
    }
    refused.take_summary(Instant::now()).into_iter().for_each(print_message);
}
