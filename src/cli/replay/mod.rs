mod input;
pub(crate) mod rows;

use std::io::IsTerminal;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::tally::Tally;
use super::{Failure, Session};
use crate::client::{Receipts, ReportSender, Shift};
use crate::clock::{SharedClock, SystemClock};
use input::Input;
use rows::Row;

/// Rows parsed ahead of the network.
const AHEAD: usize = 4_096;

/// Stream reports.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// NDJSON (one StaffingReport a line, protobuf JSON mapping) or CSV, by its ending or its first line; - for stdin,
    /// which is sent as it comes.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Send at most this many reports a second.
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// Move all times so that the last observed time is now, and derive new ids from the old ids and the shift. Needs a
    /// file, which is read twice.
    #[arg(long)]
    shift_to_now: bool,
}

/// What the two directions of the stream share.
struct Run {
    file: String,
    tally: Mutex<Tally>,
    progress: ProgressBar,
}

impl Replay {
    pub(super) async fn run(self, mut session: Session) -> Result<(), Failure> {
        let input = Input::new(&self.file)?;
        if self.shift_to_now && input.is_stdin() {
            let why = "--shift-to-now must know the last time before it sends the first report: give a file, not stdin";
            return Err(Failure::usage(why));
        }
        let client = session.connect().await?;
        let shift = if self.shift_to_now { shift_to_now(&input)? } else { None };
        let run = Run { file: input.name(), tally: Mutex::default(), progress: progress(&input) };
        let (sender, receipts) = client.report();
        let start = Instant::now();
        let send = async { Ok(run.send(read_ahead(input, shift), sender, self.rate).await) };
        // When the input fails, what was sent still gets its receipts; when the service fails, nothing more is sent.
        let ended = tokio::try_join!(send, run.receive(receipts)).and_then(|(sent, ())| sent);
        run.progress.finish_and_clear();
        let (tally, elapsed) = (run.into_tally(), start.elapsed());
        if ended.is_ok() || tally.reports() > 0 {
            let json = session.output.is_json();
            session.output.line(&if json { tally.json(elapsed) } else { tally.text(elapsed) })?;
            session.output.flush()?;
        }
        ended?;
        // Each rejection has been named on stderr when it came.
        if tally.rejected > 0 { Err(Failure::rejected("")) } else { Ok(()) }
    }
}

impl Run {
    async fn send(
        &self,
        mut rows: mpsc::Receiver<Result<Row, Failure>>,
        sender: ReportSender<u64>,
        rate: Option<NonZeroU32>,
    ) -> Result<(), Failure> {
        let mut pace = rate.map(Pace::new);
        while let Some(row) = rows.recv().await {
            let row = row?;
            self.progress.set_position(row.offset);
            match row.report {
                Ok(report) => {
                    if let Some(pace) = &mut pace {
                        pace.wait().await;
                    }
                    // Closed: the receipts say why.
                    if sender.send(row.line, report).await.is_err() {
                        break;
                    }
                }
                Err(why) => {
                    self.say(row.line, &why);
                    self.with_tally(|tally| tally.reject("UNREADABLE"));
                }
            }
        }
        Ok(())
    }

    async fn receive(&self, mut receipts: Receipts<u64>) -> Result<(), Failure> {
        while let Some(receipt) = receipts.next().await {
            let (line, receipt) = receipt?;
            if let Some(why) = self.with_tally(|tally| tally.count(&receipt)) {
                self.say(line, &why);
            }
        }
        Ok(())
    }

    /// On stderr, above the progress bar if there is one.
    fn say(&self, line: u64, why: &str) {
        use std::io::Write as _;
        self.progress.suspend(|| {
            // With stderr gone, the exit code still tells.
            let _ = writeln!(std::io::stderr(), "{}:{line}: {why}", self.file);
        });
    }

    fn with_tally<R>(&self, act: impl FnOnce(&mut Tally) -> R) -> R {
        act(&mut self.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn into_tally(self) -> Tally {
        self.tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The shift that takes the last observed time in the file to now, to the whole microsecond.
fn shift_to_now(input: &Input) -> Result<Option<Shift>, Failure> {
    let last = input::last_observed(input)?;
    let clock: SharedClock = std::sync::Arc::new(SystemClock::default());
    Ok(last.map(|last| Shift::between(last, clock.now().as_micros())))
}

/// Parses on a thread of its own: parsing is work, and reading stdin may block for ever, even at the end of the
/// process.
fn read_ahead(input: Input, shift: Option<Shift>) -> mpsc::Receiver<Result<Row, Failure>> {
    let (rows, receiver) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        let read = input::read(&input, |mut row| {
            if let (Ok(report), Some(shift)) = (&mut row.report, shift) {
                shift.apply(report);
            }
            rows.blocking_send(Ok(row)).is_ok()
        });
        if let Err(failure) = read {
            let _ = rows.blocking_send(Err(failure));
        }
    });
    receiver
}

fn progress(input: &Input) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let form = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}";
    match input.bytes() {
        Some(bytes) => {
            let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::with_draw_target(Some(bytes), target).with_style(style)
        }
        None => ProgressBar::hidden(),
    }
}

/// Spreads reports evenly: the n-th goes n / rate after the first, so that a late one does not slow those after it.
struct Pace {
    first: Instant,
    sent: u64,
    rate: NonZeroU32,
}

impl Pace {
    fn new(rate: NonZeroU32) -> Self {
        Self { first: Instant::now(), sent: 0, rate }
    }

    async fn wait(&mut self) {
        sleep_until(self.first + self.due()).await;
        self.sent += 1;
    }

    fn due(&self) -> Duration {
        Duration::from_micros(self.sent.saturating_mul(1_000_000) / u64::from(self.rate.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_spread_evenly() {
        let pace = |sent| Pace { first: Instant::now(), sent, rate: NonZeroU32::new(400).unwrap() }.due();
        assert_eq!(
            (pace(0), pace(1), pace(400)),
            (Duration::ZERO, Duration::from_micros(2_500), Duration::from_secs(1))
        );
    }
}
