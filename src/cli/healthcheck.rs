use super::{Failure, Session};

/// Whether the service says that it serves.
pub(super) async fn run(mut session: Session) -> Result<(), Failure> {
    let serving = session.connect().await?.is_serving().await?;
    let word = if serving { "SERVING" } else { "NOT_SERVING" };
    let json = session.output.is_json();
    session.output.line(&if json { serde_json::json!({"status": word}).to_string() } else { word.to_owned() })?;
    session.output.flush()?;
    if serving { Ok(()) } else { Err(Failure::failed(format!("{} does not serve", session.target.url))) }
}
