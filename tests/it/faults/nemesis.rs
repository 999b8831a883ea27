//! What breaks things, one after the other, drawn from a seed; each puts right what it broke.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep, timeout};

use super::cluster::{Base, Cluster, Shared};
use super::history::{Trouble, now};
use super::proxy::Way;

/// A way to break something. Those of the service come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// `kill -9` of a replica.
    Kill,
    /// A replica kills itself at a named point.
    KillAtPoint,
    /// A replica stands still for a while.
    Stop,
    /// A replica is asked to end, and comes back: an update.
    Drain,
    /// Another process holds the lock that every write takes.
    Lock,
    /// The database server is killed and started again.
    DatabaseKill,
    /// It is stopped in haste and started again.
    DatabaseRestart,
    /// It stands still for a while.
    DatabaseFreeze,
    /// All connections to it are ended by an operator.
    DatabaseTerminate,
    /// The connections of one replica are reset.
    Reset,
    /// One replica is cut off: no connection says so, and new ones are dead as well.
    Partition,
    /// The connections of one replica die without a word; new ones can be made.
    HalfOpen,
    /// The standby stands still: nothing can be committed.
    StandbyFreeze,
    /// The primary is lost and its standby promoted.
    Failover,
}

impl Fault {
    pub const SQLITE: [Self; 5] = [Self::Kill, Self::KillAtPoint, Self::Stop, Self::Drain, Self::Lock];
    pub const POSTGRES: [Self; 14] = [
        Self::Kill,
        Self::KillAtPoint,
        Self::Stop,
        Self::Drain,
        Self::Lock,
        Self::DatabaseKill,
        Self::DatabaseRestart,
        Self::DatabaseFreeze,
        Self::DatabaseTerminate,
        Self::Reset,
        Self::Partition,
        Self::HalfOpen,
        Self::StandbyFreeze,
        Self::Failover,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Kill => "a replica was killed",
            Self::KillAtPoint => "a replica was killed at a named point",
            Self::Stop => "a replica stood still",
            Self::Drain => "a replica was drained",
            Self::Lock => "the head row was locked",
            Self::DatabaseKill => "the database was killed",
            Self::DatabaseRestart => "the database was restarted",
            Self::DatabaseFreeze => "the database stood still",
            Self::DatabaseTerminate => "connections were terminated",
            Self::Reset => "connections were reset",
            Self::Partition => "a replica was cut off",
            Self::HalfOpen => "connections were half open",
            Self::StandbyFreeze => "the standby stood still",
            Self::Failover => "the standby was promoted",
        }
    }

    /// Whether nothing can be stored while it lasts, by any replica.
    fn takes_storage(self) -> bool {
        matches!(
            self,
            Self::Lock
                | Self::DatabaseKill
                | Self::DatabaseRestart
                | Self::DatabaseFreeze
                | Self::StandbyFreeze
                | Self::Failover
        )
    }
}

/// What a nemesis did.
#[derive(Debug, Default)]
pub struct Done {
    pub troubles: Vec<Trouble>,
    pub drains: Vec<(usize, wardwatch::domain::Time, bool)>,
    pub counts: BTreeMap<&'static str, usize>,
    /// When storage was surely gone, and until when.
    gone: Option<wardwatch::domain::Time>,
    back: Option<wardwatch::domain::Time>,
}

/// Breaks things for `length`, each kind in turn in an order drawn anew each round.
pub async fn disturb(cluster: &mut Cluster, rng: &mut Rng, length: Duration) -> Done {
    let until = Instant::now() + length;
    let mut done = Done::default();
    let mut round = Vec::new();
    while Instant::now() < until {
        if round.is_empty() {
            round =
                if matches!(cluster.base, Base::Sqlite(_)) { Fault::SQLITE.to_vec() } else { Fault::POSTGRES.to_vec() };
            rng.shuffle(&mut round);
        }
        let Some(fault) = round.pop() else { continue };
        let replica = rng.usize(..cluster.replicas.len());
        one(cluster, rng, fault, replica, &mut done).await;
        sleep(Duration::from_millis(rng.u64(300..1_500))).await;
    }
    done
}

