//! Replicas come and go under load, and nobody loses or doubles anything.

use std::time::Duration;

use tokio::time::sleep;

use super::cluster::Cluster;
use super::history::{Trouble, now};
use super::nemesis::Done;
use super::run::{judge, recorded};

/// Each replica in turn is asked to end and starts again, twice: an update, and its way back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_p5_a_rolling_restart_under_load_loses_and_doubles_nothing() {
    let Some(mut cluster) = Cluster::postgres(3).await else { return };
    let disturb = async |cluster: &mut Cluster, _: &mut fastrand::Rng| {
        let mut done = Done::default();
        for replica in [0, 1, 2, 0, 1, 2] {
            sleep(Duration::from_secs(1)).await;
            let from = now();
            let well = cluster.drain(replica).await;
            cluster.start(replica);
            done.drains.push((replica, from, well));
            let kind = "a replica was drained";
            done.troubles.push(Trouble { kind, from, to: now(), replica: Some(replica), storage_down: None });
            *done.counts.entry(kind).or_default() += 1;
        }
        done
    };
    let (history, done) = recorded(&mut cluster, 3, disturb).await;
    judge("a rolling restart of three replicas", &history, &done);
    let moved = history.listened.iter().flat_map(|l| l.streams.windows(2));
    let resumed = moved.filter(|pair| pair[1].after.is_some() && pair[0].replica != pair[1].replica).count();
    assert!(resumed > 0, "somebody resumed on another replica");
}

/// Two replicas judge the same wards and the same cover group all the time, and both sweep: etags decide, nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_two_replicas_that_judge_the_same_subjects_at_once_agree() {
    let Some(mut cluster) = Cluster::postgres(2).await else { return };
    let disturb = async |_: &mut Cluster, _: &mut fastrand::Rng| {
        sleep(Duration::from_secs(8)).await;
        Done::default()
    };
    let (history, done) = recorded(&mut cluster, 4, disturb).await;
    judge("two replicas at once", &history, &done);
    let primary = &cluster.shared().primary;
    assert!(!primary.logged().contains("deadlock detected"), "40P01 cannot happen: {}", primary.logged());
}
