//! Everything at once: one thing after another breaks while the hospital goes on; then every promise is checked.
//! `tests/faults` runs it for longer.

use std::time::Duration;

use super::cluster::{Cluster, Shared};
use super::nemesis;
use super::run::{judge, recorded};

/// How a run is to be, by the environment: WARDWATCH_FAULTS_SEED and WARDWATCH_FAULTS_SECONDS.
struct Plan {
    seed: u64,
    length: Duration,
}

impl Plan {
    fn of_environment(seconds: u64) -> Self {
        let number = |name| std::env::var(name).ok().map(|n| n.parse().unwrap_or_else(|_| panic!("{name}: a number")));
        let seed = number("WARDWATCH_FAULTS_SEED").unwrap_or(1);
        let length = Duration::from_secs(number("WARDWATCH_FAULTS_SECONDS").unwrap_or(seconds));
        eprintln!("again with WARDWATCH_FAULTS_SEED={seed} WARDWATCH_FAULTS_SECONDS={}", length.as_secs());
        Self { seed, length }
    }
}

async fn storm(name: &str, mut cluster: Cluster, plan: &Plan) {
    let disturb =
        async |cluster: &mut Cluster, rng: &mut fastrand::Rng| nemesis::disturb(cluster, rng, plan.length).await;
    let (history, done) = recorded(&mut cluster, plan.seed, disturb).await;
    judge(&format!("{name}, seed {}, {} s of faults", plan.seed, plan.length.as_secs()), &history, &done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_faults_breaks_no_promise_of_one_replica_over_sqlite() {
    storm("SQLite", Cluster::sqlite(), &Plan::of_environment(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_faults_breaks_no_promise_of_three_replicas_over_postgresql() {
    let Some(mut cluster) = Cluster::postgres(3).await else { return };
    let Shared { primary, standby, .. } = cluster.shared();
    primary.will_require_standby();
    *standby = Some(primary.standby().await);
    primary.require_standby().await;
    storm("PostgreSQL, three replicas, a synchronous standby", cluster, &Plan::of_environment(40)).await;
}