/// Breaks one thing, puts it right, and notes it.
pub async fn one(cluster: &mut Cluster, rng: &mut Rng, fault: Fault, replica: usize, done: &mut Done) {
    let from = now();
    (done.gone, done.back) = (None, None);
    let whose = bring_about(cluster, rng, fault, replica, done).await;
    let (kind, to) = (fault.name(), now());
    let storage_down = fault.takes_storage().then(|| done.gone.unwrap_or(from)..done.back.unwrap_or(to));
    eprintln!("{from} to {to}: {kind}{}", whose.map(|n| format!(" ({n})")).unwrap_or_default());
    done.troubles.push(Trouble { kind, from, to, replica: whose, storage_down });
    *done.counts.entry(kind).or_default() += 1;
}

/// Breaks one thing and puts it right; the replica that was gone or stood still, if it was one.
async fn bring_about(
    cluster: &mut Cluster,
    rng: &mut Rng,
    fault: Fault,
    replica: usize,
    done: &mut Done,
) -> Option<usize> {
    let while_broken = Duration::from_millis(rng.u64(500..4_000));
    match fault {
        Fault::Kill => {
            cluster.kill(replica).await;
            sleep(while_broken / 8).await;
            cluster.start(replica);
        }
        Fault::KillAtPoint => at_point(cluster, rng, replica).await,
        Fault::Stop => {
            cluster.process(replica).signal("STOP");
            sleep(while_broken).await;
            cluster.process(replica).signal("CONT");
        }
        Fault::Drain => {
            let at = now();
            let well = cluster.drain(replica).await;
            done.drains.push((replica, at, well));
            cluster.start(replica);
        }
        Fault::Lock => {
            let lock = super::storage::lock(cluster).await;
            done.gone = Some(now());
            sleep(while_broken).await;
            done.back = Some(now());
            lock.release().await;
            return None;
        }
        Fault::Reset | Fault::Partition | Fault::HalfOpen => {
            let ways = &cluster.shared().ways;
            let way = match fault {
                Fault::Reset => Way::Reset,
                Fault::Partition => Way::Dead,
                _ => Way::OldDead,
            };
            ways[replica].set(way);
            sleep(while_broken).await;
            ways[replica].set(Way::Open);
            return None;
        }
        _ => {
            database(cluster, fault, while_broken, done).await;
            return None;
        }
    }
    Some(replica)
}

/// The replica comes back so that it kills itself at a point it may pass at any time.
async fn at_point(cluster: &mut Cluster, rng: &mut Rng, replica: usize) {
    const POINTS: [&str; 5] = ["before_commit", "after_commit", "before_publish", "before_receipt", "in_catch_up"];
    let fault = format!("{}:kill:{}", POINTS[rng.usize(..POINTS.len())], rng.u32(1..20));
    cluster.kill(replica).await;
    // It may pass the point before it says that it listens.
    cluster.begin_with(replica, |command| {
        command.env("WARDWATCH_FAULT", &fault);
    });
    let process = cluster.process(replica);
    let ended = async {
        while !process.ended() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    // A point that it does not come to in time: nobody catches up on it, or its commits are few.
    if timeout(Duration::from_secs(4), ended).await.is_err() {
        cluster.kill(replica).await;
    } else {
        cluster.replicas[replica] = None;
    }
    cluster.start(replica);
}

async fn database(cluster: &mut Cluster, fault: Fault, while_broken: Duration, done: &mut Done) {
    let Shared { primary, standby, ways } = cluster.shared();
    match fault {
        Fault::DatabaseKill => {
            primary.kill();
            sleep(while_broken / 4).await;
            done.back = Some(now());
            primary.run().await;
        }
        Fault::DatabaseRestart => {
            primary.stop();
            done.back = Some(now());
            primary.run().await;
        }
        Fault::DatabaseFreeze => {
            primary.freeze();
            sleep(while_broken).await;
            done.back = Some(now());
            primary.thaw();
        }
        Fault::DatabaseTerminate => {
            primary
                .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'wardwatch'")
                .await;
        }
        Fault::StandbyFreeze => {
            let standby = standby.as_ref().expect("a storm has a standby");
            standby.freeze();
            sleep(while_broken).await;
            done.back = Some(now());
            standby.thaw();
        }
        Fault::Failover => {
            primary.kill();
            for way in ways.iter() {
                way.set(Way::Reset);
            }
            let next = standby.take().expect("a storm has a standby");
            done.back = Some(now());
            next.promote();
            *primary = next;
            for way in ways.iter() {
                way.lead_to(primary.address());
                way.set(Way::Open);
            }
            *standby = Some(primary.standby().await);
            primary.require_standby().await;
        }
        other => unreachable!("{other:?} is not the database's"),
    }
}
