//! The story, in order: each step does something, waits until all of it is judged, and tells what came back.

mod afternoon;
mod day_before;
mod later_morning;
mod morning;
mod night;

use crate::cli::Failure;
use crate::cli::demo::stage::Stage;
use crate::client::pb;

/// The strike.
pub(super) const STRIKE: &str = "strikes/bma-2016-04-26";
/// General medicine, where the hole is.
const GENMED: &str = "organisations/WW1/coverGroups/GENMED";

const MINIMUM: &str = "cover.below_minimum";
const RATIO: &str = "ratio.over_limit";

const RAISED: pb::AlertEventType = pb::AlertEventType::Raised;
const RESOLVED: pb::AlertEventType = pb::AlertEventType::Resolved;

/// Both days, until the night between the two windows.
pub(super) async fn play(stage: &mut Stage) -> Result<(), Failure> {
    day_before::registered(stage).await?;
    day_before::announced(stage).await?;
    day_before::planned(stage).await?;
    morning::window_opens(stage).await?;
    morning::double_gap(stage).await?;
    morning::acting_down(stage).await?;
    morning::return_missing(stage).await?;
    morning::hole_closed(stage).await?;
    later_morning::derogation(stage).await?;
    later_morning::cut_and_resumed(stage).await?;
    later_morning::silence(stage).await?;
    afternoon::acknowledged(stage).await?;
    afternoon::rise(stage).await?;
    afternoon::window_closes(stage).await?;
    night::between_the_windows(stage).await?;
    night::situation(stage).await
}
